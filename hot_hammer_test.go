package roster_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

// A hammer has many goroutines use one registry at once. Names of its set are
// only ever written together, all with devices of one generation; its strays come
// and go one by one.
type hammer struct {
	t      *testing.T
	h      *roster.Hot[*device]
	target int64 // operations

	operations, generation atomic.Int64
	missed                 atomic.Int64 // times a follower fell behind

	mu      sync.Mutex // guards devices
	devices []*device  // that the registry took over
}

var hammerSet, hammerStrays = hammerNames("set", 6), hammerNames("stray", 4)

func hammerNames(prefix string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint(prefix, i)
	}
	return names
}

// more counts an operation and reports whether the hammer goes on.
func (m *hammer) more() bool { return m.operations.Add(1) < m.target && !m.t.Failed() }

func (m *hammer) takenOver(devices ...*device) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.devices = append(m.devices, devices...)
}

// nextSet is a new generation of the set.
func (m *hammer) nextSet() map[string]*device {
	generation := int(m.generation.Add(1))
	set := make(map[string]*device, len(hammerSet))
	for _, name := range hammerSet {
		set[name] = newDevice(generation)
		m.takenOver(set[name])
	}
	return set
}

func (m *hammer) reload() {
	set := m.nextSet()
	if generation := set[hammerSet[0]].generation; generation%3 == 0 {
		stray := newDevice(generation)
		m.takenOver(stray)
		set[hammerStrays[0]], set[hammerStrays[1]] = stray, stray // one device with two names
	}
	if err := m.h.Reload(set); err != nil {
		m.t.Errorf("reload: %v", err)
	}
}

var errHammered = errors.New("given up")

// update writes a new generation, and fails or panics now and then.
func (m *hammer) update(ending int) {
	defer func() { _ = recover() }()
	err := m.h.Update(func(d *roster.Draft[*device]) error {
		for name, p := range m.nextSet() {
			if err := d.Replace(name, p); err != nil {
				return fmt.Errorf("replace in an update: %w", err)
			}
			runtime.Gosched()
		}
		switch ending {
		case 0:
			return errHammered
		case 1:
			panic(errHammered)
		default:
			return nil
		}
	})
	if err != nil && !errors.Is(err, errHammered) {
		m.t.Errorf("update: %v", err)
	}
}

func (m *hammer) stray(random *rand.Rand) {
	name, p := hammerStrays[random.IntN(len(hammerStrays))], newDevice(0)
	var err error
	switch random.IntN(3) {
	case 0:
		err = m.h.TryRegister(name, p)
	case 1:
		err = m.h.Replace(name, p)
	default:
		_ = m.h.Unregister(name)
		return
	}
	if err == nil {
		m.takenOver(p)
	} else if !p.inUse() {
		m.t.Errorf("a device that was refused is retired: %v", err)
	}
}

func (m *hammer) write(random *rand.Rand) {
	for m.more() {
		switch random.IntN(8) {
		case 0, 1:
			m.reload()
		case 2, 3:
			m.update(random.IntN(5))
		default:
			m.stray(random)
		}
		runtime.Gosched()
	}
}

// read looks names up without holding them, so that it may not use the values.
func (m *hammer) read(random *rand.Rand) {
	for m.more() {
		if _, ok := m.h.Get(hammerSet[random.IntN(len(hammerSet))]); !ok {
			m.t.Error("a name that is always there was not found")
		}
		yield(random)
	}
}

// pin resolves the whole set from one version and uses all of it.
func (m *hammer) pin(random *rand.Rand) {
	owner := roster.NewOwner(0)
	for m.more() {
		p := m.h.PinFor(owner)
		yield(random)
		var first *device
		for i, name := range hammerSet {
			v, ok := p.Get(name)
			switch {
			case !ok:
				m.t.Errorf("version %d has no %q", p.Version(), name)
				return
			case i == 0:
				first = v
			case v.generation != first.generation:
				m.t.Errorf("torn: version %d has generations %d and %d", p.Version(), first.generation, v.generation)
			}
			m.use(v, "pinned")
			yield(random)
		}
		for name, v := range p.All() {
			m.use(v, "pinned as "+name)
		}
		p.Release()
		p.Release()
	}
}

func (m *hammer) lease(random *rand.Rand) {
	names := slices.Concat(hammerStrays, hammerSet)
	for m.more() {
		l, err := m.h.Lease(names[random.IntN(len(names))])
		if err != nil {
			continue
		}
		m.use(l.Value(), "leased")
		yield(random)
		m.use(l.Value(), "leased")
		aCopy := l
		l.Release()
		aCopy.Release()
	}
}

func (m *hammer) use(p *device, how string) {
	if !p.inUse() {
		m.t.Errorf("a device of generation %d was retired while it was %s", p.generation, how)
	}
}

// yield lets others run, at times for longer.
func yield(random *rand.Rand) {
	switch random.IntN(8) {
	case 0:
		runtime.Gosched()
	case 1:
		for range random.IntN(20) {
			runtime.Gosched()
		}
	default:
	}
}

// lastName is what the last write of all adds.
const lastName = "the end"

// follow replays the changes on a set of names until it has the last one.
func (m *hammer) follow(names chan<- []string) {
	has, version := m.current()
	for !has[lastName] && !m.t.Failed() {
		for c := range m.h.Changes(m.t.Context(), version) {
			if c.Version != version+c.Missed+1 {
				m.t.Errorf("the change after version %d is %d, and misses %d", version, c.Version, c.Missed)
			}
			if c.Missed > 0 {
				m.missed.Add(1)
				has, version = m.current()
				break
			}
			version = c.Version
			m.replay(has, c)
			if has[lastName] || m.t.Failed() {
				break
			}
		}
	}
	names <- slices.Sorted(maps.Keys(has))
}

// current is what a follower starts with.
func (m *hammer) current() (names map[string]bool, version uint64) {
	p := m.h.Pin()
	defer p.Release()
	names = make(map[string]bool)
	for _, name := range p.Names() {
		names[name] = true
	}
	return names, p.Version()
}

func (m *hammer) replay(has map[string]bool, c roster.Change) {
	for _, name := range c.Added {
		if has[name] {
			m.t.Errorf("version %d adds %q, which is there: a change was lost", c.Version, name)
		}
		has[name] = true
	}
	for _, name := range slices.Concat(c.Replaced, c.Removed) {
		if !has[name] {
			m.t.Errorf("version %d replaces or removes %q, which is not there: a change was lost", c.Version, name)
		}
	}
	for _, name := range c.Removed {
		delete(has, name)
	}
}

// TestHotConcurrentSafe has writers, readers, pins, leases and followers work
// on one registry: in a million operations no value may be used after it was
// retired, none be retired twice or never, no reload be torn, and no change be
// lost.
func TestHotConcurrentSafe(t *testing.T) {
	t.Parallel()
	m := &hammer{t: t, target: 1_000_000, h: roster.NewHot[*device](quiet(), retireDevices(t))}
	if testing.Short() {
		m.target = 100_000
	}
	m.reload()

	names := make(chan []string)
	const followers = 2
	for range followers {
		go m.follow(names)
	}
	var workers sync.WaitGroup
	for i, work := range []func(*rand.Rand){m.write, m.write, m.read, m.read, m.pin, m.pin, m.pin, m.lease, m.lease, m.lease} {
		workers.Go(func() { work(rand.New(rand.NewPCG(uint64(i), 3))) })
	}
	workers.Wait()

	last := newDevice(0)
	m.takenOver(last)
	m.h.Register(lastName, last)
	for range followers {
		select {
		case got := <-names:
			assert.Equal(t, got, m.h.Names())
		case <-time.After(patience):
			t.Fatal("a follower did not see the last change")
		}
	}
	drained(t, m.h)
	alive := make(map[*device]bool)
	for _, p := range m.h.All() {
		alive[p] = true
	}
	for _, p := range m.devices {
		if alive[p] == p.closed.Load() {
			t.Fatalf("a device of generation %d is there: %t, is retired: %t", p.generation, alive[p], p.closed.Load())
		}
	}
	drainAndClose(t, m.h)
	for _, p := range m.devices {
		assert.True(t, !p.inUse(), "every device is retired in the end")
	}
	t.Logf("%d operations, %d versions, %d devices retired, %d times a follower fell behind",
		m.operations.Load(), m.h.Version(), len(m.devices), m.missed.Load())
}

func drainAndClose[T any](t *testing.T, h *roster.Hot[T]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	assert.NoError(t, h.Close(ctx))
	assert.Equal(t, len(h.Holders()), 0)
}
