package strong

import (
	"errors"
	"fmt"
	"time"
)

// A NoQuorumError reports that no quorum of the store's members answered. What was asked for
// was not done and will not be.
type NoQuorumError struct {
	Op    string    // "put", "delete", "compare and set", "get", "list", "barrier"
	Key   string    // or prefix; empty for a barrier
	Asked []string  // the members in use, by their addresses
	Since time.Time // when contact was lost, as far as this process noticed; zero if it has not
	Have  Version   // of the view that can still be read; 0 if there is none
	Err   error     // what the engine said
}

func (e *NoQuorumError) Error() string {
	since := "it was there a moment ago"
	if !e.Since.IsZero() {
		since = fmt.Sprintf("none for %v", time.Since(e.Since).Round(time.Millisecond))
	}
	still := "nothing can be read here yet"
	if e.Have != 0 {
		still = fmt.Sprintf("View still reads what was known at version %d", e.Have)
	}
	return fmt.Sprintf("strong: %s %q: no quorum answered, %s (asked %q); nothing was written; %s; "+
		"check the links between the regions and that a majority of the members runs: %v",
		e.Op, e.Key, since, e.Asked, still, e.Err)
}

// Unwrap returns what the engine said.
func (e *NoQuorumError) Unwrap() error { return e.Err }

// A ContactError is what [Sink.Lost] is told, and so what [View.Err] says: the watch lost the
// quorum, and goes on as soon as it answers again.
type ContactError struct {
	Asked []string // the members in use, by their addresses
	Err   error
}

func (e *ContactError) Error() string {
	return fmt.Sprintf("strong: lost contact with %q, trying again; "+
		"check the links between the regions and that a majority of the members runs: %v", e.Asked, e.Err)
}

// Unwrap returns what was lost.
func (e *ContactError) Unwrap() error { return e.Err }

// An InDoubtError reports a write of which nobody knows whether it was made: it was sent, and
// the answer did not come. It may even be made after this error was returned.
//
// Reading the key tells more once it has changed. Repeating a CompareAndSet with the same
// version is safe: if it is a [*ConflictError] whose Found holds the value that was to be
// written, the first one may have been made.
type InDoubtError struct {
	Op  string
	Key string
	Err error
}

func (e *InDoubtError) Error() string {
	return fmt.Sprintf("strong: %s %q: it was sent, and there was no answer: it may have been made or be made yet; "+
		"read the key before you decide: %v", e.Op, e.Key, e.Err)
}

// Unwrap returns what the engine said.
func (e *InDoubtError) Unwrap() error { return e.Err }

// A ConflictError reports a guarded write of a key whose version was not the expected one.
// Nothing was written.
type ConflictError struct {
	Key      string
	Expected Version // 0: the key was not to be there
	Found    Entry   // the zero Entry if the key is not there
}

func (e *ConflictError) Error() string {
	found := "it is not there"
	if e.Found.Version != 0 {
		found = fmt.Sprintf("it has version %d", e.Found.Version)
	}
	expected := "to be free"
	if e.Expected != 0 {
		expected = fmt.Sprintf("at version %d", e.Expected)
	}
	return fmt.Sprintf("strong: key %q was expected %s, but %s: read it and decide again", e.Key, expected, found)
}

// A StaleError reports that this process cannot prove that its view is as fresh as was
// asked for.
type StaleError struct {
	Bound time.Duration // that was asked for
	Age   time.Duration // of the last proof; 0 if there is none
	Have  Version       // of the view that [Store.View] still gives; 0 if there is none
	Err   error         // why there is no contact; nil if it is not known to be lost
}

func (e *StaleError) Error() string {
	age := fmt.Sprintf("the last proof is %v old", e.Age.Round(time.Millisecond))
	if e.Age == 0 {
		age = "nothing was proven yet"
	}
	why := "the next proof is due within a heartbeat"
	if e.Err != nil {
		why = e.Err.Error()
	}
	return fmt.Sprintf("strong: cannot prove that the view is at most %v old: %s; "+
		"read View if an older state will do, or Barrier for a new proof (the view is at version %d): %s",
		e.Bound, age, e.Have, why)
}

// Unwrap returns why there is no contact.
func (e *StaleError) Unwrap() error { return e.Err }

// A KeyError reports a key that cannot be one.
type KeyError struct{ Key string }

func (e *KeyError) Error() string {
	return fmt.Sprintf("strong: the key %q is empty: give it a name", e.Key)
}

var (
	errNotSynchronised = errors.New("the store has not been read yet; wait for Ready")
	errNotRunning      = errors.New("the view is not kept up to date; call Run")

	// ErrRunning is returned by [Store.Run] while another Run of the same store is under way.
	ErrRunning = errors.New("strong: the store is running already; end that Run first")
)
