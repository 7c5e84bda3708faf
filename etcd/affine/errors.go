package affine

import (
	"fmt"
	"time"

	"github.com/roster-go/roster/replica/move"
)

// A NotHomeError reports that the namespace lives in another region. Nothing was done.
type NotHomeError struct {
	Namespace string
	Region    string // that was asked
	Home      string // to ask instead
	Epoch     uint64 // of the home
	Moving    bool   // it is on its way to the region that was asked
}

func (e *NotHomeError) Error() string {
	hint := "ask there"
	if e.Moving {
		hint = "it is on its way here: try again"
	}
	return fmt.Sprintf("affine: namespace %q is at home in region %q (epoch %d), not in %q: %s", e.Namespace, e.Home, e.Epoch, e.Region, hint)
}

// A MovingError reports that nobody serves the namespace just now. Nothing was done; try again.
type MovingError struct {
	Namespace string
	Home      string // so far
	To        string // empty while the home is being opened again
	State     move.State
}

func (e *MovingError) Error() string {
	return fmt.Sprintf("affine: namespace %q moves from %q to %q and is %s: try again in a moment; "+
		"if it stays so, resume or abort the move", e.Namespace, e.Home, e.To, e.State)
}

// A FencedError reports that the region's own store refused, although its record says that the
// region is the home: the record has changed and this process has not seen it yet, or nobody has opened the
// namespace yet, or the region's warden has not been able to renew its lease. Nothing was
// done; try again.
type FencedError struct {
	Namespace string
	Region    string
	Epoch     uint64     // of the record that was seen
	Stands    move.Guard // in the region's store; the zero Guard if the namespace was never there
	Alive     bool       // the region's warden has renewed its lease
}

func (e *FencedError) Error() string {
	if !e.Alive && e.Stands == (move.Guard{Epoch: e.Epoch, Mode: move.Open}) {
		return fmt.Sprintf("affine: namespace %q: the warden of region %q has not renewed its lease: "+
			"check that it runs and reaches the strong store", e.Namespace, e.Region)
	}
	return fmt.Sprintf("affine: namespace %q: region %q is its home at epoch %d, but its store has the guard %q: try again in a moment",
		e.Namespace, e.Region, e.Epoch, encodeGuard(e.Stands))
}

// An UnprovenError reports that this process cannot prove that its region still is the home.
// Nothing was done. It is what all get whose region is cut off from the strong store.
type UnprovenError struct {
	Namespace string
	Region    string
	Err       error // a *strong.StaleError or *strong.NoQuorumError, with since when
}

func (e *UnprovenError) Error() string {
	return fmt.Sprintf("affine: namespace %q: cannot prove that region %q still is its home; Peek reads what is here, "+
		"whoever the home is: %v", e.Namespace, e.Region, e.Err)
}

// Unwrap returns why.
func (e *UnprovenError) Unwrap() error { return e.Err }

// An InDoubtError reports a write that was sent and of which nobody knows whether it counts: the
// answer did not come, or it came when the region may have been deposed already.
type InDoubtError struct {
	Namespace string
	Op        string
	Key       string
	Late      time.Duration // by how much the answer missed the lease; 0 if there was none
	Err       error         // nil if there was an answer
}

func (e *InDoubtError) Error() string {
	why := "there was no answer"
	if e.Late > 0 {
		why = fmt.Sprintf("the answer came %v after the lease had run out", e.Late.Round(time.Millisecond))
	}
	text := fmt.Sprintf("affine: %s %q in namespace %q: %s: it may have been made, and may be lost; read the key before you decide", e.Op, e.Key, e.Namespace, why)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns what the store said.
func (e *InDoubtError) Unwrap() error { return e.Err }

// A StoreError reports that the region's own store did not answer or refused. Nothing was done.
type StoreError struct {
	Namespace string
	Region    string
	Err       error
}

func (e *StoreError) Error() string {
	return fmt.Sprintf("affine: namespace %q: the store of region %q did not do it, nothing was written: %v", e.Namespace, e.Region, e.Err)
}

// Unwrap returns what the store said.
func (e *StoreError) Unwrap() error { return e.Err }

// An UnknownError reports a namespace that is not in the directory.
type UnknownError struct {
	Namespace string
	Known     []string // as far as this process knows
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("affine: there is no namespace %q; create it, or use one of %q", e.Namespace, e.Known)
}

// A NameError reports a name that cannot be one, or a value that is too large.
type NameError struct {
	What  string // "region", "namespace", "key", "value"
	Name  string
	Fault string
}

func (e *NameError) Error() string {
	return fmt.Sprintf("affine: correct the %s %q: %s", e.What, e.Name, e.Fault)
}

// A HomeAliveError reports that a failover was not begun because the home gives signs of life.
type HomeAliveError struct {
	Namespace string
	Home      string
}

func (e *HomeAliveError) Error() string {
	return fmt.Sprintf("affine: region %q, the home of namespace %q, has just renewed its lease: "+
		"move the namespace instead, which loses nothing, or insist", e.Home, e.Namespace)
}
