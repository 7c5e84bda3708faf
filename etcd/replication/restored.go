package replication

import (
	"maps"
	"slices"

	"github.com/roster-go/roster/replica"
)

// restored tells whether the peer's etcd is not the one that the cursor is of, or was restored from
// before it. That cannot be seen if the backup is of the session that the cursor is of, and more
// was written since the restore than the backup lacks.
func (s *stream) restored(c cursor) bool {
	return c.Cluster != "" && (c.Cluster != s.hello.Cluster || c.Revision > s.hello.Head || !s.hello.has(c.Session))
}

func (h *hello) has(session string) bool {
	return session == h.Session || len(h.Sessions) == 0 || slices.Contains(h.Sessions, session)
}

// checkRestored keeps a peer whose etcd was restored from pushing until it has been told what has
// been deleted and forgotten since. What such a region says that it knows of its own writes is not
// true: it has none between the backup and the restore, and its counts go on from the wall clock.
func (s *stream) checkRestored(c cursor) error {
	if s.feed != recordsFeed {
		return nil
	}
	s.store.mu.Lock()
	floor, own := s.store.floor.value, s.store.known()
	s.store.mu.Unlock()
	believed := othersThan(s.from, s.hello.Known)
	s.doubted = s.restored(c) && !s.hello.Floor.Includes(floor) && !believed.Includes(floor)
	s.agent.with(s.from, func(o *origin) {
		o.restored = s.doubted
		if s.doubted {
			o.known = nil
		}
	})
	if !s.doubted {
		return nil
	}
	s.lead.renew(s.from, floor)
	s.hello.Known = believed
	if !own.Includes(s.hello.Floor) { // it would not be synced from here first: what it sends is sifted
		return nil
	}
	return &Refusal{
		Code: RefusedStale,
		Text: "the region's etcd was restored, and does not know of deletions that have been forgotten since: it may push once it has been synced",
	}
}

// othersThan is what is known of the writes of other regions.
func othersThan(region string, known replica.Context) replica.Context {
	others := known.Clone()
	maps.DeleteFunc(others, func(id string, _ uint64) bool { return replica.RegionOf(id) == region })
	return others
}

// behind tells whether this region lacks deletions that the peer has forgotten.
func (s *stream) behind() bool {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if s.hello.Restored && !s.store.floor.value.Includes(s.hello.Floor) {
		return true
	}
	return !s.store.known().Includes(s.hello.Floor)
}

// isRestored tells whether a region's etcd was restored, and has yet to be told of deletions.
func (a *Agent) isRestored(region string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := a.origins[region]
	return o != nil && o.restored
}

// renew begins the link for records to a region anew, to tell it that it was restored.
func (l *lead) renew(region string, floor replica.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if links := l.links[region]; links != nil {
		for _, k := range links.links {
			if k.feed == recordsFeed {
				k.renew(floor)
			}
		}
	}
}
