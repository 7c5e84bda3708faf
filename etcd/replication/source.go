package replication

import (
	"encoding/json"
	"time"
)

// A source is where a feed comes from.
type source interface {
	// next returns what changed after a revision, bounded in number and size, and the revision
	// up to which that is everything. With all it is everything and not only what the region itself has to tell.
	next(after int64, all bool) (items []item, to int64)
	// head is the revision that has been seen, and the one before which removals may be forgotten.
	head() (revision, floor int64)
	// ready is closed when there has been a full read.
	ready() <-chan struct{}
	// changed is closed by the next change.
	changed() <-chan struct{}
	// seen is when the first revision after one was seen that matters to peers.
	seen(after int64) (time.Time, bool)
	// pending is how many keys changed after a revision.
	pending(after int64) int
}

// A recordSource is the feed of the store's records.
type recordSource struct{ store *Store }

func (r recordSource) next(after int64, all bool) (items []item, to int64) {
	s := r.store
	s.mu.Lock()
	defer s.mu.Unlock()
	size, last, cut := 0, int64(0), false
	s.journal.since(after, func(m mark) bool {
		record := s.records[m.key]
		if m.removed || (!all && !record.ofRegion(s.region)) {
			return true
		}
		// Never between the keys of one revision, or the cursor could not tell them apart.
		if cut = full(len(items), size+len(record.raw)) && m.revision != last; cut {
			return false
		}
		items = append(items, item{Key: m.key, Entry: json.RawMessage(record.raw)})
		size += len(record.raw)
		last = m.revision
		return true
	})
	if cut {
		return items, last
	}
	return items, s.revision
}

// full tells whether a batch takes no more.
func full(items, size int) bool { return items > 0 && (items >= maxBatchItems || size > maxBatchBytes) }

func (r recordSource) head() (revision, floor int64) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	return r.store.revision, 0
}

func (r recordSource) ready() <-chan struct{} { return r.store.ready }

func (r recordSource) changed() <-chan struct{} {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	return r.store.changed
}

func (r recordSource) seen(after int64) (time.Time, bool) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	return r.store.stamps.after(after)
}

func (r recordSource) pending(after int64) int {
	s := r.store
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	s.journal.since(after, func(m mark) bool {
		if !m.removed && s.records[m.key].ofRegion(s.region) {
			n++
		}
		return true
	})
	return n
}
