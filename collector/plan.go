package collector

import (
	"cmp"
	"maps"
	"slices"
)

// A plan is what Gather needs to know of what is registered, sorted once for all
// Gathers until the next write. It never changes.
type plan[V any] struct {
	regs  []*registration[V] // by first name
	first []int              // of each: the number of its first value; its other values follow
	slots []slot             // all values, by name
}

// A slot is the place of one value.
type slot struct {
	desc  Desc
	reg   int // whose value, as an index of plan.regs
	value int // its number
}

func (r *Registry[V]) planned() *plan[V] {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.plan != nil {
		return r.plan
	}
	p := &plan[V]{regs: slices.SortedFunc(maps.Keys(r.registered), func(a, b *registration[V]) int {
		return cmp.Compare(a.names[0], b.names[0])
	})}
	for i, reg := range p.regs {
		p.first = append(p.first, len(p.slots))
		for _, d := range reg.descs {
			p.slots = append(p.slots, slot{desc: d, reg: i, value: len(p.slots)})
		}
	}
	slices.SortFunc(p.slots, func(a, b slot) int { return byName(a.desc, b.desc) })
	r.plan = p
	return p
}

func byName(a, b Desc) int { return cmp.Compare(a.Name, b.Name) }
