package pick

import "slices"

// A set is what Pick chooses from: a layout without the instances that are ejected. It is
// immutable.
type set struct {
	layout *layout
	tiers  []tier     // those with an instance, nearest first
	only   *tier      // takes all calls; nil if several share them
	due    int64      // when the first ejection ends, or never
	full   bool       // no further instance may be ejected
	none   *NoneError // if there is no instance
}

type tier struct {
	rank       int
	candidates []member   // not ejected
	below      uint64     // takes draws of 32 bits that are below this and not below the one before
	weights    aliasTable // over candidates; only with Weighted
	ring       *ring      // over owners; only with ConsistentHash
	owners     []member   // candidates and those ejected
}

// newSet computes the set that follows from a layout and the ejections of its endpoints,
// which readmit has seen to: where anybody serves, somebody is not ejected.
func (p *Pool) newSet(l *layout) *set {
	s := &set{layout: l, due: never}
	if l.serving == 0 {
		s.none = &NoneError{Service: l.service, Known: l.known, Draining: l.draining}
		return s
	}
	var healthy, total []int
	ejected := 0
	for rank, members := range l.tiers {
		if len(members) == 0 {
			continue
		}
		t := tier{rank: rank, owners: members, ring: l.rings[rank], candidates: members}
		for _, m := range members {
			if until := m.endpoint.until.Load(); until != 0 {
				s.due = min(s.due, until)
				ejected++
			}
		}
		if s.due != never {
			t.candidates = slices.DeleteFunc(slices.Clone(members), func(m member) bool { return m.endpoint.ejected() })
		}
		if p.opts.Policy == Weighted && len(t.candidates) > 0 {
			t.weights = newAliasTable(weightsOf(t.candidates))
		}
		s.tiers = append(s.tiers, t)
		healthy, total = append(healthy, len(t.candidates)), append(total, l.totals[rank])
	}
	s.full = ejected >= p.mayEject(l.serving)
	s.share(shares(healthy, total))
	return s
}

// share gives each tier its part of the calls.
func (s *set) share(parts []float64) {
	const all = 1 << 32 // draws there are
	var sum float64
	last, taking := &s.tiers[0], 0
	for i := range s.tiers {
		t := &s.tiers[i]
		sum += parts[i]
		t.below = uint64(sum * all)
		if parts[i] > 0 {
			last = t
			taking++
		}
	}
	last.below = all
	if taking == 1 {
		s.only = last
	}
}

// tier returns the tier that a draw of 32 bits falls to.
func (s *set) tier(draw uint32) *tier {
	for i := range s.tiers {
		if uint64(draw) < s.tiers[i].below {
			return &s.tiers[i]
		}
	}
	return &s.tiers[len(s.tiers)-1]
}

func weightsOf(members []member) []float64 {
	weights := make([]float64, len(members))
	for i, m := range members {
		weights[i] = weightOf(m.instance)
	}
	return weights
}
