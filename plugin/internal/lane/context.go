package lane

import (
	"context"
	"sync"
	"time"
)

// A callContext is the context of one call on the side that runs it. It has no timer of
// its own, which would cost more than the rest of a small call: the caller's side has
// one, and says when the time is over.
type callContext struct {
	context.Context //nolint:containedctx // its parent

	deadline time.Time // zero if there is none

	mu    sync.Mutex    // guards the fields below
	done  chan struct{} // nil until somebody asks for it
	err   error
	after []func()
}

var (
	_ context.Context = (*callContext)(nil)

	closed = make(chan struct{})
)

func init() { close(closed) } //nolint:gochecknoinits // a channel that is closed has no literal

// Deadline implements context.Context.
func (c *callContext) Deadline() (time.Time, bool) { return c.deadline, !c.deadline.IsZero() }

// Done implements context.Context.
func (c *callContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.done != nil:
	case c.err != nil:
		c.done = closed
	default:
		c.done = make(chan struct{})
	}
	return c.done
}

// Err implements context.Context.
func (c *callContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// AfterFunc lets package context derive contexts without a goroutine for each.
func (c *callContext) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go f()
		return func() bool { return false }
	}
	c.after = append(c.after, f)
	i := len(c.after) - 1
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.err != nil || c.after[i] == nil {
			return false
		}
		c.after[i] = nil
		return true
	}
}

// cancel ends the context: with the deadline if that has come, as far as this side's
// clock can tell.
func (c *callContext) cancel() {
	const skew = 20 * time.Millisecond
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = context.Canceled
	if !c.deadline.IsZero() && time.Until(c.deadline) < skew {
		c.err = context.DeadlineExceeded
	}
	if c.done != nil {
		close(c.done)
	}
	for _, f := range c.after {
		if f != nil {
			go f()
		}
	}
	c.after = nil
}
