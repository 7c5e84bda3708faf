package strong

import (
	"bytes"
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
)

// A Batch is what happened from one version to another.
type Batch struct {
	Version Version  // after the changes
	Changes []Change // at most one per key, removals first, sorted by key
}

// A subscriber is one loop over Changes.
type subscriber struct {
	pending map[string]Change
	version Version
	woken   chan struct{} // holds a value while there is something pending
}

// Changes yields what happens, until ctx ends: first everything that is there, then what
// changes. A loop that is slow gets several changes of a key as one, the last. Applying
// every batch to the one before gives the view at the batch's version.
func (s *Store) Changes(ctx context.Context) iter.Seq[Batch] {
	return func(yield func(Batch) bool) {
		sub := &subscriber{pending: make(map[string]Change), woken: make(chan struct{}, 1)}
		s.mu.Lock()
		s.subscribers[sub] = struct{}{}
		now := s.current.Load().content
		if s.synced {
			sub.add(difference(newContent(0, nil), now))
		}
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.subscribers, sub)
		}()
		for {
			select {
			case <-ctx.Done():
				return
			case <-sub.woken:
			}
			s.mu.Lock()
			batch := sub.take()
			s.mu.Unlock()
			if !yield(batch) {
				return
			}
		}
	}
}

// tell passes changes on to all who loop over them. The mutex is held.
func (s *sink) tell(batch Batch) {
	for sub := range s.subscribers {
		sub.add(batch)
	}
}

// add notes what is to be yielded. The store's mutex is held.
func (s *subscriber) add(batch Batch) {
	for _, change := range batch.Changes {
		s.pending[change.Key] = change
	}
	s.version = batch.Version
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// take gives what is to be yielded. The store's mutex is held.
func (s *subscriber) take() Batch {
	batch := Batch{Version: s.version, Changes: slices.SortedFunc(maps.Values(s.pending), compareChanges)}
	clear(s.pending)
	return batch
}

func compareChanges(a, b Change) int {
	switch {
	case a.Removed && !b.Removed:
		return -1
	case b.Removed && !a.Removed:
		return 1
	}
	return strings.Compare(a.Key, b.Key)
}

// difference is what leads from one content to another.
func difference(from, to *content) Batch {
	batch := Batch{Version: to.version}
	for key := range from.entries {
		if _, kept := to.entries[key]; !kept {
			batch.Changes = append(batch.Changes, Change{Entry: Entry{Key: key, Version: to.version}, Removed: true})
		}
	}
	for key, entry := range to.entries {
		if was, ok := from.entries[key]; !ok || was.Version != entry.Version || !bytes.Equal(was.Value, entry.Value) {
			batch.Changes = append(batch.Changes, Change{Entry: entry})
		}
	}
	slices.SortFunc(batch.Changes, compareChanges)
	return batch
}
