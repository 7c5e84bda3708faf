package subject

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/roster-go/roster"
)

// A Message is a value published to a subject.
type Message[T any] struct {
	Subject string
	Value   T
}

// A Handler is called with the messages of a subscription. Without a [Buffer] the
// context is the publisher's. With one it has the publisher's values, but ends
// only when the time that [Subscription.Drain] or [Bus.Close] was given is over.
//
// A panic in a handler is contained and counts as its error; the subscription goes
// on.
type Handler[T any] func(ctx context.Context, m Message[T]) error

// A Subscription is a handler's entry in a bus. [Bus.Subscribe] makes it.
type Subscription[T any] struct {
	bus                  *Bus[T]
	name, pattern, queue string
	site                 roster.Site
	policy               Policy // 0 without a buffer
	handler              atomic.Pointer[Handler[T]]
	handled, failed      atomic.Uint64
	done                 chan struct{} // closed when ended and nothing runs
	room                 chan struct{} // wakes one publisher that is blocked
	ending               chan struct{} // closed when the subscription takes no more

	mu      sync.Mutex // guards the fields below
	ended   bool       // takes no more
	err     error      // why, if nobody asked for it
	running int        // calls of the handler that are under way
	working bool       // a goroutine serves the queue
	giveUp  context.CancelCauseFunc
	waiting queue[T]
	blocked int // publishers that wait for room
	dropped uint64
}

// Name is the subscription's name in the registry of its bus.
func (s *Subscription[T]) Name() string { return s.name }

// Pattern is what it subscribes to.
func (s *Subscription[T]) Pattern() string { return s.pattern }

// Queue is the name of its queue group, or "".
func (s *Subscription[T]) Queue() string { return s.queue }

// Site is the place that subscribed.
func (s *Subscription[T]) Site() roster.Site { return s.site }

// Done is closed when the subscription has ended and its last handler returned.
func (s *Subscription[T]) Done() <-chan struct{} { return s.done }

// Err says why the subscription ended if nobody asked it to: an [*EvictedError].
// It is nil otherwise.
func (s *Subscription[T]) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Stats are the counters of a subscription since it began.
type Stats struct {
	Handled uint64 // messages whose handler returned nil
	Failed  uint64 // messages whose handler returned an error or panicked
	Dropped uint64 // messages that were lost because of the policy or because the subscription ended
	Pending int    // messages that wait in the queue now
	Running int    // calls of the handler that are under way now
}

// Stats returns the counters.
func (s *Subscription[T]) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{
		Handled: s.handled.Load(), Failed: s.failed.Load(), Dropped: s.dropped,
		Pending: s.waiting.count, Running: s.running,
	}
}

// Replace gives the subscription another handler, from the next message on; what
// waits in the queue goes to the new one, in order. The registry tells of it as of
// a replaced entry. The error is an [*InvalidError] for a nil handler, and one that
// is [ErrClosed] if the subscription has ended.
func (s *Subscription[T]) Replace(h Handler[T]) error {
	if h == nil {
		return &InvalidError{Bus: s.bus.Name(), What: "handler", Text: s.name, Fault: "it is nil", Site: roster.CallerSite(1)}
	}
	return s.bus.subs.Update(func(d *roster.Draft[*Subscription[T]]) error {
		if current, ok := d.Get(s.name); !ok || current != s {
			return s.bus.closedError(fmt.Sprintf("subscription %q", s.name))
		}
		s.handler.Store(&h)
		return d.Replace(s.name, s)
	})
}

// Unsubscribe ends the subscription at once. When it returns the handler is not
// called again; what waits in the queue is dropped. It does not wait for a handler
// that is running, so a handler may call it; Done tells when that one returned.
// Calling it again does nothing.
func (s *Subscription[T]) Unsubscribe() {
	s.end(nil)
	s.mu.Lock()
	s.drop()
	s.settle()
	s.mu.Unlock()
}

// Drain ends the subscription in an orderly way: it takes no more messages, and
// Drain returns when those that it has taken are handled. If ctx ends before that,
// the rest is dropped, the context of the running handler is canceled, and the
// error is a [*StuckError]. A handler that drains its own subscription waits for
// itself.
func (s *Subscription[T]) Drain(ctx context.Context) error {
	s.end(nil)
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stuck := &StuckError{
		Bus: s.bus.Name(), Subscription: s.name, Site: s.site,
		Running: s.running, Dropped: s.drop(), Err: context.Cause(ctx),
	}
	if s.giveUp != nil {
		s.giveUp(stuck)
	}
	s.settle()
	if stuck.Running == 0 && stuck.Dropped == 0 {
		return nil // it was done at the last moment
	}
	return stuck
}

// end closes the subscription for new messages and takes it out of the registry.
// It reports whether it was open.
func (s *Subscription[T]) end(err error) bool {
	first := s.shut(err)
	if first {
		s.bus.remove(s)
	}
	return first
}

// shut closes the subscription for new messages. It reports whether it was open.
func (s *Subscription[T]) shut(err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.ended, s.err = true, err
	close(s.ending)
	s.settle()
	return true
}

// drop loses what waits. The caller holds s.mu.
func (s *Subscription[T]) drop() int {
	n := s.waiting.clear()
	s.dropped += uint64(n)
	return n
}

// settle tells that everything is over, if it is. The caller holds s.mu.
func (s *Subscription[T]) settle() {
	if !s.ended || s.running > 0 || s.working || s.waiting.count > 0 {
		return
	}
	select {
	case <-s.done:
	default:
		close(s.done)
		s.bus.forget(s)
	}
}

// call runs the handler and counts what became of it.
func (s *Subscription[T]) call(ctx context.Context, m Message[T]) (err error) {
	returned := false
	defer func() {
		if v := recover(); v != nil {
			err = &roster.PanicError{Registry: s.bus.Name(), Name: s.name, Value: v, Site: s.site, Stack: debug.Stack()}
		}
		if err != nil || !returned { // a handler may also end its goroutine
			s.failed.Add(1)
		} else {
			s.handled.Add(1)
		}
	}()
	err = (*s.handler.Load())(ctx, m)
	returned = true
	return err
}

func (s *Subscription[T]) failure(subject string, err error) *DeliveryError {
	return &DeliveryError{Bus: s.bus.Name(), Subscription: s.name, Subject: subject, Site: s.site, Err: err}
}
