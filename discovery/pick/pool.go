package pick

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/roster-go/roster/discovery"
)

// A Pool picks instances from a list that its owner keeps up to date with [Pool.Update].
// Create it with [NewPool].
//
// All methods are safe for concurrent use. The package comment says in which order states
// appear.
type Pool struct {
	opts   Options // normalized
	policy policy
	rate   float64 // of LeastLoaded's averages: one over opts.Decay in nanoseconds
	set    atomic.Pointer[set]

	// cursors are where RoundRobin stands in each tier.
	cursors [tiers]atomic.Uint64

	// placed counts the calls in flight in each tier; only with ConsistentHash.
	placed [tiers]atomic.Int64

	// mu serialises what replaces set: Update, ejection and readmission. It guards
	// endpoints, and writes of their ejections, not their other counters.
	mu        sync.Mutex
	endpoints map[endpointKey]*endpoint // those in the list
}

// A policy is a Policy that is cheap to compare.
type policy uint8

const (
	roundRobin policy = iota
	leastLoaded
	consistentHash
	weighted
)

// NewPool creates a pool without instances. The error is an [*OptionError].
func NewPool(opts Options) (*Pool, error) {
	opts, err := opts.normalize()
	if err != nil {
		return nil, err
	}
	p := &Pool{
		opts: opts,
		rate: 1 / float64(opts.Decay),
		policy: map[Policy]policy{
			RoundRobin: roundRobin, LeastLoaded: leastLoaded,
			ConsistentHash: consistentHash, Weighted: weighted,
		}[opts.Policy],
	}
	for i := range p.cursors {
		p.cursors[i].Store(uint64(rand.Uint32()))
	}
	p.set.Store(p.newSet(&layout{}))
	return p, nil
}

// Update replaces the list of instances. What the pool knows about an instance survives
// if one with the same ID and address is in the new list. Of several with the same ID and
// address the first counts.
//
// The pool keeps a copy of the slice, but shares the metadata, which must not change.
func (p *Pool) Update(instances []discovery.Instance) { p.update(slices.Clone(instances), nil) }

// UpdateReady is Update for an owner who knows that some instances cannot be called now, for
// example because there is no connection. They are not picked, but count as what is out of
// order in their tier, so that calls spill over.
func (p *Pool) UpdateReady(instances []discovery.Instance, ready func(*discovery.Instance) bool) {
	p.update(slices.Clone(instances), ready)
}

// update is Update with a list that nobody changes.
func (p *Pool) update(list []discovery.Instance, ready func(*discovery.Instance) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.newLayout(list, ready, p.set.Load().layout)
	p.readmit(l, elapsed())
	p.set.Store(p.newSet(l))
}

// Pick chooses an instance for a call and counts the call as begun. Call [Picked.Done]
// when it has ended. Only [ConsistentHash] heeds the key.
//
// The error is a [*NoneError], which is [ErrNone].
func (p *Pool) Pick(key string) (Picked, error) {
	s, now := p.current()
	if s.none != nil {
		return Picked{}, s.none
	}
	if p.policy == consistentHash {
		return Picked{p, p.place(s, hashText(key), nil), now}, nil
	}
	t := s.only
	if t == nil {
		t = s.tier(rand.Uint32())
	}
	m := p.choose(t)
	m.endpoint.inFlight.Add(1)
	return Picked{p, m, now}, nil
}

// current returns the set to choose from, and the time if the policy measures it.
func (p *Pool) current() (s *set, now int64) {
	s = p.set.Load()
	if p.policy != leastLoaded && s.due == never {
		return s, 0
	}
	now = elapsed()
	if now >= s.due {
		s = p.readmitDue(now)
	}
	return s, now
}
