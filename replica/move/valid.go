package move

import (
	"encoding/json"
	"fmt"
)

// Decode reads a record that was stored as JSON; fields that it does not know are ignored. The error
// is a [*RecordError].
func Decode(text []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(text, &r); err != nil {
		return Record{}, &RecordError{Fault: err.Error()}
	}
	if fault := r.fault(); fault != "" {
		return Record{}, &RecordError{Namespace: r.Namespace, Fault: fault}
	}
	return r, nil
}

func (r Record) fault() string {
	moving := false
	switch r.State {
	case Fencing, Copying, Verifying, Waiting:
		moving = true
	case Active, Opening, Reverting:
	default:
		return fmt.Sprintf("there is no state %q", r.State)
	}
	switch {
	case r.Namespace == "":
		return "it names no namespace"
	case r.Home == "" || r.Epoch == 0:
		return "it names no home and epoch"
	case moving != (r.To != "") || moving != (r.Next != 0):
		return fmt.Sprintf("it is %s, and the next home is %q at epoch %d", r.State, r.To, r.Next)
	case r.To == r.Home:
		return "the next home is the home"
	case moving && r.Next <= r.Epoch:
		return fmt.Sprintf("the epoch %d of the next home is not above that of the home, %d", r.Next, r.Epoch)
	case r.Highest < r.Epoch || r.Highest < r.Next:
		return fmt.Sprintf("its highest epoch is %d, and there are higher ones", r.Highest)
	}
	return ""
}

// A RecordError reports a record that [Record]'s methods cannot have made.
type RecordError struct {
	Namespace string
	Fault     string
}

func (e *RecordError) Error() string {
	return fmt.Sprintf("move: the record of namespace %q is damaged: %s: restore it from the strong store's backup, or repair it by hand", e.Namespace, e.Fault)
}
