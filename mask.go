package roster

import "slices"

// How a registry hides what is suspended.
//
// A [Registry] marks its table as unusual, which sends every lookup a way that
// looks for suspensions. A [Hot] registry publishes, in the place of a version, a
// copy that lacks the suspended entries: lookups are as fast as ever. Writers
// work on the whole version, which the copy refers to, and pins hold that one
// as well.

// suspend publishes the table with other suspensions.
func (r *Registry[T]) suspend(under suspensions) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := *r.published.Load()
	next.under = under
	next.order = new(order)
	next.unusual = next.isUnusual()
	r.published.Store(&next)
}

func (s *Scope[T]) suspend(under suspensions) { s.own.suspend(under) }

// hidden is the number of entries that are suspended.
func (t *table[T]) hidden() (count int) {
	for name := range t.under {
		if t.entry(name) != nil {
			count++
		}
	}
	return count
}

// without returns v, which has to be whole, without the entries that are
// suspended. It shares everything else with v.
func (v *version[T]) without(under suspensions, turns uint64) *version[T] {
	if under == nil && turns == v.turns {
		return v
	}
	masked := *v
	masked.whole, masked.under, masked.turns = v, under, turns
	owned := make(map[int]bool) // chunks that are not shared with v
	for name := range under {
		n, ok := v.find(name)
		if !ok || !v.has(n) {
			continue
		}
		i := n / chunkSize
		if len(owned) == 0 {
			masked.chunks = slices.Clone(v.chunks)
			masked.order = new(order)
		}
		if !owned[i] {
			owned[i] = true
			c := *v.chunks[i]
			masked.chunks[i] = &c
		}
		masked.chunks[i].set(n%chunkSize, nil)
		masked.live--
	}
	return &masked
}

// entire is the version with its suspended entries, the same one however often
// suspensions change.
func (v *version[T]) entire() *version[T] {
	if v.whole != nil {
		return v.whole
	}
	return v
}

// current is the current version with its suspended entries.
func (h *Hot[T]) current() *version[T] { return h.published.Load().entire() }

// put publishes v, which has to be whole, less what is suspended. The caller
// holds h.mu, which keeps other writers off, but not suspend: whichever of the
// two comes second sees what the first one did.
func (h *Hot[T]) put(v *version[T]) {
	for {
		last := h.published.Load()
		v.turns = last.turns // nobody else has it yet
		if h.published.CompareAndSwap(last, v.without(last.under, last.turns)) {
			return
		}
	}
}

// suspend publishes the current version with other suspensions. It takes no
// lock, because writers hold h.mu while they run code of somebody else's, and
// who suspends must not wait for that.
func (h *Hot[T]) suspend(under suspensions) {
	for {
		last := h.published.Load()
		if h.published.CompareAndSwap(last, last.entire().without(under, last.turns+1)) {
			return
		}
	}
}

func (l *Lazy[T]) suspend(under suspensions) { l.hot.suspend(under) }

// under are the suspensions that a pin has to mind now, whatever they were when
// it was taken.
func (p Pin[T]) under() suspensions { return p.h.published.Load().under }
