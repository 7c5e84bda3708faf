package roster

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
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
	expiry   time.Time // no failure expires before
}

var _ View[int] = (*Lazy[int])(nil)

// A flight is a call of load and those who wait for it. Its fields are guarded
// by Lazy.mu, but value and err, which are set before done is closed.
type flight[T any] struct {
	waiters   int
	needs     map[string]int // names that the load itself is waiting for, and how often
	stale     bool           // name was forgotten: what it brings is not to be kept
	cancelled bool           // everybody who waited has given up
	cancel    context.CancelFunc
	done      chan struct{}
	value     T
	err       error
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
// cancelled when everybody who waits for the name has given up; whoever asks
// afterwards, or after [Lazy.Forget], waits for it to return. For a name that does
// not exist load returns an error that wraps [ErrUnknown], so that callers can
// tell that from an outage. A panic of load is caught and becomes a
// [*PanicError]. If load is nil, NewLazy panics.
func NewLazy[T any](load func(ctx context.Context, name string) (T, error), opts ...LazyOption) *Lazy[T] {
	s := newSettings[T]()
	s.retryAfter = defaultRetryAfter
	for _, opt := range opts {
		opt.forLazy(&s)
	}
	c := newCore[T](&s)
	c.source = lazyLoad
	if load == nil {
		panic(&NilError{Registry: c.name, Name: "load", What: "a nil load function", Site: c.created.site("")})
	}
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
// could not be registered, a [*SuspendedError] for one that is suspended, which
// is not loaded then, and otherwise a [*LoadError].
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
			if _, err := l.await(ctx, name, site); err != nil {
				l.missed(l.hot.published.Load().under, name)
				return Lease[T]{}, err
			}
		}
		lease, err := l.hot.lease(name, site)
		if err == nil || errors.Is(err, ErrSuspended) {
			return lease, err
		}
		// It was forgotten meanwhile: load it again, unless ctx is done.
	}
}

func (l *Lazy[T]) get(ctx context.Context, name string, site callers) (T, error) {
	if v, ok := l.hot.published.Load().found(name); ok {
		return v, nil
	}
	v, err := l.await(ctx, name, site)
	if err != nil {
		l.missed(l.hot.published.Load().under, name)
		return v, err
	}
	if _, kept := l.hot.published.Load().found(name); !kept && l.counted { // which counts the hit
		l.counts.past.hits.add(name, 1)
	}
	return v, nil
}

// await joins the flight for name, or starts it. What it brings is not given out if
// the name was suspended meanwhile.
func (l *Lazy[T]) await(ctx context.Context, name string, site callers) (none T, err error) {
	if fault := checkName(name); fault != "" {
		return none, &NameError{Registry: l.name, Name: name, Fault: fault, Site: site.site(l.home()), tried: "look up"}
	}
	for {
		if err := l.hot.published.Load().under.refusal(name); err != nil {
			return none, err
		}
		if err := ctx.Err(); err != nil {
			return none, &LoadError{Registry: l.name, Name: name, Err: err}
		}
		w, err := l.join(ctx, name, site)
		if err != nil {
			return none, err
		}
		select {
		case <-w.flight.done:
		case <-ctx.Done():
		}
		l.leave(w)
		select {
		case <-w.flight.done: // also if ctx was done as well
			if err := l.hot.published.Load().under.refusal(name); err != nil {
				return none, err
			}
			if !w.again {
				return w.flight.value, w.flight.err
			}
		default:
		}
	}
}

// A wait is one lookup that waits for a flight.
type wait[T any] struct {
	name   string
	flight *flight[T]
	by     *flight[T] // the flight whose load makes the lookup, or nil
	again  bool       // what the flight brings is not for this lookup, which came too late
}

func (l *Lazy[T]) join(ctx context.Context, name string, site callers) (wait[T], error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := wait[T]{name: name, by: flightIn(ctx, l), flight: l.flights[name]}
	if e := l.hot.peek(name); e != nil { // landed since we looked
		w.flight = &flight[T]{done: make(chan struct{}), value: e.value, cancel: func() {}}
		close(w.flight.done)
		return w, nil
	}
	if path := l.path(name, w.by, nil); path != nil {
		return w, &LoadError{Registry: l.name, Name: name, Err: fmt.Errorf(
			"it needs itself to load: %s → %s", strings.Join(path, " → "), name)}
	}
	if err := l.hot.shut(name, site); err != nil {
		return w, &LoadError{Registry: l.name, Name: name, Err: err}
	}
	if failed, ok := l.failures[name]; ok {
		if time.Now().Before(failed.until) {
			return w, failed.err
		}
		delete(l.failures, name)
	}
	if w.flight == nil {
		w.flight = &flight[T]{done: make(chan struct{}), needs: make(map[string]int)}
		inner := context.WithValue(context.WithoutCancel(ctx), loadKey[T]{l}, w.flight)
		inner, w.flight.cancel = context.WithCancel(inner) //nolint:gosec // fly and leave call it
		l.flights[name] = w.flight
		go l.fly(inner, name, w.flight, site)
	}
	w.again = w.flight.stale || w.flight.cancelled
	w.flight.waiters++
	if w.by != nil {
		w.by.needs[name]++
	}
	return w, nil
}

// path returns the names on the way from name to the flight that by is, over
// what each load is waiting for, or nil if there is none. The caller holds l.mu.
func (l *Lazy[T]) path(name string, by *flight[T], seen []string) []string {
	f := l.flights[name]
	if by == nil || f == nil || slices.Contains(seen, name) {
		return nil
	}
	seen = append(seen, name)
	if f == by {
		return seen
	}
	for needed := range f.needs {
		if path := l.path(needed, by, seen); path != nil {
			return path
		}
	}
	return nil
}

// leave ends a wait. When nobody waits for a flight any more, its context ends.
func (l *Lazy[T]) leave(w wait[T]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.by != nil {
		w.by.needs[w.name]--
		if w.by.needs[w.name] == 0 {
			delete(w.by.needs, w.name)
		}
	}
	w.flight.waiters--
	if w.flight.waiters == 0 {
		w.flight.cancelled = true
		w.flight.cancel()
	}
}

func (l *Lazy[T]) fly(ctx context.Context, name string, f *flight[T], site callers) {
	defer f.cancel()
	var value T
	err := contained(l.name, name, func() (err error) {
		value, err = l.load(ctx, name)
		return err
	})
	what := nilness(value)
	loaded := err == nil && what == ""
	if err == nil && !loaded {
		err = &NilError{Registry: l.name, Name: name, What: what, Site: site.site(l.home()), loaded: true}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	defer close(f.done)
	delete(l.flights, name)
	keep := !f.stale && !f.cancelled // what came of a context that was over may be half of a thing
	if err == nil && keep {
		err = l.hot.write(name, site, func(d *Draft[T]) error { return d.register(name, value, site) })
	}
	if loaded && (err != nil || !keep) {
		l.hot.discard(name, value)
	}
	if err == nil {
		f.value = value
		return
	}
	f.err = &LoadError{Registry: l.name, Name: name, Err: err}
	if l.retryAfter > 0 && keep {
		l.remember(name, f.err)
	}
}

// remember keeps an error until a load may be tried again, if there is room for
// it. The caller holds l.mu.
func (l *Lazy[T]) remember(name string, err error) {
	now := time.Now()
	if len(l.failures) == maxRemembered && !now.Before(l.expiry) {
		l.expiry = now.Add(l.retryAfter)
		for other, f := range l.failures {
			if !now.Before(f.until) {
				delete(l.failures, other)
			} else if f.until.Before(l.expiry) {
				l.expiry = f.until
			}
		}
	}
	if len(l.failures) < maxRemembered {
		l.failures[name] = failure{err: err, until: now.Add(l.retryAfter)}
	}
}

// Forget drops what is known of name, value or error, so that the next lookup
// loads it again, and reports whether there was a value. What a load that is
// under way brings goes to those who wait for it and is not kept: if the registry
// retires values it is retired at once.
func (l *Lazy[T]) Forget(name string) bool {
	site := callersOf(0)
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.failures, name)
	if f := l.flights[name]; f != nil {
		f.stale = true
	}
	if l.hot.peek(name) == nil {
		return false
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

// Close forgets everything, ends the contexts of the loads that are under way,
// and waits for them and like [Hot.Close], with the same errors, or no longer
// than until ctx is done. Lookups fail with a [*SealedError] from then on.
// Closing again only waits.
func (l *Lazy[T]) Close(ctx context.Context) error {
	site := callersOf(0)
	l.mu.Lock()
	l.hot.close(site)
	flights := slices.Collect(maps.Values(l.flights))
	for _, f := range flights {
		f.cancelled = true
		f.cancel()
	}
	l.mu.Unlock()
	for _, f := range flights {
		select {
		case <-f.done:
		case <-ctx.Done():
			return fmt.Errorf("roster: %s: a load has not returned: %w", l.name, ctx.Err())
		}
	}
	return l.hot.Drain(ctx)
}

// Holders lists the leases that are not released, as [Hot.Holders] does.
func (l *Lazy[T]) Holders() []Holder { return l.hot.Holders() }

// loadKey is the key in a context of the load that a registry called with it.
type loadKey[T any] struct{ l *Lazy[T] }

// flightIn returns the flight whose load ctx comes from, or nil.
func flightIn[T any](ctx context.Context, l *Lazy[T]) *flight[T] {
	f, _ := ctx.Value(loadKey[T]{l}).(*flight[T])
	return f
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
