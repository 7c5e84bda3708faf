package replication

import (
	"encoding/json"
	"log/slog"
	"maps"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/etcd/internal/follow"
	"github.com/roster-go/roster/replica"
)

// A state is what a store knows of its etcd. The store's mutex guards it.
type state struct {
	synced   bool
	revision int64 // up to which everything has been delivered
	records  map[string]stored
	sums     sums // the digest of records
	journal  journal
	stamps   stamps        // when revisions were seen
	changed  chan struct{} // closed by the next change
	rows     chan struct{} // closed by the next change of the table of regions

	table []Region // the table of regions, sorted by name; replaced, never modified

	member    versioned[member]
	floor     versioned[replica.Context]
	heartbeat versioned[heartbeat]
	ages      versioned[[]age]
	sessions  versioned[[]string]
	cursors   map[string]versioned[cursor] // by {origin}/{feed}

	stale     error     // why the view may be outdated, nil if it is confirmed
	confirmed time.Time // when the store was asked what has been delivered since
	confirmAt int64     // the revision that was delivered then
	origins   map[string]originAge
}

// A versioned is a value with the revision that wrote it; 0 if it is not there.
type versioned[T any] struct {
	value    T
	revision int64
}

// An originAge is how far the region was behind another one, as its agent told by a heartbeat
// that was written after a moment on this process's clock.
type originAge struct {
	since time.Time
	age   time.Duration
}

func (s *state) init() {
	s.records = make(map[string]stored)
	s.journal.reset(0, nil)
	s.changed, s.rows = make(chan struct{}), make(chan struct{})
	s.cursors = make(map[string]versioned[cursor])
	s.origins = make(map[string]originAge)
	s.stale = errNoContact
}

// wake tells everybody who waits for a change.
func (s *state) wake(rows bool) {
	close(s.changed)
	s.changed = make(chan struct{})
	if rows {
		s.readTable()
		close(s.rows)
		s.rows = make(chan struct{})
	}
}

// keep takes a record in.
func (s *state) keep(name string, r stored) {
	if old, ok := s.records[name]; ok {
		s.sums.remove(old.entry)
	}
	s.records[name] = r
	s.sums.add(r.entry)
	s.journal.add(mark{revision: r.revision, key: name})
}

// forget drops a record that is no longer stored.
func (s *state) forget(name string, revision int64) {
	if old, ok := s.records[name]; ok {
		s.sums.remove(old.entry)
	}
	delete(s.records, name)
	s.journal.add(mark{revision: revision, key: name, removed: true})
}

// known is everything that the region knows: its own writes, what it applied of others, and
// what it collected.
func (s *state) known() replica.Context {
	known := s.member.value.known().Join(s.floor.value)
	for _, c := range s.cursors {
		known = known.Join(c.value.Known)
	}
	return known
}

// A sink fills a store.
type sink Store

var _ follow.Sink = (*sink)(nil)

// Sync implements [follow.Sink].
func (k *sink) Sync(revision int64, all []*mvccpb.KeyValue) {
	s := (*Store)(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	changed, rows, stale := s.changed, s.rows, s.stale
	confirmed, confirmAt, origins, stamps := s.confirmed, s.confirmAt, s.origins, s.stamps
	s.state = state{}
	s.init()
	s.changed, s.rows, s.stale, s.confirmed, s.confirmAt, s.origins, s.stamps = changed, rows, stale, confirmed, confirmAt, origins, stamps
	table := make(map[string]*Record, len(all))
	marks := make([]mark, 0, len(all))
	for _, kv := range all {
		key := strings.TrimPrefix(string(kv.GetKey()), s.prefix)
		name, isRecord := strings.CutPrefix(key, recordsDir)
		if !isRecord {
			s.note(key, kv.GetValue(), kv.GetModRevision())
			continue
		}
		r, ok := s.decode(name, kv)
		if !ok {
			continue
		}
		s.records[name] = r
		s.sums.add(r.entry)
		marks = append(marks, mark{revision: r.revision, key: name})
		if record, live := r.record(); live {
			table[name] = record
		}
	}
	s.journal.reset(revision, marks)
	if n := len(s.stamps); n > 0 && revision < s.stamps[n-1].revision { // another store
		s.stamps = nil
	}
	s.revision, s.synced = revision, true
	s.stamps.add(revision, time.Now())
	for name, record := range s.hot.All() { // what is as it was keeps its entry
		if next, ok := table[name]; ok && next.same(record) {
			table[name] = record
		}
	}
	if err := s.hot.Reload(table); err != nil {
		s.log.Error("the view could not be replaced", slog.Any("error", err))
	}
	select {
	case <-s.ready:
	default:
		close(s.ready)
	}
	s.wake(true)
}

// Apply implements [follow.Sink].
func (k *sink) Apply(revision int64, events []*clientv3.Event) {
	s := (*Store)(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	touched := make(map[string]struct{}, len(events))
	relevant := false // to the peers: a write of this region, or a heartbeat
	for _, event := range events {
		key := strings.TrimPrefix(string(event.GetKv().GetKey()), s.prefix)
		name, isRecord := strings.CutPrefix(key, recordsDir)
		switch gone := event.GetType() == clientv3.EventTypeDelete; {
		case !isRecord && gone:
			s.note(key, nil, 0)
		case !isRecord:
			s.note(key, event.GetKv().GetValue(), event.GetKv().GetModRevision())
			relevant = relevant || key == heartbeatKey
		case gone:
			s.forget(name, event.GetKv().GetModRevision())
			touched[name] = struct{}{}
		default:
			r, ok := s.decode(name, event.GetKv())
			if !ok {
				s.forget(name, event.GetKv().GetModRevision())
			} else {
				s.keep(name, r)
				relevant = relevant || r.ofRegion(s.region)
			}
			touched[name] = struct{}{}
		}
	}
	if relevant {
		s.stamps.add(revision, time.Now())
	}
	s.revision = revision
	s.publish(touched)
	rows := false
	for name := range touched {
		rows = rows || strings.HasPrefix(name, regionsNamespace+"/")
	}
	s.wake(rows)
}

// publish makes what was touched visible to readers, all at once.
func (s *Store) publish(touched map[string]struct{}) {
	if len(touched) == 0 {
		return
	}
	err := s.hot.Update(func(d *roster.Draft[*Record]) error {
		for name := range touched {
			record, live := s.records[name].record()
			_, there := d.Get(name)
			var err error
			switch {
			case live && there:
				err = d.Replace(name, record)
			case live:
				err = d.Register(name, record)
			case there:
				err = d.Unregister(name)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.log.Error("changes could not be published", slog.Any("error", err))
	}
}

// decode reads a record. What is damaged counts as absent, so that a peer's copy can repair it.
func (s *Store) decode(name string, kv *mvccpb.KeyValue) (stored, bool) {
	entry, err := decodeEntry(name, kv.GetValue())
	if err != nil {
		s.damaged.Add(1)
		s.log.Warn("skipped a damaged entry", slog.Any("error", err))
		return stored{}, false
	}
	return stored{entry: entry, raw: kv.GetValue(), revision: kv.GetModRevision()}, true
}

// note takes what is stored beside the records; nil data stand for a key that was removed.
func (s *Store) note(key string, data []byte, revision int64) {
	switch key {
	case memberKey:
		take(s, key, &s.member, data, revision)
	case floorKey:
		take(s, key, &s.floor, data, revision)
	case sessionsKey:
		take(s, key, &s.sessions, data, revision)
	case agesKey:
		take(s, key, &s.ages, data, revision)
	case heartbeatKey:
		take(s, key, &s.state.heartbeat, data, revision)
		s.noteHeartbeat()
	default:
		name, ok := strings.CutPrefix(key, cursorsDir)
		if !ok {
			return
		}
		var c versioned[cursor]
		take(s, key, &c, data, revision)
		if c.revision == 0 {
			delete(s.cursors, name)
		} else {
			s.cursors[name] = c
		}
	}
}

func take[T any](s *Store, key string, to *versioned[T], data []byte, revision int64) {
	*to = versioned[T]{}
	if data == nil {
		return
	}
	to.revision = revision
	if err := json.Unmarshal(data, &to.value); err != nil {
		s.damaged.Add(1)
		s.log.Warn("skipped a damaged value", slog.String("key", key), slog.Any("error", err))
	}
}

// noteHeartbeat takes what the region's agent says about the other regions. It was written
// after the last moment for which everything has been delivered without it.
func (s *Store) noteHeartbeat() {
	if s.confirmed.IsZero() || s.state.heartbeat.revision <= s.confirmAt {
		return
	}
	origins := maps.Clone(s.origins)
	for region, milliseconds := range s.state.heartbeat.value.Fresh {
		origins[region] = originAge{since: s.confirmed, age: time.Duration(milliseconds) * time.Millisecond}
	}
	s.origins = origins
}

// Stale implements [follow.Sink].
func (k *sink) Stale(err error) {
	s := (*Store)(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale = err
}

// Fresh implements [follow.Sink].
func (k *sink) Fresh(revision int64, asked time.Time) {
	s := (*Store)(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale, s.confirmed, s.confirmAt = nil, asked, revision
	if revision > s.revision {
		s.revision = revision
	}
}
