package roster

import (
	"errors"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
)

// A Registry is the startup-only lifecycle: values are registered while the
// program starts, usually from init functions, and are never replaced or
// removed, so whoever got one may keep it. It replaces the package-level map
// guarded by a mutex. Create one with [New].
//
// A Registry is safe for concurrent use. A lookup takes no lock: it is an
// atomic load, a read of the index and a count.
type Registry[T any] struct {
	*core
	policy policy

	published atomic.Pointer[table[T]] // never nil

	mu        sync.Mutex // serialises writers and guards the fields below; lookups do not take it
	sealed    *callers   // who sealed the registry, or nil
	how       string     // it was sealed
	conflicts []*DuplicateError
}

// policy says how a registry treats a name that is taken, and when it closes.
type policy struct {
	collect       bool // Register keeps conflicts for Verify instead of panicking
	keepIdentical bool // registering the same value again is no conflict
}

// New creates an empty registry and lists it in the process's directory (see
// [In]). A registry that is no longer referenced leaves the directory by
// itself.
func New[T any](opts ...RegistryOption) *Registry[T] {
	s := newSettings[T]()
	for _, opt := range opts {
		opt.forRegistry(&s)
	}
	r := newRegistry[T](newCore[T](&s), &s)
	if !s.unlisted {
		list(s.directory, r, r.core)
	}
	return r
}

func newRegistry[T any](c *core, s *settings) *Registry[T] {
	r := &Registry[T]{core: c, policy: policy{collect: s.collect, keepIdentical: s.keepIdentical}}
	r.published.Store(&table[T]{roll: newRoll(), order: new(order), sealing: s.sealAtFirstUse, unusual: s.sealAtFirstUse})
	return r
}

// Register adds v under name and panics with the error of
// [Registry.TryRegister] if that fails. It is meant for init functions, where
// a clash is a mistake in how the program was put together. With
// [CollectConflicts] a clash does not panic.
func (r *Registry[T]) Register(name string, v T) {
	r.collected(r.register(name, v, callersOf(0)))
}

// collected keeps a clash for Verify, if that is the policy, and otherwise
// panics with err if it is one.
func (r *Registry[T]) collected(err error) {
	if err == nil {
		return
	}
	if clash, ok := errors.AsType[*DuplicateError](err); ok && r.policy.collect {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.conflicts = append(r.conflicts, clash)
		return
	}
	panic(err)
}

// TryRegister adds v under name. The error is a [*NameError] for a malformed
// name, a [*NilError] for a nil value (also a nil pointer inside an
// interface), a [*DuplicateError], which names both sides of the clash, or a
// [*SealedError]; the registry is then as it was.
func (r *Registry[T]) TryRegister(name string, v T) error {
	return r.register(name, v, callersOf(0))
}

func (r *Registry[T]) register(name string, v T, site callers) error {
	if err := check(r.core, name, v, site); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.closed(name, site); err != nil {
		return err
	}
	t := r.published.Load()
	n, taken := t.find(name)
	if !taken {
		r.add(t, name, newEntry(v, site, t.version+1))
		return nil
	}
	existing := t.entries[n]
	if existing == nil {
		r.change(t, n, newEntry(v, site, t.version+1))
		return nil
	}
	if existing.override {
		if existing.shadowed == nil {
			r.change(t, n, existing.over(newEntry(v, site, t.version+1)))
			return nil
		}
		existing = existing.shadowed
	}
	if r.policy.keepIdentical && same(existing.value, v) {
		return nil
	}
	r.counts.duplicated(name, n)
	return duplicate(r.core, name, existing, v, site)
}

// add publishes t with a new name. The caller holds r.mu.
func (r *Registry[T]) add(t *table[T], name string, e *entry[T]) {
	next := t.with(name, e, r.counted)
	r.counts.registered(next.names, next.hits, len(t.names))
	r.early.registered(name, e.site)
	r.published.Store(next)
	loaded(r.core, name, e)
}

// change publishes t with another entry for ordinal n. The caller holds r.mu.
func (r *Registry[T]) change(t *table[T], n int, e *entry[T]) {
	next := t.changed(n, e)
	r.counts.registered(next.names, next.hits, n)
	r.published.Store(next)
	if old := t.entries[n]; old == nil || old.site != e.site { // else it goes on to stand in for what came
		loaded(r.core, t.names[n], e)
	}
}

// Get returns the value registered under name and whether there is one.
func (r *Registry[T]) Get(name string) (v T, ok bool) {
	t := r.published.Load()
	n, ok := t.find(name)
	switch {
	case t.unusual:
		return r.getUnusual(t, name)
	case !ok:
		r.missed(nil, name)
		return v, false
	case t.hits == nil:
		return t.values[n], true
	}
	hit := t.hits.cell(n)
	v = t.values[n]
	hit.Add(1)
	return v, true
}

// getUnusual is Get while the next lookup closes the registry, an entry is nil, or
// a name is suspended.
func (r *Registry[T]) getUnusual(t *table[T], name string) (T, bool) {
	if t.sealing {
		r.sealAtFirstUse(callersOf(1))
	}
	v, ok := t.found(name)
	if !ok {
		r.missed(t.under, name)
	}
	return v, ok
}

// Lookup is [Registry.Get] with an error, an [*UnknownError], that lists what is
// registered, which names come close, and what to import, or a
// [*SuspendedError].
func (r *Registry[T]) Lookup(name string) (T, error) {
	v, ok := r.Get(name)
	if !ok {
		t := r.published.Load()
		if err := t.under.refusal(name); err != nil {
			return v, err
		}
		return v, r.unknown(name, t.sorted(), callersOf(0))
	}
	return v, nil
}

// Names lists the registered names in sorted order. The slice is the caller's.
func (r *Registry[T]) Names() []string { return slices.Clone(r.published.Load().sorted()) }

// All yields the entries in sorted order. Entries registered after the call to
// All are not part of it.
func (r *Registry[T]) All() iter.Seq2[string, T] { return r.published.Load().all() }

// Len is the number of entries.
func (r *Registry[T]) Len() int {
	t := r.published.Load()
	return t.live - t.hidden()
}
