package collector

import (
	"context"
	"errors"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/roster-go/roster"
)

// A run is one call of a collector. It writes its values into those of its
// gathering until it is over.
type run[V any] struct {
	reg     *registration[V]
	values  []V    // one for each described name
	emitted []bool // which of them there are

	mu          sync.Mutex // guards the fields below and what values and emitted hold
	state       state
	started     time.Time
	deadline    time.Time // of the collector's context; zero if it has none of its own
	undescribed *UndescribedError
	repeated    *RepeatedError
	err         error
}

// state is how far a run has come.
type state int

const (
	waiting state = iota // for its turn
	running
	over    // and nothing more is taken
	givenUp // over, but has not returned
)

// start begins the run, unless it is over.
func (c *run[V]) start(now, deadline time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != waiting {
		return false
	}
	c.state, c.started, c.deadline = running, now, deadline
	return true
}

// errExited is the error of a Collect that neither returned nor panicked.
var errExited = errors.New("it ended its goroutine with runtime.Goexit; return an error instead")

// run calls the collector.
func (c *run[V]) run(ctx context.Context, registry string) {
	err := errExited
	defer func() { c.end(err) }()
	err = contained(registry, c.reg.names[0], func() error { return c.reg.collector.Collect(ctx, c.emit) })
}

// emit takes a value from the collector.
func (c *run[V]) emit(name string, v V) {
	i, described := 0, c.reg.names[0] == name
	if !described && len(c.reg.names) > 1 {
		i, described = slices.BinarySearch(c.reg.names, name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.state != running:
	case !described:
		if c.undescribed == nil {
			c.undescribed = &UndescribedError{Name: strings.Clone(name), Nearest: roster.Nearest(name, c.reg.names)}
		}
		c.undescribed.Dropped++
	case c.emitted[i]:
		if c.repeated == nil {
			c.repeated = &RepeatedError{Name: c.reg.names[i]}
		}
		c.repeated.Dropped++
	default:
		c.values[i], c.emitted[i] = v, true
	}
}

// end notes that the collector has returned.
func (c *run[V]) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == givenUp {
		c.reg.late.CompareAndSwap(c, nil)
		return
	}
	c.state, c.err = over, err
}

// skip ends a run that did not start.
func (c *run[V]) skip(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == waiting {
		c.state, c.err = over, err
	}
}

// giveUp ends a run that has not returned, and reports whether that was so.
func (c *run[V]) giveUp(now time.Time, cause error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != running {
		return false
	}
	c.state, c.err = givenUp, &LateError{Running: now.Sub(c.started), Cause: cause}
	c.reg.late.CompareAndSwap(nil, c)
	return true
}

// due is when a run that has not returned is to be given up.
func (c *run[V]) due() (at time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.deadline.Add(grace), c.state == running && !c.deadline.IsZero()
}

// since is when a call began that has not returned.
func (c *run[V]) since() (started time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started, c.state == running || c.state == givenUp
}

// fault is what was wrong with a run that is over.
func (c *run[V]) fault() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil && c.undescribed == nil && c.repeated == nil {
		return c.err
	}
	var errs []error
	if c.err != nil {
		errs = append(errs, c.err)
	}
	if c.undescribed != nil {
		errs = append(errs, c.undescribed)
	}
	if c.repeated != nil {
		errs = append(errs, c.repeated)
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// contained calls f and makes an error of its panic.
func contained(registry, name string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &roster.PanicError{Registry: registry, Name: name, Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}
