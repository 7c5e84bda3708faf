package roster

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Lazy registry is the lifecycle for values that are made when somebody asks:
// a lookup of a name that it does not have calls a load function, once however
// many ask at the same time, and keeps the value. Create one with [NewLazy].
//
// A Lazy registry is safe for concurrent use. Looking up a loaded value takes no
// lock. What is loaded stays until [Lazy.Forget]; the load function decides by
// its errors which names exist, and with that how many values there can be.
type Lazy[T any] struct {
	*core
	hot        *Hot[T] // what is loaded
	load       func(ctx context.Context, name string) (T, error)
	retryAfter time.Duration

	mu       sync.Mutex // guards the fields below; not held while load runs, nor by lookups of loaded values
	flights  map[string]*flight[T]
	failures map[string]failure
}

var _ View[int] = (*Lazy[int])(nil)

// A flight is a call of load and those who wait for it.
type flight[T any] struct {
	waiters int // guarded by Lazy.mu
	stale   bool
	cancel  context.CancelFunc
	done    chan struct{} // closed when value and err are set
	value   T
	err     error
}

type failure struct {
	err   error
	until time.Time
}

const (
	defaultRetryAfter = time.Second
	maxRemembered     = 1000 // failures
)

// RetryAfter sets how long a [Lazy] registry answers with a load's error before
// it lets the next lookup of that name load again. The default is one second; 0
// means at once. It remembers the errors of at most 1,000 names at a time.
func RetryAfter(d time.Duration) LazyOption {
	return lazyOption(func(s *settings) { s.retryAfter = d })
}

// NewLazy creates a registry that loads what it does not have and lists it in
// the process's directory (see [In]).
//
// load is called on a goroutine of its own, never twice at a time for one name.
// Its context has the values of the lookup that caused the call, and is
// cancelled when everybody who waits for the name has given up. A panic of load
// is caught and becomes a [*PanicError].
func NewLazy[T any](load func(ctx context.Context, name string) (T, error), opts ...LazyOption) *Lazy[T] {
	s := newSettings[T]()
	s.retryAfter = defaultRetryAfter
	for _, opt := range opts {
		opt.forLazy(&s)
	}
	c := newCore[T](&s)
	l := &Lazy[T]{
		core: c, hot: newHot[T](c, &s), load: load, retryAfter: s.retryAfter,
		flights: make(map[string]*flight[T]), failures: make(map[string]failure),
	}
	if !s.unlisted {
		list(s.directory, l, c)
	}
	return l
}

// Load returns the value of name, and loads it if need be. It waits for a load
// no longer than until ctx is done. The error is a [*NameError] for a name that
// could not be registered, and otherwise a [*LoadError].
func (l *Lazy[T]) Load(ctx context.Context, name string) (T, error) {
	return l.get(ctx, name, callersOf(0))
}

// Get is [Lazy.Load] without a context and with false in the place of an error.
func (l *Lazy[T]) Get(name string) (T, bool) {
	v, err := l.get(context.Background(), name, callersOf(0))
	return v, err == nil
}

// Lookup is [Lazy.Load] without a context.
func (l *Lazy[T]) Lookup(name string) (T, error) {
	return l.get(context.Background(), name, callersOf(0))
}

// Lease loads name if need be and holds its value, as [Hot.Lease] does: it is
// what to use in a registry that retires values. The errors are those of
// [Lazy.Load].
func (l *Lazy[T]) Lease(ctx context.Context, name string) (Lease[T], error) {
	site := callersOf(0)
	for {
		if l.hot.peek(name) == nil {
			if _, err := l.get(ctx, name, site); err != nil {
				return Lease[T]{}, err
			}
		}
		if lease, err := l.hot.lease(name, site); err == nil {
			return lease, nil
		}
		// It was forgotten meanwhile.
		if ctx.Err() != nil {
			return Lease[T]{}, &LoadError{Registry: l.name, Name: name, Err: ctx.Err()}
		}
	}
}

func (l *Lazy[T]) get(ctx context.Context, name string, site callers) (T, error) {
	if v, ok := l.hot.published.Load().found(name); ok {
		return v, nil
	}
	v, err := l.await(ctx, name, site)
	if err != nil {
		l.missed(name)
		return v, err
	}
	l.hot.published.Load().found(name) // counts the hit
	return v, nil
}

// await joins the flight for name, or starts it.
func (l *Lazy[T]) await(ctx context.Context, name string, site callers) (none T, err error) {
	if fault := checkName(name); fault != "" {
		return none, &NameError{Registry: l.name, Name: name, Fault: fault, Site: site.site(l.home())}
	}
	if chain := loadsIn(ctx, l); slices.Contains(chain, name) {
		return none, &LoadError{Registry: l.name, Name: name, Err: fmt.Errorf(
			"it needs itself to load: %s → %s", strings.Join(chain, " → "), name)}
	}
	f, err := l.join(ctx, name, site)
	if err != nil {
		return none, err
	}
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		l.leave(f)
		return none, &LoadError{Registry: l.name, Name: name, Err: ctx.Err()}
	}
}

func (l *Lazy[T]) join(ctx context.Context, name string, site callers) (*flight[T], error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f := l.flights[name]; f != nil {
		f.waiters++
		return f, nil
	}
	if e := l.hot.published.Load().entry(name); e != nil { // landed since we looked
		f := &flight[T]{done: make(chan struct{}), value: e.value}
		close(f.done)
		return f, nil
	}
	if failed, ok := l.failures[name]; ok {
		if time.Now().Before(failed.until) {
			return nil, failed.err
		}
		delete(l.failures, name)
	}
	chain := append(slices.Clip(loadsIn(ctx, l)), name)
	loading, cancel := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), loadKey[T]{l}, chain)) //nolint:gosec // fly and leave call it
	f := &flight[T]{waiters: 1, cancel: cancel, done: make(chan struct{})}
	l.flights[name] = f
	go l.fly(loading, name, f, site)
	return f, nil
}

// leave ends the flight's context when nobody waits for it any more. Whoever
// asks next starts another.
func (l *Lazy[T]) leave(f *flight[T]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.waiters--
	if f.waiters > 0 {
		return
	}
	f.cancel()
	for name, current := range l.flights {
		if current == f {
			delete(l.flights, name)
		}
	}
}

func (l *Lazy[T]) fly(ctx context.Context, name string, f *flight[T], site callers) {
	defer f.cancel()
	err := contained(l.name, name, func() (err error) {
		f.value, err = l.load(ctx, name)
		return err
	})
	if err == nil {
		err = check(l.core, name, f.value, site)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	defer close(f.done)
	current := l.flights[name] == f
	if current {
		delete(l.flights, name)
	}
	switch {
	case err != nil || f.stale:
	case current:
		err = l.hot.write(name, site, func(d *Draft[T]) error { return d.register(name, f.value, site) })
	default: // nobody waits for it
		l.hot.discard(name, f.value)
	}
	if err == nil {
		return
	}
	var none T
	f.value, f.err = none, &LoadError{Registry: l.name, Name: name, Err: err}
	if l.retryAfter > 0 && current {
		l.remember(name, f.err)
	}
}

// remember keeps an error until a load may be tried again. The caller holds
// l.mu.
func (l *Lazy[T]) remember(name string, err error) {
	now := time.Now()
	if len(l.failures) >= maxRemembered {
		for other, f := range l.failures {
			if !now.Before(f.until) {
				delete(l.failures, other)
			}
		}
	}
	if len(l.failures) < maxRemembered {
		l.failures[name] = failure{err: err, until: now.Add(l.retryAfter)}
	}
}

// Forget drops what is known of name, value or error, so that the next lookup
// loads it again, and reports whether there was a value. A load that is under
// way answers those who wait for it and is not kept.
func (l *Lazy[T]) Forget(name string) bool {
	site := callersOf(0)
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.failures, name)
	if f := l.flights[name]; f != nil {
		f.stale = true
		delete(l.flights, name)
	}
	return l.hot.write(name, site, func(d *Draft[T]) error { return d.unregister(name, site) }) == nil
}

// Names lists the names that are loaded, in sorted order. The slice is the
// caller's.
func (l *Lazy[T]) Names() []string { return l.hot.Names() }

// All yields what is loaded at the call, in sorted order.
func (l *Lazy[T]) All() iter.Seq2[string, T] { return l.hot.All() }

// Len is the number of values that are loaded.
func (l *Lazy[T]) Len() int { return l.hot.Len() }

// Drain waits until every value that was forgotten is retired, as [Hot.Drain]
// does, with the same errors.
func (l *Lazy[T]) Drain(ctx context.Context) error { return l.hot.Drain(ctx) }

// Holders lists the leases that are not released, as [Hot.Holders] does.
func (l *Lazy[T]) Holders() []Holder { return l.hot.Holders() }

// loadKey is the key in a context of the names that a registry is loading.
type loadKey[T any] struct{ l *Lazy[T] }

// loadsIn returns the names whose loading led to ctx, outermost first.
func loadsIn[T any](ctx context.Context, l *Lazy[T]) []string {
	chain, _ := ctx.Value(loadKey[T]{l}).([]string)
	return chain
}

// A LoadError reports a name that could not be loaded.
type LoadError struct {
	Registry string
	Name     string
	Err      error // what the load function returned, or a [*PanicError], or the error of a context
}

func (e *LoadError) Error() string {
	return fmt.Sprintf("roster: %s: cannot load %q: %v", e.Registry, shortened(e.Name), e.Err)
}

// Unwrap returns the cause.
func (e *LoadError) Unwrap() error { return e.Err }

// Is makes errors.Is(err, ErrUnknown) true unless the caller gave up waiting.
func (e *LoadError) Is(target error) bool {
	return target == ErrUnknown && !errors.Is(e.Err, context.Canceled) && !errors.Is(e.Err, context.DeadlineExceeded)
}
