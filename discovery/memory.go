package discovery

import (
	"context"
	"errors"
	"sync"
	"time"
)

// DefaultTTL is how long an instance outlives a crash of its process in a [Memory].
const DefaultTTL = 30 * time.Second

// A Memory is a store inside one process: a [Registrar] and a [Source] without a network,
// for tests and for programs that have only one process. It behaves as a real store does,
// leases included, and can be made to fail: see [Memory.Interrupt],
// [MemoryAnnouncement.Abandon] and [MemoryAnnouncement.LoseLease].
//
// It takes the time from package time, so that under testing/synctest leases run out
// without waiting. It is safe for concurrent use.
type Memory struct {
	ttl time.Duration

	mu       sync.Mutex // guards the fields below, and every announcement's state
	revision int64
	entries  map[Key]memoryEntry
	watchers map[*memoryWatcher]struct{}
	fault    error         // why the store cannot be reached, nil if it can
	resumed  chan struct{} // closed when fault is nil
}

// A memoryEntry is an instance and the lease it lives under.
type memoryEntry struct {
	instance Instance
	lease    *memoryLease
}

// A memoryLease is identified by its address.
type memoryLease struct {
	expiry *time.Timer
	gone   bool // revoked or run out
}

var (
	_ Registrar = (*Memory)(nil)
	_ Source    = (*Memory)(nil)
)

// NewMemory creates an empty store with leases of ttl, or of [DefaultTTL] if that is zero.
func NewMemory(ttl time.Duration) *Memory {
	if ttl <= 0 {
		ttl = DefaultTTL
	}
	resumed := make(chan struct{})
	close(resumed)
	return &Memory{
		ttl:      ttl,
		revision: 1,
		entries:  make(map[Key]memoryEntry),
		watchers: make(map[*memoryWatcher]struct{}),
		resumed:  resumed,
	}
}

var errInterrupted = errors.New("discovery: the store is interrupted; call Resume")

// Interrupt makes the store unreachable: announcements cannot renew, so that leases run
// out, and watches report err to their sinks as the reason for being stale. With a nil err
// they report a default.
func (m *Memory) Interrupt(err error) {
	if err == nil {
		err = errInterrupted
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault == nil {
		m.resumed = make(chan struct{})
	}
	m.fault = err
	for w := range m.watchers {
		w.cut = err
		w.wake()
	}
	clear(m.watchers)
}

// Resume ends an interruption.
func (m *Memory) Resume() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault != nil {
		m.fault = nil
		close(m.resumed)
	}
}

// commit makes changes in one revision. The caller holds m.mu.
func (m *Memory) commit(changes []memoryChange) {
	if len(changes) == 0 {
		return
	}
	m.revision++
	for _, change := range changes {
		if change.Removed {
			delete(m.entries, change.Instance.Key())
		} else {
			m.entries[change.Instance.Key()] = memoryEntry{instance: change.Instance, lease: change.lease}
		}
	}
	for w := range m.watchers {
		for _, change := range changes {
			w.pending = append(w.pending, change.Change)
		}
		w.wake()
	}
}

// A memoryChange is a change and the lease that the instance is put under.
type memoryChange struct {
	Change

	lease *memoryLease
}

// grant creates a lease. The caller holds m.mu.
func (m *Memory) grant() *memoryLease {
	lease := new(memoryLease)
	lease.expiry = time.AfterFunc(m.ttl, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.revoke(lease)
	})
	return lease
}

// revoke ends a lease and removes what lives under it. The caller holds m.mu.
func (m *Memory) revoke(lease *memoryLease) {
	if lease == nil || lease.gone {
		return
	}
	lease.gone = true
	lease.expiry.Stop()
	var changes []memoryChange
	for key, entry := range m.entries {
		if entry.lease == lease {
			changes = append(changes, removal(key))
		}
	}
	m.commit(changes)
}

func removal(key Key) memoryChange {
	return memoryChange{Change: Change{Removed: true, Instance: Instance{Service: key.Service, ID: key.ID}}}
}

// A memoryWatcher collects what its sink has not been told.
type memoryWatcher struct {
	woken   chan struct{} // capacity 1
	pending []Change      // guarded by Memory.mu
	cut     error         // why the watch was cut off, nil if it was not; guarded by Memory.mu
}

func (w *memoryWatcher) wake() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

// Watch implements [Source].
func (m *Memory) Watch(ctx context.Context, sink Sink) error {
	w := &memoryWatcher{woken: make(chan struct{}, 1)}
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.watchers, w)
	}()
	for ctx.Err() == nil {
		m.mu.Lock()
		fault, resumed := m.fault, m.resumed
		m.mu.Unlock()
		if fault != nil {
			sink.Stale(fault)
		}
		select {
		case <-resumed:
		case <-ctx.Done():
			continue
		}
		if cut := m.follow(ctx, w, sink); cut != nil {
			sink.Stale(cut)
		}
	}
	return context.Cause(ctx)
}

// follow synchronises the sink and passes changes on until the store is interrupted, and
// returns why, or until ctx ends.
func (m *Memory) follow(ctx context.Context, w *memoryWatcher, sink Sink) error {
	m.mu.Lock()
	if m.fault != nil {
		defer m.mu.Unlock()
		return m.fault
	}
	all := make([]Instance, 0, len(m.entries))
	for _, entry := range m.entries {
		all = append(all, entry.instance)
	}
	revision := m.revision
	w.pending, w.cut = nil, nil
	m.watchers[w] = struct{}{}
	m.mu.Unlock()

	sink.Sync(revision, all)
	for {
		select {
		case <-w.woken:
		case <-ctx.Done():
			return nil
		}
		m.mu.Lock()
		changes, revision, cut := w.pending, m.revision, w.cut
		w.pending = nil
		m.mu.Unlock()
		if cut != nil {
			return cut
		}
		if len(changes) > 0 {
			sink.Apply(revision, changes)
		}
	}
}
