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
	Refused   Outcome = "refused"   // a lookup asked for a name that is suspended
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
	Reloads       []Count // and updates

	// ReloadTimes is how long each of Reloads took, whatever its outcome, from when its
	// turn came: without the wait for other writers, with the validators and, of an
	// update, its function.
	ReloadTimes Durations
}

// stats are the counts of one registry. They refer to no entry and no value,
// so that a directory can take them over when the registry is gone.
type stats struct {
	past ledger // misses, malformed registrations, and names long removed

	mu    sync.Mutex // guards rolls and what they point to; lookups do not take it
	rolls []*tallies // the one in use comes last
}

// tallies are the counts of the names on one roll, by ordinal.
type tallies struct {
	names     []string
	hits      *hits // nil if lookups are not counted
	success   []uint64
	duplicate map[int]uint64
	found     []uint64 // hits that were counted on earlier rolls; may be short
}

func newStats() *stats {
	return &stats{rolls: []*tallies{{duplicate: make(map[int]uint64)}}}
}

func (s *stats) current() *tallies { return s.rolls[len(s.rolls)-1] }

// registered counts a success for ordinal n of names, whose lookups h counts.
func (s *stats) registered(names []string, h *hits, n int) {
	s.extend(names, h)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current().success[n]++
}

// extend takes note of the names that are counted, without counting.
func (s *stats) extend(names []string, h *hits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.current()
	t.names, t.hits = names, h
	t.success = append(t.success, make([]uint64, len(names)-len(t.success))...)
}

// duplicated counts that somebody wanted name, which is taken and has ordinal
// n, if only in a draft.
func (s *stats) duplicated(name string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.current(); n < len(t.names) && t.names[n] == name {
		t.duplicate[n]++
		return
	}
	s.past.duplicate.add(name, 1)
}

// hitsByName is how often each name was found, on all rolls.
func (s *stats) hitsByName() map[string]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	sums := make(map[string]uint64, len(s.current().names))
	for _, t := range s.rolls {
		for n, name := range t.names {
			sums[name] += t.hitsOf(n)
		}
	}
	return sums
}

func (t *tallies) hitsOf(n int) uint64 {
	sum := t.hits.count(n)
	if n < len(t.found) {
		sum += t.found[n]
	}
	return sum
}

// renumber begins a new roll: ordinal i of it was ordinal was[i] before. The
// hits of the old roll stay apart, because readers of an old version still
// count there, until settle is called with what renumber returns.
func (s *stats) renumber(names []string, h *hits, was []int) (old *tallies) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old = s.current()
	next := &tallies{names: names, hits: h, success: make([]uint64, len(names)), duplicate: make(map[int]uint64)}
	for i, n := range was {
		next.success[i], old.success[n] = old.success[n], 0
		if d := old.duplicate[n]; d > 0 {
			next.duplicate[i] = d
			delete(old.duplicate, n)
		}
	}
	s.rolls = append(s.rolls, next)
	return old
}

// settle adds up the counts of a roll that nobody counts on any more: those of
// names in use go to the current roll, the others to the ledger.
func (s *stats) settle(old *tallies) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.rolls, old)
	if i < 0 || old == s.current() {
		return
	}
	s.rolls = slices.Delete(s.rolls, i, i+1)
	t := s.current()
	ordinals := make(map[string]int, len(t.names))
	for n, name := range t.names {
		ordinals[name] = n
	}
	t.found = append(t.found, make([]uint64, len(t.names)-len(t.found))...)
	for i, name := range old.names {
		if n, ok := ordinals[name]; ok {
			t.found[n] += old.hitsOf(i)
		} else {
			s.past.hits.add(name, old.hitsOf(i))
		}
		s.past.success.add(name, old.success[i])
		s.past.duplicate.add(name, old.duplicate[i])
	}
}

func (s *stats) each(f func(name string, outcome Outcome, n uint64)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.past.each(f) // with the lock, because settle moves counts there
	for _, t := range s.rolls {
		for n, name := range t.names {
			f(name, Success, t.success[n])
			f(name, Duplicate, t.duplicate[n])
			f(name, Hit, t.hitsOf(n))
		}
	}
}

// A ledger holds counts by a bounded number of names.
type ledger struct {
	success, duplicate, invalid, hits, misses, refused labels
	reloads, failedReloads                             atomic.Uint64
	reloadTimes                                        took
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
	case Refused:
		l.refused.add(name, n)
	}
}

func (l *ledger) each(f func(name string, outcome Outcome, n uint64)) {
	for outcome, counts := range map[Outcome]*labels{
		Success: &l.success, Duplicate: &l.duplicate, Invalid: &l.invalid, Hit: &l.hits, Miss: &l.misses,
		Refused: &l.refused,
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
	l.reloadTimes.addAll(&s.past.reloadTimes)
}

// A tabulation adds counts up and lists them in order.
type tabulation struct {
	lookups, registrations map[Count]uint64 // keys have N = 0
	reloads, failedReloads uint64
	reloadTimes            took
}

func newTabulation() *tabulation {
	return &tabulation{lookups: make(map[Count]uint64), registrations: make(map[Count]uint64)}
}

func (t *tabulation) include(l *ledger, each func(func(name string, outcome Outcome, n uint64))) {
	each(func(name string, outcome Outcome, n uint64) {
		if n == 0 {
			return
		}
		if outcome == Hit || outcome == Miss || outcome == Refused {
			t.lookups[Count{Name: name, Outcome: outcome}] += n
		} else {
			t.registrations[Count{Name: name, Outcome: outcome}] += n
		}
	})
	t.reloads += l.reloads.Load()
	t.failedReloads += l.failedReloads.Load()
	t.reloadTimes.addAll(&l.reloadTimes)
}

func (t *tabulation) stats() Stats {
	s := Stats{Lookups: sorted(t.lookups), Registrations: sorted(t.registrations), ReloadTimes: t.reloadTimes.durations()}
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
