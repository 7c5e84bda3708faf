package roster

import (
	"cmp"
	"slices"
)

// A Reporter is an [Inspector] that also answers the questions of an incident: how
// much a registry is used, which names it was asked for in vain, and what should
// be done about one. Every registry of this package is one.
//
// Like the methods of an Inspector these cost lookups nothing.
type Reporter interface {
	Inspector
	// Traffic is how often names were looked up, of all names together.
	Traffic() Traffic
	// Missed lists the names that were looked up in vain, the most wanted first:
	// at most a hundred, and [OtherName] for the rest.
	Missed() []Count
	// Explain is the error that a lookup of name in vain returns: with the
	// nearest names and with the package to import, as things are now. It counts
	// nothing and does not look whether name is registered. Its cost grows with the
	// number of names, see [Nearest].
	Explain(name string) *UnknownError
}

// A Historian is an [Inspector] of a registry that changes while the program
// runs: [Hot] and [Lazy] are.
type Historian interface {
	Inspector
	// History returns the latest changes that are still known, newest first, at
	// most limit of them (see [Hot.Changes] for how many are known). The slices in
	// them are shared: do not write to them.
	History(limit int) []Change
	// Holders lists the pins and leases that are not released.
	Holders() []Holder
	// Stuck reports what was replaced or removed and is still not retired, and who
	// holds it, or nil. It does not wait.
	Stuck() *StuckError
}

var (
	_ Reporter  = (*Registry[int])(nil)
	_ Reporter  = (*Hot[int])(nil)
	_ Reporter  = (*Lazy[int])(nil)
	_ Reporter  = (*Scope[int])(nil)
	_ Historian = (*Hot[int])(nil)
	_ Historian = (*Lazy[int])(nil)
)

// Traffic is how often a registry was looked into since it was created.
type Traffic struct {
	Hits    uint64 // the name was there
	Misses  uint64 // it was not
	Refused uint64 // it was suspended
}

// Traffic is how often names were looked up, of all names together.
func (c *core) Traffic() Traffic {
	s := c.counts
	t := Traffic{Misses: s.past.misses.sum(), Refused: s.past.refused.sum()}
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Hits = s.past.hits.sum() // with the lock, because settle moves counts there
	for _, roll := range s.rolls {
		t.Hits += roll.hits.sum()
		for _, n := range roll.found {
			t.Hits += n
		}
	}
	return t
}

// Missed lists the names that were looked up in vain, the most wanted first.
func (c *core) Missed() []Count {
	var list []Count
	c.counts.past.misses.each(func(name string, n uint64) {
		list = append(list, Count{Name: name, Outcome: Miss, N: n})
	})
	slices.SortFunc(list, func(a, b Count) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Name, b.Name)) })
	return list
}

func (l *labels) sum() (sum uint64) {
	l.each(func(_ string, n uint64) { sum += n })
	return sum
}

// sum is what all ordinals were counted, together.
func (h *hits) sum() (sum uint64) {
	for ; h != nil; h = h.older {
		for i := range h.cells {
			sum += h.cells[i].Load()
		}
	}
	return sum
}

// Explain is the error that a lookup of name in vain returns.
func (r *Registry[T]) Explain(name string) *UnknownError {
	return r.explain(name, r.published.Load().sorted())
}

// Explain is the error that a lookup of name in vain returns.
func (h *Hot[T]) Explain(name string) *UnknownError {
	return h.explain(name, h.published.Load().sorted())
}

// Explain is the error that a lookup of name in vain returns.
func (l *Lazy[T]) Explain(name string) *UnknownError { return l.hot.Explain(name) }

// Explain is the error that a lookup of name in vain returns, in the scope and
// in what it overlays.
func (s *Scope[T]) Explain(name string) *UnknownError { return s.explain(name, s.Names()) }

// History returns the latest changes that are still known, newest first.
func (h *Hot[T]) History(limit int) []Change { return h.feed.latest(limit) }

// History returns the latest changes that are still known, newest first.
func (l *Lazy[T]) History(limit int) []Change { return l.hot.History(limit) }

func (f *feed) latest(limit int) []Change {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := f.log[max(0, len(f.log)-max(0, limit)):]
	changes := slices.Clone(known)
	slices.Reverse(changes)
	return changes
}

// Stuck reports what was replaced or removed and is still not retired, and who
// holds it, or nil if there is nothing. It does not wait.
func (h *Hot[T]) Stuck() *StuckError { return h.drain.stuck(h.Version()) }

// Stuck reports what was removed and is still not retired, as [Hot.Stuck] does.
func (l *Lazy[T]) Stuck() *StuckError { return l.hot.Stuck() }
