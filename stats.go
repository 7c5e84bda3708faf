package roster

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
)

// An Outcome says how a registration, a lookup or a reload ended. The strings
// are the values of the outcome label in metrics.
type Outcome string

// The outcomes.
const (
	Success   Outcome = "success"   // a new name was registered, or a reload took effect
	Duplicate Outcome = "duplicate" // a registration found its name taken
	Invalid   Outcome = "invalid"   // a registration had a malformed name or no value; a reload was refused
	Hit       Outcome = "hit"       // a lookup found its name
	Miss      Outcome = "miss"      // a lookup did not
)

// A Count is how often something happened to a name.
type Count struct {
	Name    string // an entry's name, or OtherName; empty for reloads
	Outcome Outcome
	N       uint64
}

// Stats are the exact counts of a registry since it was created. Each list is
// sorted by name, then by outcome.
type Stats struct {
	Registrations []Count
	Lookups       []Count
	Reloads       []Count
}

// A tally counts what happens to one name, across all the values it has had.
type tally struct {
	hits               counter
	success, duplicate uint64 // guarded by stats.mu
}

// stats are the counts of one registry. They refer to no entry and no value,
// so that a directory can take them over when the registry is gone.
type stats struct {
	past ledger // misses, malformed registrations, and names long removed

	mu      sync.Mutex // guards the fields below and every tally's plain fields; lookups do not take it
	tallies map[string]*tally
	dormant []string // removed names, oldest first, whose tallies are still kept apart
	pages   counters
}

func newStats() *stats {
	return &stats{tallies: make(map[string]*tally)}
}

// registered counts a success for name and returns the counter of its hits.
func (s *stats) registered(name string) counter {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tallies[name]
	if !ok {
		t = &tally{hits: s.pages.next()}
		s.tallies[name] = t
	} else if i := slices.Index(s.dormant, name); i >= 0 {
		s.dormant = slices.Delete(s.dormant, i, i+1)
	}
	t.success++
	return t.hits
}

func (s *stats) refused(name string, outcome Outcome) {
	if outcome == Invalid {
		s.past.invalid.add(name, 1)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tallies[name].duplicate++
}

// removed keeps the counts of a name that left the registry. The last hundred
// such names keep their own tallies, because readers of an old snapshot may
// still count on them; older ones are added up in the ledger.
func (s *stats) removed(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dormant = append(s.dormant, name)
	if len(s.dormant) <= maxLabels {
		return
	}
	oldest := s.dormant[0]
	s.dormant = slices.Delete(s.dormant, 0, 1)
	s.past.settle(oldest, s.tallies[oldest])
	delete(s.tallies, oldest)
}

func (s *stats) each(f func(name string, outcome Outcome, n uint64)) {
	s.past.each(f)
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, t := range s.tallies {
		f(name, Success, t.success)
		f(name, Duplicate, t.duplicate)
		f(name, Hit, t.hits.load())
	}
}

// A ledger holds counts by a bounded number of names.
type ledger struct {
	success, duplicate, invalid, hits, misses labels
	reloads, failedReloads                    atomic.Uint64
}

func (l *ledger) settle(name string, t *tally) {
	l.success.add(name, t.success)
	l.duplicate.add(name, t.duplicate)
	l.hits.add(name, t.hits.load())
}

func (l *ledger) add(name string, outcome Outcome, n uint64) {
	switch outcome {
	case Success:
		l.success.add(name, n)
	case Duplicate:
		l.duplicate.add(name, n)
	case Invalid:
		l.invalid.add(name, n)
	case Hit:
		l.hits.add(name, n)
	case Miss:
		l.misses.add(name, n)
	}
}

func (l *ledger) each(f func(name string, outcome Outcome, n uint64)) {
	for outcome, counts := range map[Outcome]*labels{
		Success: &l.success, Duplicate: &l.duplicate, Invalid: &l.invalid, Hit: &l.hits, Miss: &l.misses,
	} {
		counts.each(func(name string, n uint64) { f(name, outcome, n) })
	}
}

// absorb takes over the counts of a registry that no longer exists.
func (l *ledger) absorb(s *stats) {
	s.each(func(name string, outcome Outcome, n uint64) {
		if n > 0 {
			l.add(name, outcome, n)
		}
	})
	l.reloads.Add(s.past.reloads.Load())
	l.failedReloads.Add(s.past.failedReloads.Load())
}

// A tabulation adds counts up and lists them in order.
type tabulation struct {
	lookups, registrations map[Count]uint64 // keys have N = 0
	reloads, failedReloads uint64
}

func newTabulation() *tabulation {
	return &tabulation{lookups: make(map[Count]uint64), registrations: make(map[Count]uint64)}
}

func (t *tabulation) include(l *ledger, each func(func(name string, outcome Outcome, n uint64))) {
	each(func(name string, outcome Outcome, n uint64) {
		if n == 0 {
			return
		}
		if outcome == Hit || outcome == Miss {
			t.lookups[Count{Name: name, Outcome: outcome}] += n
		} else {
			t.registrations[Count{Name: name, Outcome: outcome}] += n
		}
	})
	t.reloads += l.reloads.Load()
	t.failedReloads += l.failedReloads.Load()
}

func (t *tabulation) stats() Stats {
	s := Stats{Lookups: sorted(t.lookups), Registrations: sorted(t.registrations)}
	if t.reloads > 0 {
		s.Reloads = append(s.Reloads, Count{Outcome: Success, N: t.reloads})
	}
	if t.failedReloads > 0 {
		s.Reloads = append(s.Reloads, Count{Outcome: Invalid, N: t.failedReloads})
	}
	return s
}

func sorted(counts map[Count]uint64) []Count {
	list := make([]Count, 0, len(counts))
	for c, n := range counts {
		c.N = n
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Outcome, b.Outcome))
	})
	return list
}
