package roster

import (
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// A Hot registry is the lifecycle for entries that change while the program
// runs: they can be replaced, removed, and reloaded as a whole while readers
// carry on. Create one with [NewHot].
//
// Every write publishes a new version atomically: a reader sees all of it or
// nothing. Writers take turns, so the last of several concurrent reloads wins
// and none is torn. Readers never lock. Removing or replacing a value does not
// stop whoever already holds it.
type Hot[T any] struct {
	*core

	published atomic.Pointer[snapshot[T]] // never nil

	mu sync.Mutex // serialises writers: each derives the next snapshot from the published one
}

// NewHot creates an empty hot registry and lists it in the process's directory
// (see [In]). A registry that is no longer referenced leaves the directory by
// itself.
func NewHot[T any](opts ...Option) *Hot[T] {
	c, directory := newCore[T](opts)
	h := &Hot[T]{core: c}
	h.published.Store(newSnapshot(map[string]*entry[T]{}, 0))
	list(directory, h, c)
	return h
}

// Register adds v under a name that is not taken and panics with the error of
// [Hot.TryRegister] if that fails.
func (h *Hot[T]) Register(name string, v T) {
	if err := h.register(name, v, callersOf(0)); err != nil {
		panic(err)
	}
}

// TryRegister adds v under a name that is not taken. Its errors are those of
// [Registry.TryRegister]. Use [Hot.Replace] to change a name's value.
func (h *Hot[T]) TryRegister(name string, v T) error {
	return h.register(name, v, callersOf(0))
}

func (h *Hot[T]) register(name string, v T, site callers) error {
	if err := check(h.core, name, &v, site); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	current := h.published.Load()
	if existing, taken := current.index[name]; taken {
		return duplicate(h.core, name, existing, &v, site)
	}
	h.put(current, name, v, site)
	return nil
}

// Replace gives a registered name a new value. The error is a [*NameError] or a
// [*NilError] for bad input, or an [*UnknownError] if the name is not registered;
// the registry is then as it was.
func (h *Hot[T]) Replace(name string, v T) error {
	site := callersOf(0)
	if err := check(h.core, name, &v, site); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	current := h.published.Load()
	if _, ok := current.index[name]; !ok {
		return unknown(h.core, name, current.names)
	}
	h.put(current, name, v, site)
	return nil
}

// put publishes current with name set to v. The caller holds h.mu.
func (h *Hot[T]) put(current *snapshot[T], name string, v T, site callers) {
	next := &snapshot[T]{index: maps.Clone(current.index), names: current.names, version: current.version + 1}
	if i, found := slices.BinarySearch(current.names, name); !found {
		next.names = slices.Insert(slices.Clone(current.names), i, name)
	}
	next.index[name] = newEntry(h.hits(current, name), v, site, next.version)
	h.published.Store(next)
}

// hits is the counter of a name that is about to be written: it counts on if the
// name is registered, and counts a registration if it is new. The caller holds h.mu.
func (h *Hot[T]) hits(current *snapshot[T], name string) counter {
	if e, ok := current.index[name]; ok {
		return e.hits
	}
	return h.counts.registered(name)
}

// Unregister removes a name. The error is an [*UnknownError] if it is not
// registered.
func (h *Hot[T]) Unregister(name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	current := h.published.Load()
	i, ok := slices.BinarySearch(current.names, name)
	if !ok {
		return unknown(h.core, name, current.names)
	}
	next := &snapshot[T]{
		index:   maps.Clone(current.index),
		names:   slices.Delete(slices.Clone(current.names), i, i+1),
		version: current.version + 1,
	}
	delete(next.index, name)
	h.published.Store(next)
	h.counts.removed(name)
	return nil
}

// Reload makes entries the whole content of the registry, in one step. The map
// is copied and stays the caller's. If any name is malformed or any value nil,
// nothing changes and the error joins a [*NameError] or [*NilError] for each,
// sorted by name.
func (h *Hot[T]) Reload(entries map[string]T) error {
	site := callersOf(0)
	names := slices.Sorted(maps.Keys(entries))
	values := make([]T, len(names))
	var faults []error
	for i, name := range names {
		values[i] = entries[name]
		if err := check(h.core, name, &values[i], site); err != nil {
			faults = append(faults, err)
		}
	}
	if faults != nil {
		h.counts.past.failedReloads.Add(1)
		return errors.Join(faults...)
	}

	h.mu.Lock()
	defer h.mu.Unlock()
	current := h.published.Load()
	next := &snapshot[T]{index: make(map[string]*entry[T], len(names)), names: names, version: current.version + 1}
	for i, name := range names {
		next.index[name] = newEntry(h.hits(current, name), values[i], site, next.version)
	}
	h.published.Store(next)
	for _, name := range current.names {
		if _, kept := next.index[name]; !kept {
			h.counts.removed(name)
		}
	}
	h.counts.past.reloads.Add(1)
	return nil
}

// Get returns the value registered under name and whether there is one.
func (h *Hot[T]) Get(name string) (T, bool) {
	return h.published.Load().get(name, h.counts)
}

// Lookup is [Hot.Get] with an error, an [*UnknownError], that lists what is
// registered and which names come close.
func (h *Hot[T]) Lookup(name string) (T, error) {
	s := h.published.Load()
	v, ok := s.get(name, h.counts)
	if !ok {
		return v, unknown(h.core, name, s.names)
	}
	return v, nil
}

// Names lists the registered names in sorted order. The slice is the caller's.
func (h *Hot[T]) Names() []string { return slices.Clone(h.published.Load().names) }

// All yields the entries of the version current at the call, in sorted order.
func (h *Hot[T]) All() iter.Seq2[string, T] { return h.published.Load().all() }

// Len is the number of entries.
func (h *Hot[T]) Len() int { return len(h.published.Load().index) }

// Version counts the writes that took effect. It starts at 0.
func (h *Hot[T]) Version() uint64 { return h.published.Load().version }
