package replication

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd/internal/follow"
)

// services is the feed of the region's own instances: what is under services/, and nothing that
// came from elsewhere. It is safe for concurrent use.
type services struct {
	store *Store
	watch follow.Watch

	mu       sync.Mutex // guards the fields below
	synced   bool
	revision int64
	values   map[string][]byte
	journal  journal
	stamps   stamps
	wakes    chan struct{}
	filled   chan struct{} // closed by the first full read
}

var (
	_ source      = (*services)(nil)
	_ follow.Sink = (*services)(nil)
)

func newServices(s *Store, log *slog.Logger) *services {
	v := &services{store: s, wakes: make(chan struct{}), filled: make(chan struct{}), values: make(map[string][]byte)}
	v.journal.reset(0, nil)
	v.watch = follow.Watch{
		Client: s.client, Prefix: s.prefix + servicesDir, Identity: s.prefix + identityKey,
		Heartbeat: s.heartbeat, Relist: s.relist, Logger: log,
	}
	return v
}

func (v *services) run(ctx context.Context) { _ = v.watch.Run(ctx, v) } // it ends with ctx

func (v *services) wake() {
	close(v.wakes)
	v.wakes = make(chan struct{})
}

// Sync implements [follow.Sink].
func (v *services) Sync(revision int64, all []*mvccpb.KeyValue) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.values = make(map[string][]byte, len(all))
	marks := make([]mark, 0, len(all))
	for _, kv := range all {
		key := strings.TrimPrefix(string(kv.GetKey()), v.watch.Prefix)
		v.values[key] = kv.GetValue()
		marks = append(marks, mark{revision: kv.GetModRevision(), key: key})
	}
	v.journal.reset(revision, marks)
	if n := len(v.stamps); n > 0 && revision < v.stamps[n-1].revision { // another store
		v.stamps = nil
	}
	if !v.synced {
		close(v.filled)
	}
	v.synced, v.revision = true, revision
	v.stamps.add(revision, time.Now())
	v.wake()
}

// Apply implements [follow.Sink].
func (v *services) Apply(revision int64, events []*clientv3.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, event := range events {
		key := strings.TrimPrefix(string(event.GetKv().GetKey()), v.watch.Prefix)
		m := mark{revision: event.GetKv().GetModRevision(), key: key, removed: event.GetType() == clientv3.EventTypeDelete}
		if m.removed {
			delete(v.values, key)
		} else {
			v.values[key] = event.GetKv().GetValue()
		}
		v.journal.add(m)
	}
	v.revision = revision
	v.stamps.add(revision, time.Now())
	v.wake()
}

// Stale implements [follow.Sink]. What is known stays; the store's own watch says the rest.
func (v *services) Stale(error) {}

// Fresh implements [follow.Sink].
func (v *services) Fresh(revision int64, _ time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.revision = max(v.revision, revision)
}

func (v *services) next(after int64, _ bool) (items []item, to int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.synced {
		return nil, after
	}
	size, last, cut := 0, int64(0), false
	v.journal.since(after, func(m mark) bool {
		value := v.values[m.key]
		if cut = full(len(items), size+len(value)) && m.revision != last; cut {
			return false
		}
		items = append(items, item{Key: m.key, Value: value, Removed: m.removed})
		size += len(value)
		last = m.revision
		return true
	})
	if cut {
		return items, last
	}
	return items, v.revision
}

func (v *services) head() (revision, floor int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.revision, v.journal.floor
}

func (v *services) ready() <-chan struct{} { return v.filled }

func (v *services) changed() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.wakes
}

func (v *services) seen(after int64) (time.Time, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.stamps.after(after)
}

func (v *services) pending(after int64) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := 0
	v.journal.since(after, func(mark) bool { n++; return true })
	return n
}
