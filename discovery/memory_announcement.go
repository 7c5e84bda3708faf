package discovery

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// A MemoryAnnouncement is the [Announcement] that [Memory.Announce] returns. Its further
// methods make it fail, for tests.
type MemoryAnnouncement struct {
	store *Memory

	// The rest is guarded by store.mu.
	wanted  map[Key]Instance
	held    map[Key]*memoryLease // what was put, and under which lease
	lease   *memoryLease         // nil at first
	renewal *time.Timer
	status  AnnouncementStatus
	closed  bool
}

var _ Announcement = (*MemoryAnnouncement)(nil)

// Announce implements [Registrar]. The announcement is a [*MemoryAnnouncement].
func (m *Memory) Announce(ctx context.Context, instances []Instance) (Announcement, error) {
	wanted, err := ByKey(instances)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	a := &MemoryAnnouncement{store: m, wanted: wanted, held: make(map[Key]*memoryLease)}
	a.status.Since = time.Now()
	a.renewal = time.AfterFunc(m.ttl/3, a.renew)
	a.attempt()
	return a, nil
}

// Update implements [Announcement].
func (a *MemoryAnnouncement) Update(ctx context.Context, instances []Instance) error {
	wanted, err := ByKey(instances)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	if a.closed {
		return ErrClosed
	}
	a.wanted = wanted
	a.attempt()
	return a.status.Err
}

// Status implements [Announcement].
func (a *MemoryAnnouncement) Status() AnnouncementStatus {
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	return a.status
}

// Close implements [Announcement].
func (a *MemoryAnnouncement) Close(context.Context) error {
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	if !a.end() {
		return nil
	}
	if a.store.fault != nil {
		return a.store.fault
	}
	a.farewell()
	a.store.revoke(a.lease)
	return nil
}

// farewell marks the instances as leaving, so that readers can tell that from an expiry.
// The caller holds the store's lock.
func (a *MemoryAnnouncement) farewell() {
	var changes []memoryChange
	for _, entry := range a.store.entries {
		if entry.lease == a.lease && !entry.instance.Draining {
			entry.instance.Draining = true
			changes = append(changes, memoryChange{Change: Change{Instance: entry.instance}, lease: a.lease})
		}
	}
	a.store.commit(changes)
}

// Abandon ends the announcement as a crash of its process would: nothing renews the lease
// any more and nothing removes the instances before it runs out.
func (a *MemoryAnnouncement) Abandon() {
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	a.end()
}

// LoseLease revokes the lease behind the announcement's back. The announcement notices when
// it would have renewed it.
func (a *MemoryAnnouncement) LoseLease() {
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	a.store.revoke(a.lease)
}

// end stops the renewals and tells whether they were still going on. The caller holds the
// store's lock.
func (a *MemoryAnnouncement) end() bool {
	if a.closed {
		return false
	}
	a.closed = true
	a.renewal.Stop()
	a.report(false, nil)
	return true
}

func (a *MemoryAnnouncement) renew() {
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	if a.closed {
		return
	}
	a.attempt()
	a.renewal.Reset(a.store.ttl / 3)
}

// attempt makes the store what it should be. The caller holds the store's lock.
func (a *MemoryAnnouncement) attempt() {
	m := a.store
	a.status.Instances = len(a.wanted)
	if m.fault != nil {
		a.report(a.lease != nil && !a.lease.gone, m.fault)
		return
	}
	if a.lease == nil || a.lease.gone {
		a.lease = m.grant()
		a.status.Registrations++
	}
	a.lease.expiry.Reset(m.ttl)

	var leaving, changes []memoryChange
	for key, lease := range a.held {
		if _, kept := a.wanted[key]; kept {
			continue
		}
		if entry, ok := m.entries[key]; ok && entry.lease == lease {
			entry.instance.Draining = true
			leaving = append(leaving, memoryChange{Change: Change{Instance: entry.instance}, lease: lease})
			changes = append(changes, removal(key))
		}
		delete(a.held, key)
	}
	var faults []error
	for key, instance := range a.wanted {
		entry, present := m.entries[key]
		previous, ours := a.held[key]
		if present && ours && entry.lease != previous {
			faults = append(faults, &OwnedError{Key: key})
			continue
		}
		if !present || entry.lease != a.lease || !entry.instance.Equal(instance) {
			changes = append(changes, memoryChange{Change: Change{Instance: instance}, lease: a.lease})
		}
		a.held[key] = a.lease
	}
	slices.SortFunc(changes, func(x, y memoryChange) int {
		return cmp.Compare(x.Instance.Key().String(), y.Instance.Key().String())
	})
	m.commit(leaving) // a farewell is no expiry
	m.commit(changes)
	a.report(faults == nil, errors.Join(faults...))
}

func (a *MemoryAnnouncement) report(registered bool, err error) {
	if a.status.Registered != registered {
		a.status.Registered = registered
		a.status.Since = time.Now()
	}
	a.status.Err = err
}
