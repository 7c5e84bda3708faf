package collector

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roster-go/roster"
)

// A Registry holds collectors of values of type V. Create one with [New].
//
// A Registry is safe for concurrent use.
type Registry[V any] struct {
	hot     *roster.Hot[Collector[V]] // by described name
	atOnce  int
	timeout time.Duration

	mu         sync.Mutex // serialises writers and guards the fields below; not held while a collector's method runs
	registered map[*registration[V]]struct{}
	same       map[any]*registration[V] // by collector, those that can be compared
	plan       *plan[V]                 // of what is registered; nil if not made yet
	workers    map[*worker[V]]struct{}  // goroutines that call collectors
	idle       chan struct{}            // closed when there are none; nil unless Close waits

	closed atomic.Bool // written under mu
}

// A registration is what is known of a registered collector.
type registration[V any] struct {
	collector Collector[V]
	descs     []Desc // sorted by name
	names     []string
	site      roster.Site

	late atomic.Pointer[run[V]] // a call given up that has not returned, or nil
}

// New creates an empty registry and lists it in the process's directory (see
// [roster.In]), under the type of its collectors unless it is named (see
// [With]).
func New[V any](opts ...Option) *Registry[V] {
	s := settings{atOnce: defaultAtOnce, timeout: defaultTimeout}
	for _, opt := range opts {
		opt(&s)
	}
	return &Registry[V]{
		hot: roster.NewHot[Collector[V]](s.core...), atOnce: s.atOnce, timeout: s.timeout,
		registered: make(map[*registration[V]]struct{}),
		same:       make(map[any]*registration[V]),
		workers:    make(map[*worker[V]]struct{}),
	}
}

// Register adds c under all names that it describes, or under none. The error
// is an [*AlreadyRegisteredError] if c is registered, a [*DescriptionError] if
// it is nil or describes itself badly, a [*roster.SealedError] after
// [Registry.Close], and otherwise joins a [*roster.DuplicateError] for each
// name that another collector has and a [*roster.NameError] for each malformed
// one.
func (r *Registry[V]) Register(c Collector[V]) error { return r.register(c) }

// MustRegister adds the collectors one by one and panics with the first error
// of [Registry.Register]. It is meant for init functions, where a clash is a
// mistake in how the program was put together.
func (r *Registry[V]) MustRegister(collectors ...Collector[V]) {
	for _, c := range collectors {
		if err := r.register(c); err != nil {
			panic(err)
		}
	}
}

// register is called by an exported method.
func (r *Registry[V]) register(c Collector[V]) error {
	reg, err := r.describe(c, roster.CallerSite(1))
	if err != nil {
		_ = r.hot.TryRegister("", c) // is counted as a registration that was invalid
		return err
	}
	key, canCompare := identity(c)

	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed.Load() {
		return r.hot.TryRegister(reg.names[0], c) // knows who closed it
	}
	if canCompare {
		if existing := r.same[key]; existing != nil {
			return r.again(existing)
		}
	}
	if err := r.claim(reg); err != nil {
		return err
	}
	r.registered[reg] = struct{}{}
	r.plan = nil
	if canCompare {
		r.same[key] = reg
	}
	return nil
}

// again refuses a collector that is registered. The caller holds r.mu, and is
// called by an exported method.
func (r *Registry[V]) again(existing *registration[V]) error {
	err := r.hot.TryRegister(existing.names[0], existing.collector)
	clash, ok := errors.AsType[*roster.DuplicateError](err)
	if !ok {
		return err
	}
	return &AlreadyRegisteredError[V]{Existing: existing.collector, Clash: clash}
}

// describe asks c what it yields.
func (r *Registry[V]) describe(c Collector[V], site roster.Site) (*registration[V], error) {
	refuse := func(fault string, err error) error {
		return &DescriptionError{Registry: r.Name(), Collector: typeOf(c), Fault: fault, Site: site, Err: err}
	}
	if isNil(c) {
		return nil, refuse("it is nil; register a value", roster.ErrNilValue)
	}
	var descs []Desc
	err := contained(r.Name(), typeOf(c), func() error {
		descs = c.Describe()
		return nil
	})
	if err != nil {
		return nil, refuse("its Describe panicked; it must work before the collector is used", err)
	}
	if len(descs) == 0 {
		return nil, refuse("it describes nothing, so nothing it emits could be told from a mistake; describe each name it emits", nil)
	}
	reg := &registration[V]{collector: c, descs: slices.SortedFunc(slices.Values(descs), byName), site: site}
	for i, d := range reg.descs {
		if i > 0 && d.Name == reg.names[i-1] {
			return nil, refuse(fmt.Sprintf("it describes %q twice; describe each name once", shortened(d.Name)), nil)
		}
		reg.names = append(reg.names, d.Name)
	}
	return reg, nil
}

// Unregister removes c with all of its names and reports whether it was
// registered. A Gather that is under way may still call it.
func (r *Registry[V]) Unregister(c Collector[V]) bool {
	key, canCompare := identity(c)
	if !canCompare {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	reg := r.same[key]
	if reg == nil {
		return false
	}
	delete(r.same, key)
	delete(r.registered, reg)
	r.plan = nil
	return r.disclaim(reg) == nil
}

// Close removes all collectors, closes the registry for writing, and waits
// until no collector is running any more, the ones that were given up included.
// If ctx is done before, the error joins a [*CollectError] with a [*LateError]
// for each that is. Closing again only waits.
func (r *Registry[V]) Close(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed.Store(true)
	clear(r.registered)
	clear(r.same)
	r.plan = nil
	if err := r.hot.Close(ctx); err != nil {
		return err
	}
	for len(r.workers) > 0 {
		if r.idle == nil {
			r.idle = make(chan struct{})
		}
		idle := r.idle
		r.mu.Unlock()
		select {
		case <-idle:
			r.mu.Lock()
		case <-ctx.Done():
			r.mu.Lock()
			return r.stillRunning(context.Cause(ctx))
		}
	}
	return nil
}

// typeOf is the type of a collector as error texts name it.
func typeOf[V any](c Collector[V]) string {
	if c == nil {
		return reflect.TypeFor[Collector[V]]().String()
	}
	return reflect.TypeOf(c).String()
}

// isNil finds a nil inside the interface, too.
func isNil[V any](c Collector[V]) bool {
	switch v := reflect.ValueOf(c); v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Chan:
		return v.IsNil()
	default:
		return false
	}
}

// identity is what tells a collector from others, if anything can.
func identity[V any](c Collector[V]) (key any, ok bool) {
	if v := reflect.ValueOf(c); !v.IsValid() || !v.Comparable() {
		return nil, false
	}
	return c, true
}
