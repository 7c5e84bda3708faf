package roster

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// drain retires what a [Hot] registry no longer has, when nobody holds it.
type drain[T any] struct {
	h      *Hot[T]
	retire func(name string, v T) error // or nil

	stuckAfter  time.Duration
	reportStuck func(*StuckError)

	pool    atomic.Pointer[holds[T]] // nil until something was held
	waiting atomic.Bool              // graves is not empty

	mu       sync.Mutex // guards the fields below; held neither by readers nor while retire runs
	over     []*tenure  // of versions that may be held though they are over
	graves   []grave[T]
	owned    map[any]int // by identity: entries that have the value, until they are retired
	queue    []given[T]  // values to retire
	retiring string      // name of the value that is being retired
	running  bool        // a goroutine works on queue
	failures []error     // of retire, at most maxFailures
	quiet    chan struct{}
}

const maxFailures = 100

// A grave is an entry that the registry no longer has. Versions from
// entry.version up to and without died can see it.
type grave[T any] struct {
	name  string
	entry *entry[T]
	died  uint64
}

func (d *drain[T]) init(h *Hot[T], s *settings) {
	d.h = h
	d.owned = make(map[any]int)
	d.stuckAfter, d.reportStuck = s.stuckAfter, s.reportStuck
	if s.closing {
		d.retire = closeValue[T]
	}
	if s.retire != nil {
		d.retire = typed[func(string, T) error](h.core, "OnRetire", s.retire)
	}
}

// hold claims a hold.
func (d *drain[T]) hold() (*hold[T], uint64) {
	pool := d.pool.Load()
	if pool == nil {
		d.pool.CompareAndSwap(nil, newHolds[T]())
		pool = d.pool.Load()
	}
	return pool.claim()
}

// adopt takes note of an entry that the registry is about to have.
func (d *drain[T]) adopt(e *entry[T]) {
	if d.retire == nil {
		return
	}
	if id, ok := identity(e.value); ok {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.owned[id]++
	}
}

// bury takes over the entries that a new version no longer has. The caller
// holds h.mu and has published that version.
func (d *drain[T]) bury(over *tenure, dead []grave[T]) {
	d.mu.Lock()
	if d.pool.Load() != nil {
		d.over = append(d.over, over)
	}
	d.graves = append(d.graves, dead...)
	d.waiting.Store(len(d.graves) > 0)
	d.mu.Unlock()
	d.sweep()
	if d.reportStuck != nil && len(dead) > 0 && d.waiting.Load() {
		time.AfterFunc(d.stuckAfter, func() {
			if err := d.stuck(dead[0].died); err != nil && err.Values > 0 {
				err.Retiring = ""
				d.reportStuck(err)
			}
		})
	}
}

// left is told that a holder of a version is gone. It sweeps when he may have
// been the last.
func (d *drain[T]) left(t *tenure) {
	if t.over.Load() && t.released.Add(1) >= t.enough.Load() {
		d.sweep()
	}
}

// dropped is told that a lease was released.
func (d *drain[T]) dropped() {
	if d.waiting.Load() {
		d.sweep()
	}
}

// sweep opens the graves that nobody can see any more.
func (d *drain[T]) sweep() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.sweepOnce() {
	}
	d.waiting.Store(len(d.graves) > 0)
	if len(d.queue) > 0 && !d.running {
		d.running = true
		go d.run()
	}
	d.settle()
}

// sweepOnce returns true if holders let go while it was looking.
func (d *drain[T]) sweepOnce() (again bool) {
	released := make([]int64, len(d.over)) // before looking: a release seen by neither count would be lost
	for i, t := range d.over {
		released[i] = t.released.Load()
	}
	holders := make(map[*tenure]int64)
	leased := make(map[*entry[T]]bool)
	var versions []uint64
	d.pool.Load().each(func(h *hold[T]) {
		if !h.held() {
			h.forget()
			return
		}
		if l := h.lease.Load(); l != nil {
			leased[l.e] = true
		} else if v := h.version.Load(); v != nil {
			versions = append(versions, v.number)
			holders[v.tenure]++
		}
	})
	slices.Sort(versions)

	d.graves = slices.DeleteFunc(d.graves, func(g grave[T]) bool {
		i, _ := slices.BinarySearch(versions, g.entry.version)
		if leased[g.entry] || i < len(versions) && versions[i] < g.died {
			return false
		}
		d.free(g)
		return true
	})
	var held []*tenure
	for i, t := range d.over {
		if holders[t] == 0 {
			continue
		}
		held = append(held, t)
		t.enough.Store(released[i] + holders[t])
		again = again || t.released.Load() >= released[i]+holders[t]
	}
	d.over = held
	return again
}

// free queues the value of a grave to be retired, if no other entry has it. The
// caller holds d.mu.
func (d *drain[T]) free(g grave[T]) {
	if d.retire == nil {
		return
	}
	if id, ok := identity(g.entry.value); ok {
		d.owned[id]--
		if d.owned[id] != 0 { // another entry has it; or it is a test's, and not ours to retire
			return
		}
		delete(d.owned, id)
	}
	d.queue = append(d.queue, given[T]{name: g.name, value: g.entry.value})
}

// discard retires the values that a transaction was given and that are not part
// of the version it leaves behind. The caller holds h.mu, and has not yet buried
// what that version no longer has: a value may be both.
func (d *drain[T]) discard(values []given[T], current *version[T]) {
	if d.retire == nil {
		return
	}
	d.mu.Lock()
	seen := make(map[any]bool)
	for _, g := range d.queue {
		if id, ok := identity(g.value); ok {
			seen[id] = true
		}
	}
	for _, g := range values {
		if nilness(g.value) != "" {
			continue
		}
		if id, ok := identity(g.value); ok {
			if d.owned[id] > 0 || seen[id] {
				continue
			}
			seen[id] = true
		} else if e := current.entry(g.name); e != nil && (e == g.entry || same(e.value, g.value)) {
			continue
		}
		d.queue = append(d.queue, g)
	}
	d.mu.Unlock()
	d.sweep()
}

// discard retires a value that the registry was given and does not have.
func (h *Hot[T]) discard(name string, v T) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drain.discard([]given[T]{{name: name, value: v}}, h.current())
}

// run retires what is queued, until nothing is.
func (d *drain[T]) run() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.queue) > 0 {
		g := d.queue[0]
		d.queue = slices.Delete(d.queue, 0, 1)
		d.retiring = g.name
		d.mu.Unlock()
		err := contained(d.h.name, g.name, func() error { return d.retire(g.name, g.value) })
		d.mu.Lock()
		if err != nil && len(d.failures) < maxFailures {
			d.failures = append(d.failures, err)
		}
	}
	d.running, d.retiring = false, ""
	d.settle()
}

// settle wakes those who wait for the drain if it has nothing left to do. The
// caller holds d.mu.
func (d *drain[T]) settle() {
	if d.quiet != nil && d.done() {
		close(d.quiet)
		d.quiet = nil
	}
}

func (d *drain[T]) done() bool { return len(d.graves) == 0 && len(d.queue) == 0 && !d.running }

// Drain waits until every value that was replaced or removed so far, or is
// meanwhile, is retired: until no pin and no lease can see it and its retire
// function has returned (see [OnRetire]). If ctx is done first the error is a
// [*StuckError], which names the holders; nothing is taken away from them, and
// the values are retired when they let go. Otherwise the error joins what
// retire functions returned since the last Drain that waited to the end, at most
// 100 of them.
func (h *Hot[T]) Drain(ctx context.Context) error {
	d := &h.drain
	for {
		d.mu.Lock()
		if d.done() {
			failures := d.failures
			d.failures = nil
			d.mu.Unlock()
			return errors.Join(failures...)
		}
		if d.quiet == nil {
			d.quiet = make(chan struct{})
		}
		quiet := d.quiet
		d.mu.Unlock()
		select {
		case <-quiet:
		case <-ctx.Done():
			if err := d.stuck(h.Version()); err != nil {
				err.Err = ctx.Err()
				return err
			}
		}
	}
}

// Close removes all entries, closes the registry for writing, and waits like
// [Hot.Drain], with the same errors. Lookups find nothing from then on. Closing
// again only waits.
func (h *Hot[T]) Close(ctx context.Context) error {
	h.close(callersOf(0))
	return h.Drain(ctx)
}

func (h *Hot[T]) close(site callers) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed.Load() != nil {
		return
	}
	d := h.draft(site)
	d.reload(nil, site)
	d.widen()
	if err := h.index(&d.next, d.base, nil); err != nil {
		d.next.built = nil // closing goes on, with an index that finds nothing
	}
	h.commit(d, d.diff())
	d.end()
	h.closed.Store(&site)
}
