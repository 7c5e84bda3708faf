package roster

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime/debug"
	"time"
)

// OnRetire makes a [Hot] or [Lazy] registry retire its values: retire is called with each
// value that was replaced, removed or forgotten, exactly once, when the last [Pin] and the
// last [Lease] that could see it are released. A pointer that is registered
// under several names is retired when the last of them is gone.
//
// A lookup with Get is neither pin nor lease: nobody can know how long its
// caller goes on using the value. In a registry that retires values, use pins
// and leases.
//
// The calls are made one at a time, in the order in which the values came free,
// on a goroutine that lives as long as there is something to retire; retire must
// not wait for the registry to drain. An error
// or a panic of retire is kept for [Hot.Drain] to return; the value counts as
// retired. T must be the element type of the registry, otherwise [NewHot]
// panics.
func OnRetire[T any](retire func(name string, v T) error) ChangingOption {
	return changingOption(func(s *settings) { s.retire = retire })
}

// CloseRetired is [OnRetire] with the value's own Close method, if it has one,
// with or without an error as its result.
func CloseRetired() ChangingOption {
	return changingOption(func(s *settings) { s.closing = true })
}

func closeValue[T any](name string, v T) error {
	switch c := any(v).(type) {
	case io.Closer:
		if err := c.Close(); err != nil {
			return fmt.Errorf("close %q: %w", name, err)
		}
	case interface{ Close() }:
		c.Close()
	}
	return nil
}

// ReportStuck makes a [Hot] registry call report when a value that was replaced
// or removed is still held after that time. The error names the holders and the
// places that acquired them. Nothing is taken away from them. It is called on a
// goroutine of its own, at most once per version.
func ReportStuck(after time.Duration, report func(*StuckError)) HotOption {
	return hotOption(func(s *settings) { s.stuckAfter, s.reportStuck = after, report })
}

// Retires reports whether the registry retires values (see [OnRetire]), so that
// whoever uses one has to hold it with a pin or a lease.
func (h *Hot[T]) Retires() bool { return h.drain.retire != nil }

// Validate makes a [Hot] registry ask check before it publishes anything. check
// sees the registry as it would be; if it returns an error, the write fails with
// a [*ValidationError] and nothing changes. Other writers wait meanwhile, and
// check must not write to the registry. T must be the element type of the
// registry, otherwise [NewHot] panics.
func Validate[T any](check func(next View[T]) error) HotOption {
	return hotOption(func(s *settings) { s.validate = append(s.validate, check) })
}

// typed gives what an option was given back the type that settings could not
// hold.
func typed[F any](c *core, option string, given any) F {
	f, ok := given.(F)
	if !ok {
		panic(fmt.Sprintf("roster: %s: the option %s was given a %T, but values are of type %s: give it a %s (at %s)",
			c.name, option, given, c.elementType, reflect.TypeFor[F](), c.created.site("")))
	}
	return f
}

// identity is what tells whether two registered values are one thing to retire:
// the address, for values that are one. Other values are retired one by one.
func identity[T any](v T) (id any, ok bool) {
	boxed := any(v)
	switch reflect.ValueOf(boxed).Kind() {
	case reflect.Pointer, reflect.Chan, reflect.UnsafePointer:
		return boxed, true
	default:
		return nil, false
	}
}

// A PanicError is a panic of a function that a registry called, caught.
type PanicError struct {
	Registry string
	Name     string // of the value it was called for
	Value    any    // what it panicked with
	Site     Site   // where it panicked
	Stack    []byte // of the goroutine that panicked, as from [debug.Stack]; not in the text
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("roster: %s: panic for %q: %v (at %s)", e.Registry, shortened(e.Name), e.Value, e.Site)
}

// Unwrap returns the panic's value if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// contained calls f and makes an error of its panic. f has a goroutine of its
// own, because it may end it with [runtime.Goexit], as a test's FailNow does.
func contained(registry, name string, f func() error) (err error) {
	done := make(chan struct{})
	go func() {
		finished := false
		defer close(done)
		defer func() {
			if finished {
				return
			}
			v := recover()
			if v == nil {
				v = errGoexit
			}
			err = &PanicError{Registry: registry, Name: name, Value: v, Site: callersOf(0).site(""), Stack: debug.Stack()}
		}()
		err = f()
		finished = true
	}()
	<-done
	return err
}

var errGoexit = errors.New("runtime.Goexit was called")
