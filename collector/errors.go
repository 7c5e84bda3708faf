package collector

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/roster-go/roster"
)

// What the typed errors of this package are, for errors.Is. A clash is a
// [roster.ErrDuplicate] and a nil collector a [roster.ErrNilValue].
var (
	ErrDescription = errors.New("faulty description")
	ErrUndescribed = errors.New("name not described")
	ErrRepeated    = errors.New("name emitted twice")
	ErrLate        = errors.New("collector late")
)

// An AlreadyRegisteredError reports a collector that is registered. It carries
// the registered one for callers who go on with that, whoever came first.
type AlreadyRegisteredError[V any] struct {
	Existing Collector[V]
	Clash    *roster.DuplicateError // of the first name that Existing described, with both places
}

func (e *AlreadyRegisteredError[V]) Error() string {
	return fmt.Sprintf("collector: %s: the same %s is registered already, at %s; go on with the registered one, or register it once (at %s)",
		e.Clash.Registry, e.Clash.Existing.Type, e.Clash.Existing.Site, e.Clash.Refused.Site)
}

// Unwrap returns the clash, so that errors.Is(err, roster.ErrDuplicate) is true.
func (e *AlreadyRegisteredError[V]) Unwrap() error { return e.Clash }

// A DescriptionError reports a collector that cannot be registered because of
// how it describes itself.
type DescriptionError struct {
	Registry  string
	Collector string // its type
	Fault     string // what is wrong and what to do, as clauses
	Site      roster.Site
	Err       error // the panic of Describe, a [*roster.PanicError]; [roster.ErrNilValue]; or nil
}

func (e *DescriptionError) Error() string {
	text := fmt.Sprintf("collector: %s: cannot register a %s: %s (at %s)", e.Registry, e.Collector, e.Fault, e.Site)
	if panicked, ok := errors.AsType[*roster.PanicError](e.Err); ok {
		text += "\n" + panicked.Error()
	}
	return text
}

// Is makes errors.Is(err, ErrDescription) true.
func (e *DescriptionError) Is(target error) bool { return target == ErrDescription }

func (e *DescriptionError) Unwrap() error { return e.Err }

// A CollectError reports what went wrong with one collector in a Gather.
type CollectError struct {
	Registry   string
	Collector  string      // its type
	Names      []string    // that it described, in sorted order
	Registered roster.Site // who registered it

	// Err is what Collect returned, its panic as a [*roster.PanicError], an
	// [*UndescribedError], a [*RepeatedError] or a [*LateError], several of them
	// joined, or says why Collect was not called.
	Err error
}

func (e *CollectError) Error() string {
	return fmt.Sprintf("collector: %s: the %s of %s, registered at %s: %v",
		e.Registry, e.Collector, listed(e.Names), e.Registered, e.Err)
}

func (e *CollectError) Unwrap() error { return e.Err }

// listed names a few of names.
func listed(names []string) string {
	const shown = 3
	if more := len(names) - shown; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), more)
	}
	return strings.Join(names, ", ")
}

// An UndescribedError reports values under names that their collector had not
// described. They are dropped.
type UndescribedError struct {
	Name    string   // the first of them
	Nearest []string // described names that Name may be a slip of, best first
	Dropped int      // how many values
}

func (e *UndescribedError) Error() string {
	guess := ""
	if len(e.Nearest) > 0 {
		guess = fmt.Sprintf(" (did you mean %q?)", e.Nearest[0])
	}
	return fmt.Sprintf("it emitted %q%s, which it does not describe%s; describe the name, or correct it",
		shortened(e.Name), othersLike(e.Dropped), guess)
}

// Is makes errors.Is(err, ErrUndescribed) true.
func (e *UndescribedError) Is(target error) bool { return target == ErrUndescribed }

// A RepeatedError reports values under names that their collector had emitted
// in the same call already. The first value of each name is kept.
type RepeatedError struct {
	Name    string // the first of them
	Dropped int    // how many values
}

func (e *RepeatedError) Error() string {
	return fmt.Sprintf("it emitted %q%s twice, and the first value was kept; emit one value for each name",
		e.Name, othersLike(e.Dropped))
}

// Is makes errors.Is(err, ErrRepeated) true.
func (e *RepeatedError) Is(target error) bool { return target == ErrRepeated }

func othersLike(dropped int) string {
	if dropped > 1 {
		return fmt.Sprintf(" (and %d more)", dropped-1)
	}
	return ""
}

// shortened keeps enough of a name that is too long to recognise it.
func shortened(name string) string {
	const shown = 64
	if len(name) <= shown {
		return name
	}
	return name[:shown] + "…"
}

// A LateError reports a collector that did not return although its context was
// done, or that was not called because an earlier call, given up like that, has
// still not returned.
type LateError struct {
	Running time.Duration // since the call that has not returned
	Earlier bool          // that was the call of an earlier Gather
	Cause   error         // why the context was done; nil if Earlier
}

func (e *LateError) Error() string {
	if e.Earlier {
		return fmt.Sprintf("it was not called, because an earlier call is still running after %v; "+
			"make it return when its context is done", e.Running.Round(time.Millisecond))
	}
	return fmt.Sprintf("it is still running after %v, and what it emits from now on is dropped; "+
		"make it return when its context is done (%v)", e.Running.Round(time.Millisecond), e.Cause)
}

// Is makes errors.Is(err, ErrLate) true.
func (e *LateError) Is(target error) bool { return target == ErrLate }

func (e *LateError) Unwrap() error { return e.Cause }
