package pick

import "math/rand/v2"

// attempts is how often a policy chooses before something simpler does.
const attempts = 3

// PickOther is Pick for a call that is made again: it avoids the instances of tried. If it
// can, it follows the policy. Otherwise it takes any other instance, of the nearest
// tier that has one, and those that are ejected last. When all have been tried, it is Pick.
//
// Whether the tried ones are still in flight or done does not matter, nor from which list
// they were picked.
func (p *Pool) PickOther(key string, tried ...Picked) (Picked, error) {
	s, now := p.current()
	if s.none != nil {
		return Picked{}, s.none
	}
	if p.policy == consistentHash {
		hash := hashText(key)
		if m := p.place(s, hash, tried); m != nil {
			return Picked{p, m, now}, nil
		}
		if m := s.untried(tried); m != nil {
			p.placed[m.tier].Add(1)
			m.endpoint.inFlight.Add(1)
			return Picked{p, m, now}, nil
		}
		return Picked{p, p.place(s, hash, nil), now}, nil
	}
	m := p.chooseOther(s, tried)
	m.endpoint.inFlight.Add(1)
	return Picked{p, m, now}, nil
}

func (p *Pool) chooseOther(s *set, tried []Picked) *member {
	var m *member
	for range attempts {
		t := s.only
		if t == nil {
			t = s.tier(rand.Uint32())
		}
		if m = p.choose(t); !wasTried(m, tried) {
			return m
		}
	}
	if other := s.untried(tried); other != nil {
		return other
	}
	return m
}

// untried returns any instance that is not among tried, or nil.
func (s *set) untried(tried []Picked) *member {
	for _, ejected := range []bool{false, true} {
		for i := range s.tiers {
			all := s.tiers[i].owners
			start := rand.IntN(len(all))
			for k := range all {
				m := &all[(start+k)%len(all)]
				if m.endpoint.ejected() == ejected && !wasTried(m, tried) {
					return m
				}
			}
		}
	}
	return nil
}

func wasTried(m *member, tried []Picked) bool {
	for i := range tried {
		if other := tried[i].member; other != nil && (other == m || other.endpoint.key == m.endpoint.key) {
			return true
		}
	}
	return false
}
