package roster

import (
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// A Registry is the startup-only lifecycle: values are registered while the
// program starts, usually from init functions, and are never replaced or
// removed, so whoever got one may keep it. It replaces the package-level map
// guarded by a mutex. Create one with [New].
//
// A Registry is safe for concurrent use. Once nothing more is registered, a
// lookup takes no lock: it is an atomic load, a map read and a count.
type Registry[T any] struct {
	*core

	// published is the current snapshot, or nil while there are entries it
	// would not show.
	published atomic.Pointer[snapshot[T]]

	mu         sync.Mutex           // guards the fields below; lookups of a published snapshot do not take it
	entries    map[string]*entry[T] // becomes the index of the next snapshot
	frozen     bool                 // entries is the index of a snapshot: copy before the next write
	version    uint64               // counts registrations
	unseenGets int                  // lookups made under the lock since the last write
}

// New creates an empty registry and lists it in the process's directory (see
// [In]). A registry that is no longer referenced leaves the directory by
// itself.
func New[T any](opts ...Option) *Registry[T] {
	c, directory := newCore[T](opts)
	r := &Registry[T]{core: c, entries: make(map[string]*entry[T])}
	list(directory, r, c)
	return r
}

// Register adds v under name and panics with the error of
// [Registry.TryRegister] if that fails. It is meant for init functions, where
// a clash is a mistake in how the program was put together.
func (r *Registry[T]) Register(name string, v T) {
	if err := r.register(name, v, callersOf(0)); err != nil {
		panic(err)
	}
}

// TryRegister adds v under name. The error is a [*NameError] for a malformed
// name, a [*NilError] for a nil value (also a nil pointer inside an
// interface), or a [*DuplicateError], which names both sides of the clash; the
// registry is then as it was.
func (r *Registry[T]) TryRegister(name string, v T) error {
	return r.register(name, v, callersOf(0))
}

func (r *Registry[T]) register(name string, v T, site callers) error {
	if err := check(r.core, name, &v, site); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if existing, taken := r.entries[name]; taken {
		return duplicate(r.core, name, existing, &v, site)
	}
	if r.frozen {
		r.entries, r.frozen = maps.Clone(r.entries), false
	}
	r.version++
	r.entries[name] = newEntry(r.counts.registered(name), v, site, r.version)
	r.unseenGets = 0
	r.published.Store(nil)
	return nil
}

// Get returns the value registered under name and whether there is one.
func (r *Registry[T]) Get(name string) (T, bool) {
	if s := r.published.Load(); s != nil {
		return s.get(name, r.counts)
	}
	return r.getUnpublished(name)
}

// readsPerPublish makes publishing a snapshot of n entries wait for n/16 reads
// since the last write. Registrations and lookups that take turns then cost
// amortised constant time each instead of a copy of the registry each.
const readsPerPublish = 16

func (r *Registry[T]) getUnpublished(name string) (T, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unseenGets++
	if r.unseenGets*readsPerPublish >= len(r.entries) {
		return r.publish().get(name, r.counts)
	}
	s := snapshot[T]{index: r.entries}
	return s.get(name, r.counts)
}

// publish makes the current entries visible without a lock. The caller holds
// r.mu.
func (r *Registry[T]) publish() *snapshot[T] {
	if s := r.published.Load(); s != nil {
		return s
	}
	s := newSnapshot(r.entries, r.version)
	r.frozen = true
	r.published.Store(s)
	return s
}

func (r *Registry[T]) snapshot() *snapshot[T] {
	if s := r.published.Load(); s != nil {
		return s
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.publish()
}

// Lookup is [Registry.Get] with an error, an [*UnknownError], that lists what is
// registered and which names come close.
func (r *Registry[T]) Lookup(name string) (T, error) {
	v, ok := r.Get(name)
	if !ok {
		return v, unknown(r.core, name, r.snapshot().names)
	}
	return v, nil
}

// Names lists the registered names in sorted order. The slice is the caller's.
func (r *Registry[T]) Names() []string { return slices.Clone(r.snapshot().names) }

// All yields the entries in sorted order. Entries registered after the call to
// All are not part of it.
func (r *Registry[T]) All() iter.Seq2[string, T] { return r.snapshot().all() }

// Len is the number of entries.
func (r *Registry[T]) Len() int {
	if s := r.published.Load(); s != nil {
		return len(s.index)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.entries)
}
