package roster

import (
	"iter"
	"slices"
	"sync"
	"time"
)

// A table is one version of a [Registry]: a roll of names and what belongs to
// each, by ordinal. It never changes; a later table shares the memory of the
// earlier one, behind whose end it goes on.
type table[T any] struct {
	roll
	hits    *hits // nil if lookups are not counted
	values  []T
	entries []*entry[T] // nil where a test took its value back
	live    int         // entries that are not nil
	order   *order
	version uint64
	sealing bool // the next lookup closes the registry
	unusual bool // sealing, or an entry is nil, or a name is suspended
	under   suspensions
}

func (t *table[T]) isUnusual() bool { return t.sealing || t.live < len(t.names) || t.under != nil }

// found finds name, if it is not suspended, and counts a hit, but no miss.
func (t *table[T]) found(name string) (v T, ok bool) {
	n, ok := t.find(name)
	if !ok || t.entries[n] == nil || t.under != nil && t.under[name] != nil {
		return v, false
	}
	if t.hits != nil {
		t.hits.cell(n).Add(1)
	}
	return t.values[n], true
}

// with returns t with one more name.
func (t *table[T]) with(name string, e *entry[T], counted bool) *table[T] {
	next := *t
	names, n := t.roll.with(name)
	next.roll = names
	next.values = append(next.values, e.value)
	next.entries = append(next.entries, e)
	next.live = t.live + 1
	next.order = new(order)
	next.version = t.version + 1
	if counted {
		next.hits = t.hits.wideEnough(n)
	}
	return &next
}

// changed returns t with another entry for ordinal n, which may be nil.
func (t *table[T]) changed(n int, e *entry[T]) *table[T] {
	next := *t
	next.values, next.entries = slices.Clone(t.values), slices.Clone(t.entries)
	var v T
	if e != nil {
		v = e.value
	}
	switch old := t.entries[n]; {
	case old == nil && e != nil:
		next.live++
		next.order = new(order)
	case old != nil && e == nil:
		next.live--
		next.order = new(order)
	}
	next.values[n], next.entries[n] = v, e
	next.unusual = next.isUnusual()
	next.version = t.version + 1
	return &next
}

// entry returns the entry of name, also if it is suspended, or nil.
func (t *table[T]) entry(name string) *entry[T] {
	if n, ok := t.find(name); ok {
		return t.entries[n]
	}
	return nil
}

func (t *table[T]) sorted() []string {
	return t.order.of(&t.roll, func(n int) bool { return t.entries[n] != nil && t.under[t.names[n]] == nil })
}

// sortedAll is sorted with the names that are suspended.
func (t *table[T]) sortedAll() []string {
	if t.under == nil {
		return t.sorted()
	}
	return t.sortedNames(func(n int) bool { return t.entries[n] != nil })
}

func (t *table[T]) all() iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for _, name := range t.sorted() {
			n, _ := t.find(name)
			if !yield(name, t.values[n]) {
				return
			}
		}
	}
}

// order is a set of names in order, sorted when somebody asks first. Versions
// with the same names share it.
type order struct {
	once  sync.Once
	names []string
}

func (o *order) of(r *roll, keep func(ordinal int) bool) []string {
	o.once.Do(func() { o.names = r.sortedNames(keep) })
	return o.names
}

func newEntry[T any](v T, site callers, version uint64) *entry[T] {
	return &entry[T]{value: v, site: site, at: time.Now(), version: version}
}
