package strong

import (
	"time"
)

// A sink is a store as its engine sees it.
type sink Store

var _ Sink = (*sink)(nil)

// Sync implements [Sink].
func (s *sink) Sync(version Version, entries []Entry) {
	table := make(map[string]Entry, len(entries))
	for _, entry := range entries {
		table[entry.Key] = entry
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	previous := s.current.Load()
	next := *previous
	next.content = newContent(version, table)
	if previous.err != nil || previous.content.version > version {
		next.asOf = time.Time{} // it may be another store, of which nothing is proven yet
	}
	s.publish(&next)
	s.tell(difference(previous.content, next.content))
	if !s.synced {
		s.synced = true
		close(s.ready)
	}
}

// Apply implements [Sink].
func (s *sink) Apply(version Version, changes []Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := *s.current.Load()
	next.content = next.content.changed(version, changes)
	s.publish(&next)
	s.tell(Batch{Version: version, Changes: changes})
}

// Fresh implements [Sink].
func (s *sink) Fresh(asked time.Time, version Version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := *s.current.Load()
	if version > next.content.version {
		next.content = next.content.changed(version, nil)
	}
	if asked.After(next.asOf) {
		next.asOf = asked
	}
	next.lost, next.err = time.Time{}, nil
	s.publish(&next)
}

// Lost implements [Sink].
func (s *sink) Lost(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := *s.current.Load()
	if next.err == nil {
		next.lost = time.Now()
	}
	next.err = err
	s.publish(&next)
}

// publish makes a view the current one and wakes up who waits. The mutex is held.
func (s *sink) publish(view *View) {
	s.current.Store(view)
	close(s.advanced)
	s.advanced = make(chan struct{})
}
