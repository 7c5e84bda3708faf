package discovery

import (
	"cmp"
	"context"
	"iter"
	"slices"
)

// A Kind is what happened to an instance. Batches are ordered by it.
type Kind int

// What may happen to an instance.
const (
	Removed Kind = iota // it is gone
	Updated             // something other than its key differs
	Added               // it is new
)

func (k Kind) String() string {
	switch k {
	case Removed:
		return "removed"
	case Updated:
		return "updated"
	case Added:
		return "added"
	default:
		return "unknown"
	}
}

// An Event is one difference between two states of a view.
type Event struct {
	Kind     Kind
	Instance Instance // as it is now; of a removed one, as it was
	Previous Instance // as it was, if Kind is Updated
}

// A Batch leads from the state of one revision to that of a later one.
type Batch struct {
	Revision int64   // of the later state
	Events   []Event // removals first, then updates, then additions, each sorted by service and id
}

// Changes yields how the view changes, until ctx ends or the loop is left. The first batch
// adds all that is there, and comes once the view is ready, even if it is empty. No batch
// after it is empty.
//
// A reader that is slow misses states but no difference: what happens while it is busy
// comes as one batch, in which an instance occurs at most once. What is the same after a
// resync as before occurs not at all. The memory held for a slow reader is bounded by the
// size of the view.
func (v *View) Changes(ctx context.Context) iter.Seq[Batch] {
	return func(yield func(Batch) bool) {
		select {
		case <-v.ready:
		case <-ctx.Done():
			return
		}
		s, batch := v.subscribe()
		defer v.unsubscribe(s)
		for yield(batch) {
			for batch.Events = nil; len(batch.Events) == 0; batch = v.drain(s) {
				select {
				case <-s.woken:
				case <-ctx.Done():
					return
				}
			}
		}
	}
}

// A subscriber remembers what it has not been told yet.
type subscriber struct {
	woken chan struct{}         // capacity 1
	told  map[string][]Instance // changed service → its instances when the subscriber was last told; guarded by View.mu
}

// note remembers how the services in next are now, unless an earlier state is remembered.
func (s *subscriber) note(next, now map[string][]Instance) {
	for service := range next {
		if _, noted := s.told[service]; !noted {
			s.told[service] = now[service]
		}
	}
}

func (s *subscriber) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

func (v *View) subscribe() (*subscriber, Batch) {
	s := &subscriber{woken: make(chan struct{}, 1), told: make(map[string][]Instance)}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.subscribers[s] = struct{}{}
	s.note(v.shown, nil)
	return s, v.batch(s)
}

func (v *View) unsubscribe(s *subscriber) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.subscribers, s)
}

func (v *View) drain(s *subscriber) Batch {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.batch(s)
}

// batch tells s what it has not been told yet. The caller holds v.mu.
func (v *View) batch(s *subscriber) Batch {
	batch := Batch{Revision: v.revision}
	for service, told := range s.told {
		batch.Events = appendDifference(batch.Events, told, v.shown[service])
	}
	clear(s.told)
	slices.SortFunc(batch.Events, func(a, b Event) int {
		return cmp.Or(
			cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.Instance.Service, b.Instance.Service),
			cmp.Compare(a.Instance.ID, b.Instance.ID),
		)
	})
	return batch
}

// appendDifference appends what leads from one list of instances to the other. Both are of
// one service and sorted by id.
func appendDifference(events []Event, from, to []Instance) []Event {
	for len(from) > 0 || len(to) > 0 {
		var order int
		switch {
		case len(to) == 0:
			order = -1
		case len(from) == 0:
			order = 1
		default:
			order = cmp.Compare(from[0].ID, to[0].ID)
		}
		switch {
		case order < 0:
			events = append(events, Event{Kind: Removed, Instance: from[0]})
			from = from[1:]
		case order > 0:
			events = append(events, Event{Kind: Added, Instance: to[0]})
			to = to[1:]
		default:
			if !from[0].Equal(to[0]) {
				events = append(events, Event{Kind: Updated, Instance: to[0], Previous: from[0]})
			}
			from, to = from[1:], to[1:]
		}
	}
	return events
}
