package etcd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd/internal/follow"
	"github.com/roster-go/roster/etcd/internal/pace"
)

// announceWait is how long Announce waits for the first registration before it leaves the
// matter to the background.
const announceWait = time.Second

// An announcement keeps a set of instances in etcd under one lease. All requests are made
// by the goroutine of run, one after the other; the other methods tell it what to do.
type announcement struct {
	backend *Backend
	stop    context.CancelFunc
	stopped chan struct{}
	woken   chan struct{} // capacity 1: the set was replaced

	mu      sync.Mutex // guards the fields below; held for no request
	wanted  map[discovery.Key]discovery.Instance
	waiting []chan error // told the outcome of the next attempt that knows wanted as it is now
	status  discovery.AnnouncementStatus
	sets    uint64           // how many sets were wanted before this one
	expires time.Time        // when the lease runs out unless it is renewed
	current clientv3.LeaseID // lease, for others than run
	closed  bool

	// Owned by run, and by Close once run has ended.
	lease   clientv3.LeaseID             // 0 if there is none, or it is lost
	renewed time.Time                    // when the lease was asked for, or its latest renewal
	held    map[discovery.Key]*placement // what was written, with what is still to be removed
	store   history                      // as of the latest answers
}

// A placement is what an announcement knows of one of its keys.
type placement struct {
	value     string           // as last written, "" if the key has to be written again
	lease     clientv3.LeaseID // under which it was last written for certain, 0 if it never was
	confirmed bool             // written at least once for certain; a lost response leaves it open
	instance  discovery.Instance
}

var _ discovery.Announcement = (*announcement)(nil)

// Announce implements [discovery.Registrar].
func (b *Backend) Announce(ctx context.Context, instances []discovery.Instance) (discovery.Announcement, error) {
	wanted, err := discovery.ByKey(instances)
	if err != nil {
		return nil, err
	}
	// The announcement outlives the call, so it has a lifetime of its own that Close ends.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	a := &announcement{
		backend: b,
		stop:    stop,
		stopped: make(chan struct{}),
		woken:   make(chan struct{}, 1),
		wanted:  wanted,
		status:  discovery.AnnouncementStatus{Since: time.Now(), Instances: len(wanted)},
		held:    make(map[discovery.Key]*placement),
	}
	outcome := make(chan error, 1)
	a.waiting = []chan error{outcome}
	go a.run(running)

	wait := time.NewTimer(announceWait)
	defer wait.Stop()
	select {
	case failure := <-outcome:
		b.log.Debug("announced", slog.Int("instances", len(wanted)), slog.Any("error", failure))
	case <-wait.C:
		a.notePending()
	case <-ctx.Done():
		stop()
		<-a.stopped
		return nil, fmt.Errorf("etcd: announce: %w", errors.Join(context.Cause(ctx), a.withdraw(context.WithoutCancel(ctx))))
	}
	return a, nil
}

// Update implements [discovery.Announcement]. It waits for the first attempt to store the
// set, which may be under way against a store that is down: bound ctx.
func (a *announcement) Update(ctx context.Context, instances []discovery.Instance) error {
	wanted, err := discovery.ByKey(instances)
	if err != nil {
		return err
	}
	outcome := make(chan error, 1)
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return discovery.ErrClosed
	}
	a.wanted = wanted
	a.sets++
	a.status.Instances = len(wanted)
	a.waiting = append(a.waiting, outcome)
	a.mu.Unlock()
	select {
	case a.woken <- struct{}{}:
	default:
	}
	select {
	case err := <-outcome:
		return err
	case <-ctx.Done():
		return fmt.Errorf("etcd: update an announcement, still trying: %w", context.Cause(ctx))
	case <-a.stopped:
		return discovery.ErrClosed
	}
}

// Status implements [discovery.Announcement].
func (a *announcement) Status() discovery.AnnouncementStatus {
	a.mu.Lock()
	defer a.mu.Unlock()
	status := a.status
	if status.Registered && status.Err != nil && time.Now().After(a.expires) {
		status.Registered, status.Since = false, a.expires
	}
	return status
}

// Close implements [discovery.Announcement]. It marks the instances as draining and
// revokes the lease. etcd then removes, in one revision, the keys that are attached to it,
// and a key is attached to the lease it was last written under: one that somebody took over
// stays.
func (a *announcement) Close(ctx context.Context) error {
	a.mu.Lock()
	first := !a.closed
	a.closed = true
	a.mu.Unlock()
	a.stop()
	<-a.stopped
	if !first {
		return nil
	}
	a.setStatus(false, nil)
	return a.withdraw(ctx)
}

// withdraw revokes the lease. The goroutine of run has ended.
func (a *announcement) withdraw(ctx context.Context) error {
	if a.lease == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	// The farewell is a courtesy and leaves time for what counts, also of a ctx that ends earlier.
	end, _ := ctx.Deadline()
	farewell, cancelFarewell := context.WithTimeout(ctx, time.Until(end)/2)
	defer cancelFarewell()
	if err := a.drain(farewell); err != nil {
		a.backend.log.Debug("leaving without a farewell", slog.Any("error", err))
	}
	_, err := a.backend.client.Revoke(ctx, a.lease)
	if err != nil && !errors.Is(err, rpctypes.ErrLeaseNotFound) {
		return fmt.Errorf("etcd: revoke lease %x, its instances vanish by themselves within %v: %w", a.lease, a.backend.ttl, err)
	}
	return nil
}

// run keeps the store as it should be until ctx ends.
func (a *announcement) run(ctx context.Context) {
	defer close(a.stopped)
	var pause pace.Backoff
	var stored struct { // by the latest success
		set   uint64
		lease clientv3.LeaseID
	}
	level := slog.LevelWarn // of the next failure: the first of several in a row is news
	for {
		a.mu.Lock()
		wanted, set, waiting := a.wanted, a.sets, a.waiting
		a.waiting = nil
		a.mu.Unlock()

		started := time.Now()
		err := a.attempt(ctx, wanted)
		if ctx.Err() != nil {
			return
		}
		wait := pace.Jitter(a.backend.ttl / 3)
		if err == nil {
			pause.Reset()
			stored.set, stored.lease, level = set, a.lease, slog.LevelWarn
			a.extend(started)
		} else {
			wait = min(wait, pause.Next())
			follow.Reconnect(a.backend.client)
			a.backend.log.Log(ctx, level, "announcement failed, trying again", slog.Any("error", err))
			level = slog.LevelDebug
		}
		// What failed may be no more than a renewal, and the lease may hold a while longer.
		holds := stored.set == set && stored.lease == a.lease && !errors.Is(err, discovery.ErrOwned)
		a.setStatus(err == nil || (a.lease != 0 && holds), err)
		for _, outcome := range waiting {
			outcome <- err
		}

		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-a.woken:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

var errPending = errors.New("etcd: the store has not answered yet, check that it runs and is reachable; still trying")

// notePending gives a reason while the first attempt is under way.
func (a *announcement) notePending() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.status.Registered && a.status.Err == nil {
		a.status.Err = errPending
	}
}

// extend notes that the lease was renewed, at the earliest when the attempt started.
func (a *announcement) extend(started time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.expires = started.Add(a.backend.ttl)
}

func (a *announcement) setStatus(registered bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.status.Registered != registered {
		a.status.Registered = registered
		a.status.Since = time.Now()
	}
	a.status.Err = err
}
