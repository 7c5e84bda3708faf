package collector

import (
	"iter"

	"github.com/roster-go/roster"
)

var _ roster.View[Collector[int]] = (*Registry[int])(nil)

// Name is the registry's own name.
func (r *Registry[V]) Name() string { return r.hot.Name() }

// Names lists the described names in sorted order. The slice is the caller's.
func (r *Registry[V]) Names() []string { return r.hot.Names() }

// Len is the number of described names.
func (r *Registry[V]) Len() int { return r.hot.Len() }

// Get returns the collector that described name and whether there is one.
func (r *Registry[V]) Get(name string) (Collector[V], bool) { return r.hot.Get(name) }

// Lookup is [Registry.Get] with an error, a [*roster.UnknownError], that lists
// what is described and which names come close.
func (r *Registry[V]) Lookup(name string) (Collector[V], error) { return r.hot.Lookup(name) }

// All yields each described name, in sorted order, with its collector: one that
// describes several names comes several times.
func (r *Registry[V]) All() iter.Seq2[string, Collector[V]] { return r.hot.All() }

// Describe lists what is described, sorted by name. The slice is the caller's.
func (r *Registry[V]) Describe() []Desc {
	p := r.planned()
	descs := make([]Desc, len(p.slots))
	for i, s := range p.slots {
		descs[i] = s.desc
	}
	return descs
}
