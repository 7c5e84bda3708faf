package pick

import (
	"math"
	"math/rand/v2"
)

// choose picks a candidate of a tier by a policy that needs no key.
func (p *Pool) choose(t *tier) *member {
	n := len(t.candidates)
	switch p.policy {
	case leastLoaded:
		return p.cheaperOfTwo(t.candidates)
	case weighted:
		return &t.candidates[t.weights.draw(rand.Uint64())]
	default:
		return &t.candidates[(p.cursors[t.rank].Add(1)-1)%uint64(n)]
	}
}

// cheaperOfTwo draws two different candidates and returns the one of lower cost.
func (p *Pool) cheaperOfTwo(candidates []member) *member {
	n := len(candidates)
	if n == 1 {
		return &candidates[0]
	}
	random := rand.Uint64()
	i, j := scale(uint32(random), n), scale(uint32(random>>32), n-1)
	if j >= i {
		j++
	}
	a, b := &candidates[i], &candidates[j]
	if b.endpoint.cheaper(a.endpoint, p.rate) {
		return b
	}
	return a
}

// place picks by consistent hashing with bounded loads and counts the call as begun: the
// first instance on the ring from the key's point on that is below the bound, and not
// among those tried. It returns nil if all of the tier were tried.
func (p *Pool) place(s *set, hash uint64, tried []Picked) *member {
	t := s.only
	if t == nil {
		// Other bits than those that order the ring, so that tiers get a random part of it.
		t = s.tier(uint32(mix(hash ^ math.MaxUint64)))
	}
	placed := &p.placed[t.rank]
	total := placed.Add(1)
	var first *member
	for range attempts {
		bound := math.Ceil(p.opts.LoadFactor * float64(total) / float64(len(t.candidates)))
		m, entered := t.enterBelow(int64(bound), hash, tried)
		if entered {
			return m
		}
		if m == nil && len(tried) > 0 {
			placed.Add(-1)
			return nil
		}
		first = m
		// Not all can be at the bound, but others have moved it meanwhile.
		total = placed.Load()
	}
	// Or those below it are among tried, or were ejected after s was made, or came from
	// another tier with their calls. The key's own instance is the best choice left.
	if first == nil {
		first = &t.owners[t.ring.points[t.ring.find(hash)].owner]
	}
	first.endpoint.inFlight.Add(1)
	return first
}

// enterBelow counts a call at the first instance from hash on that has fewer than bound,
// and is neither ejected nor tried. If there is none it returns the first one that is at
// the bound, and false.
func (t *tier) enterBelow(bound int64, hash uint64, tried []Picked) (*member, bool) {
	var passed *member
	at := t.ring.find(hash)
	for range t.ring.points {
		m := &t.owners[t.ring.points[at].owner]
		at++
		if at == len(t.ring.points) {
			at = 0
		}
		if m.endpoint.ejected() || wasTried(m, tried) {
			continue
		}
		if m.endpoint.enter(bound) {
			return m, true
		}
		if passed == nil {
			passed = m
		}
	}
	return passed, false
}
