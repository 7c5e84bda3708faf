package pick

import (
	"errors"
	"fmt"
)

// ErrNone is what every [*NoneError] is, for errors.Is.
var ErrNone = errors.New("no instance")

// A NoneError reports that there is no instance to pick. Since instances that drain are
// picked when nothing else is left, it means that the list is empty, or that none in it can
// be called, see [Pool.UpdateReady].
type NoneError struct {
	Service  string // as the balancer or the last instance had it; may be empty
	Known    int    // instances in the list
	Draining int    // of those, how many drain
	Err      error  // why the view does not know any instance yet; nil once it has been synchronised
}

// Unwrap returns Err.
func (e *NoneError) Unwrap() error { return e.Err }

func (e *NoneError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("pick: no instance of service %q is known yet, check that the store can be reached: %v", e.Service, e.Err)
	}
	return fmt.Sprintf("pick: service %q has no instance to call (%d known, %d draining): "+
		"start one, or check that it announces itself under this name", e.Service, e.Known, e.Draining)
}

// Is makes errors.Is(err, ErrNone) true.
func (e *NoneError) Is(target error) bool { return target == ErrNone }

// ErrInvalidOption is what every [*OptionError] is, for errors.Is.
var ErrInvalidOption = errors.New("invalid option")

// An OptionError reports a field of [Options] that makes no sense.
type OptionError struct {
	Field  string // its name, for example "Outliers.MaxShare"
	Fault  string // what is wrong, as a clause
	Remedy string // what to do, as a clause
}

func (e *OptionError) Error() string {
	return fmt.Sprintf("pick: option %s: %s: %s", e.Field, e.Fault, e.Remedy)
}

// Is makes errors.Is(err, ErrInvalidOption) true.
func (e *OptionError) Is(target error) bool { return target == ErrInvalidOption }
