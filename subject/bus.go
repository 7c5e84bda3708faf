package subject

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/roster-go/roster"
)

// A Bus takes messages of type T to the handlers that subscribe to their subjects.
// It is safe for concurrent use. Create one with [New].
type Bus[T any] struct {
	// OnError is called with what no publisher is there to be told: the failure of
	// a handler that has a buffer, and an eviction. It may be called by several
	// goroutines at once. If it is nil they are logged with slog's default logger.
	// Set it before the bus is used.
	OnError func(*DeliveryError)

	subs   *roster.Indexed[*Subscription[T], *index[T]]
	number atomic.Uint64 // of the last subscription
	closed atomic.Bool

	mu   sync.Mutex                    // guards live
	live map[*Subscription[T]]struct{} // not done yet
}

// New creates a bus without subscriptions. Its options are those of a hot registry.
// Without the option [roster.Named] the registry is called "subjects".
func New[T any](opts ...roster.HotOption) *Bus[T] {
	b := &Bus[T]{live: make(map[*Subscription[T]]struct{})}
	opts = append([]roster.HotOption{roster.Named("subjects")}, opts...)
	b.subs = roster.NewIndexed(b.build, opts...)
	return b
}

// build refuses what would be added after Close took everything out.
func (b *Bus[T]) build(last *index[T], next *roster.Edition[*Subscription[T]]) (*index[T], error) {
	if b.closed.Load() && len(next.Change().Added) > 0 {
		return nil, fmt.Errorf("roster: %s is %w", next.Name(), ErrClosed)
	}
	return buildIndex(last, next), nil
}

// Name is the name of the registry that the subscriptions live in.
func (b *Bus[T]) Name() string { return b.subs.Name() }

// Subscriptions is the registry that the subscriptions live in, for reading.
func (b *Bus[T]) Subscriptions() roster.View[*Subscription[T]] { return b.subs.Hot }

// Subscribe is [Bus.TrySubscribe] for a pattern and options that the program
// itself has written down: it panics with the error.
func (b *Bus[T]) Subscribe(pattern string, h Handler[T], opts ...Option) *Subscription[T] {
	s, err := b.TrySubscribe(pattern, h, opts...)
	if err != nil {
		panic(err)
	}
	return s
}

// TrySubscribe has h called with every message whose subject the pattern matches,
// from now on. The error is an [*InvalidError], one of [roster.Hot.TryRegister]
// about the name, or [ErrClosed].
func (b *Bus[T]) TrySubscribe(pattern string, h Handler[T], opts ...Option) (*Subscription[T], error) {
	var set settings
	for _, opt := range opts {
		opt(&set)
	}
	s := &Subscription[T]{
		bus: b, name: set.name, pattern: strings.Clone(pattern), queue: set.queue, policy: set.policy,
		site: roster.CallerSite(1), done: make(chan struct{}), ending: make(chan struct{}),
		waiting: queue[T]{limit: set.limit},
	}
	if err := s.check(&set, h); err != nil {
		return nil, err
	}
	if s.policy == Block {
		s.room = make(chan struct{}, 1)
	}
	if s.name == "" {
		s.name = nameFor(pattern, s.queue, b.number.Add(1))
	}
	s.handler.Store(&h)
	b.mu.Lock()
	b.live[s] = struct{}{}
	b.mu.Unlock()
	if err := b.subs.TryRegister(s.name, s); err != nil {
		b.forget(s)
		return nil, err
	}
	return s, nil
}

func (s *Subscription[T]) check(set *settings, h Handler[T]) error {
	invalid := set.fault()
	if fault := patternFault(s.pattern); fault != "" {
		invalid = &InvalidError{What: "pattern", Text: s.pattern, Fault: fault}
	} else if h == nil {
		invalid = &InvalidError{What: "handler", Text: s.pattern, Fault: "it is nil"}
	}
	if invalid == nil {
		return nil
	}
	invalid.Bus, invalid.Site = s.bus.Name(), s.site
	return invalid
}

// Publish sends v to every subscription that matches subject, and to one member of
// every queue group. Subscriptions that are suspended (see
// [roster.Directory.Suspend]) get nothing, and what waits in their queues when that
// comes is lost and reported like a failure. It returns how many took it: handled it, or have it in their
// queue.
//
// The error joins a [*DeliveryError] for every handler that ran here and failed,
// and for every queue that had no room before ctx ended; it does not keep the
// message from the others. A message that is dropped by policy is not an error.
// Otherwise the error is an [*InvalidError] for the subject or [ErrClosed].
func (b *Bus[T]) Publish(ctx context.Context, subject string, v T) (int, error) {
	if fault := subjectFault(subject); fault != "" {
		return 0, &InvalidError{Bus: b.Name(), What: "subject", Text: subject, Fault: fault}
	}
	if b.closed.Load() {
		return 0, b.closedError("the bus")
	}
	var buf [8]*interest[T]
	found := b.subs.Index().match(subject, buf[:0])
	if len(found) == 0 {
		b.subs.Missed(subject)
		return 0, nil
	}
	p := publication[T]{letter: letter[T]{ctx, Message[T]{subject, v}}}
	for i, in := range found {
		for _, m := range in.each {
			p.to(m, true)
		}
		for _, g := range in.groups {
			if !namedIn(found[:i], g.name) {
				p.toOneOf(found[i:], g.name)
			}
		}
	}
	return p.took, errors.Join(p.errs...)
}

// namedIn reports whether a group of that name was met already.
func namedIn[T any](found []*interest[T], queue string) bool {
	for _, in := range found {
		if len(in.groups) > 0 && in.membersOf(queue) != nil {
			return true
		}
	}
	return false
}

// A publication is one message on its way to everybody.
type publication[T any] struct {
	letter[T]

	took int
	errs []error
}

func (p *publication[T]) to(m member[T], patient bool) outcome {
	if m.bus.subs.Suspended(m.name) != nil {
		return refused
	}
	what, err := m.deliver(p.letter, patient)
	if what == taken {
		p.took++
		m.tally.Hit()
	}
	if err != nil {
		p.errs = append(p.errs, m.failure(p.message.Subject, err))
	}
	return what
}

// toOneOf finds the member of a queue group that takes the message: one that has
// room, or else one that does what its policy says.
func (p *publication[T]) toOneOf(found []*interest[T], queue string) {
	total := 0
	for _, in := range found {
		total += len(in.membersOf(queue))
	}
	start := rand.IntN(total)
	for _, patient := range []bool{false, true} {
		for i := range total {
			switch p.to(nth(found, queue, (start+i)%total), patient) {
			case taken, dropped, gaveUp:
				return
			case full, refused:
			}
		}
	}
}

func nth[T any](found []*interest[T], queue string, n int) member[T] {
	for _, in := range found {
		members := in.membersOf(queue)
		if n < len(members) {
			return members[n]
		}
		n -= len(members)
	}
	panic("roster: a queue group has fewer members than were counted")
}

// Matching yields the subscriptions that a message to subject would go to, and all
// members of the queue groups one of which would get it. It yields nothing for a
// subject that is not valid.
func (b *Bus[T]) Matching(subject string) iter.Seq[*Subscription[T]] {
	return func(yield func(*Subscription[T]) bool) {
		if subjectFault(subject) != "" {
			return
		}
		var buf [8]*interest[T]
		for _, in := range b.subs.Index().match(subject, buf[:0]) {
			for _, m := range in.each {
				if b.subs.Suspended(m.name) == nil && !yield(m.Subscription) {
					return
				}
			}
			for _, g := range in.groups {
				for _, m := range g.members {
					if b.subs.Suspended(m.name) == nil && !yield(m.Subscription) {
						return
					}
				}
			}
		}
	}
}

// Close ends all subscriptions in an orderly way and refuses new ones and new
// messages. It returns when all handlers have returned. If ctx ends before that,
// what waits is dropped, the contexts of running handlers are canceled, and the
// error joins a [*StuckError] for each subscription. It may be called again to go
// on waiting. A handler that closes its own bus waits for itself.
func (b *Bus[T]) Close(ctx context.Context) error {
	b.closed.Store(true)
	b.mu.Lock()
	live := slices.Collect(maps.Keys(b.live))
	b.mu.Unlock()
	for _, s := range live {
		s.shut(nil)
	}
	errs := []error{b.subs.Reload(nil)}
	slices.SortFunc(live, func(x, y *Subscription[T]) int { return strings.Compare(x.name, y.name) })
	for _, s := range live {
		errs = append(errs, s.Drain(ctx))
	}
	return errors.Join(errs...)
}

// remove takes a subscription that ended out of the registry. It may be gone.
func (b *Bus[T]) remove(s *Subscription[T]) {
	if err := b.subs.Unregister(s.name); err != nil && !errors.Is(err, roster.ErrUnknown) {
		b.report(s.failure(s.pattern, err))
	}
}

// forget notes that nothing of a subscription runs any more.
func (b *Bus[T]) forget(s *Subscription[T]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.live, s)
}

func (b *Bus[T]) report(err *DeliveryError) {
	if b.OnError != nil {
		b.OnError(err)
		return
	}
	//nolint:forbidigo // Whoever wants another logger sets OnError; losing failures silently is worse.
	slog.Error("message not handled", "bus", err.Bus, "subscription", err.Subscription, "subject", err.Subject, "err", err.Err)
}

func (b *Bus[T]) closedError(what string) error {
	return fmt.Errorf("roster: %s: %s is %w", b.Name(), what, ErrClosed)
}

// cutTo is text of at most n bytes, with a sign that something is missing.
func cutTo(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n-1], "") + "…"
}
