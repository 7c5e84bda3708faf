package replication

import (
	"time"

	"github.com/roster-go/roster"
)

// Fresh returns the local view if everything that was written in any region of the table more
// than bound ago is in it, and a [*StaleError] otherwise.
//
// The bound is measured on this process's clock alone, by questions: this process asks its
// etcd, and the region's agent asks the other regions, what there was when the question was
// put. So what is known is a few heartbeats old at best, and a bound below three heartbeats
// and two round trips is never met. Regions that were retired do not count.
func (s *Store) Fresh(bound time.Duration) (roster.View[*Record], error) {
	region, staleness := s.Staleness()
	if staleness < 0 || staleness > bound {
		return nil, &StaleError{Region: region, Staleness: staleness, Bound: bound}
	}
	return s.View(), nil
}

// Staleness returns how old the local view may be with regard to the region that it may be
// behind most: everything that was written there that long ago is in it. It is negative if it
// is not known.
func (s *Store) Staleness() (region string, staleness time.Duration) {
	now := time.Now()
	s.mu.Lock()
	confirmed, origins := s.confirmed, s.origins
	s.mu.Unlock()
	if confirmed.IsZero() {
		return s.region, -1
	}
	region, staleness = s.region, now.Sub(confirmed)
	for _, r := range s.regions() {
		if r.Name == s.region || r.Retired {
			continue
		}
		origin, ok := origins[r.Name]
		if !ok {
			return r.Name, -1
		}
		if age := now.Sub(origin.since) + origin.age; age > staleness {
			region, staleness = r.Name, age
		}
	}
	return region, staleness
}
