package replication

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/roster-go/roster/etcd/internal/pace"
	"github.com/roster-go/roster/replica"
)

// A digest's sums can be kept up to date by adding and taking away single entries.
type sums [replica.Buckets]replica.Bucket

func (d *sums) add(e replica.Entry) {
	n := replica.BucketOf(e.Key)
	one := sumOf(e)
	d[n].Entries += one.Entries
	for lane := range one.Sum {
		d[n].Sum[lane] += one.Sum[lane]
	}
}

func (d *sums) remove(e replica.Entry) {
	n := replica.BucketOf(e.Key)
	one := sumOf(e)
	d[n].Entries -= one.Entries
	for lane := range one.Sum {
		d[n].Sum[lane] -= one.Sum[lane]
	}
}

// sumOf is what one entry contributes to its bucket.
func sumOf(e replica.Entry) replica.Bucket {
	all := replica.Digest(func(yield func(replica.Entry) bool) { yield(e) })
	return all[replica.BucketOf(e.Key)]
}

// digest sums up the local view.
func (s *Store) digest() sums {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sums
}

// entries are those of some buckets.
func (s *Store) entries(buckets []int) []replica.Entry {
	var wanted [replica.Buckets]bool
	for _, b := range buckets {
		wanted[b] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var entries []replica.Entry
	for key, r := range s.records {
		if wanted[replica.BucketOf(key)] {
			entries = append(entries, r.entry)
		}
	}
	return entries
}

// hashOf identifies what an entry says. Entries of which a digest takes no notice have the same
// as ones that are not there.
func hashOf(e replica.Entry) [2]uint64 {
	one := sumOf(e)
	return [2]uint64{one.Sum[0], one.Sum[1]}
}

// A comparison finds out what a peer has that differs, by 256 sums over everything, then by the
// keys of the sums that differ, then by sending those entries again, which the peer merges. It
// begins when everything sent has been acknowledged, so that what is under way is not found.
// Each direction of a pair compares on its own: the peer gets what it lacks, and by its own
// comparison gives what is lacking here.
type comparison struct {
	timer *time.Timer
	every time.Duration
	due   bool      // from the start: a peer that comes back may have lost something
	since time.Time // when it became due
	id    uint64
	open  bool // a digest was sent and not settled
}

// patience is for how many intervals a comparison waits for a quiet moment.
const patience = 2

func (c *comparison) init(every time.Duration) {
	c.every, c.due, c.since = every, true, time.Now()
	c.timer = time.NewTimer(pace.Jitter(every))
}

func (c *comparison) stop() { c.timer.Stop() }

// compare begins a comparison if one is due and nothing is under way.
func (s *session) compare() error {
	c := &s.comparing
	if !c.due || c.open || s.all {
		return nil
	}
	if len(s.flights) > 0 && time.Since(c.since) < patience*c.every {
		return nil
	}
	sums := s.link.lead.store.digest()
	c.id++
	c.due, c.open = false, true
	return s.to.send(message{Digest: &digest{ID: c.id, Buckets: sums[:]}})
}

// again plans the next comparison.
func (s *session) again() {
	c := &s.comparing
	c.open, c.since = false, time.Now()
	c.timer.Reset(pace.Jitter(c.every))
}

// differs answers the buckets that differ by the hashes of their keys.
func (s *session) differs(d differ) error {
	k := s.link
	k.mu.Lock()
	k.status.compared++
	if equal := len(d.Buckets) == 0; equal != k.status.equal || k.status.equalAt.IsZero() {
		k.status.equal, k.status.equalAt = equal, time.Now()
	}
	k.mu.Unlock()
	if len(d.Buckets) == 0 {
		s.again()
		return nil
	}
	for _, b := range d.Buckets {
		if b < 0 || b >= replica.Buckets {
			return &RegionError{Region: k.region.Name, Fault: "it speaks of a bucket that does not exist"}
		}
	}
	entries := k.lead.store.entries(d.Buckets)
	for some := range slices.Chunk(entries, hashesPerMessage) {
		keys := make([]keyHash, len(some))
		for i, e := range some {
			keys[i] = keyHash{Key: e.Key, Hash: hashOf(e)}
		}
		if err := s.to.send(message{Keys: keys}); err != nil {
			return err
		}
	}
	return s.to.send(message{Done: &digestClose{ID: d.ID, Buckets: d.Buckets}})
}

const hashesPerMessage = 1000

// wanted sends entries again. The peer settles when all have come; if one has been collected since
// its hash was sent, it waits for ever, and the comparison ends here.
func (s *session) wanted(keys []string) error {
	st := s.link.lead.store
	var items []item
	size, gone := 0, false
	flush := func() error {
		if len(items) == 0 {
			return nil
		}
		err := s.to.send(message{Items: items, Repair: true})
		items, size = nil, 0
		return err
	}
	for _, key := range keys {
		st.mu.Lock()
		r, ok := st.records[key]
		st.mu.Unlock()
		if !ok {
			gone = true
			continue
		}
		if full(len(items), size+len(r.raw)) {
			if err := flush(); err != nil {
				return err
			}
		}
		items = append(items, item{Key: key, Entry: json.RawMessage(r.raw)})
		size += len(r.raw)
	}
	if err := flush(); err != nil || !gone {
		return err
	}
	s.settled(settled{Wanted: len(keys)})
	return nil
}

// settled ends a comparison. After one that found something, the next one comes soon, to see
// whether that is equal now.
func (s *session) settled(d settled) {
	s.link.mu.Lock()
	s.link.status.wanted += uint64(d.Wanted)
	s.link.mu.Unlock()
	s.again()
	const soon = 2 * time.Second
	s.comparing.timer.Reset(pace.Jitter(min(s.comparing.every, soon)))
}
