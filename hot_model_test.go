package roster_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

var (
	modelSeed = flag.Uint64("modelseed", 0, "repeat the sequence of the model-based test that has this seed")
	modelWide = flag.Bool("modelwide", false, "repeat it with many names")
)

// TestHotAgainstAModel performs random operations on a registry and on a model
// of it, a plain map with its history, and compares the two after every step.
func TestHotAgainstAModel(t *testing.T) {
	t.Parallel()
	sequences, steps := 200, 300
	if testing.Short() {
		sequences = 40
	}
	for i := range sequences {
		if *modelSeed != 0 {
			playModel(t, *modelSeed, *modelWide, steps)
			return
		}
		playModel(t, rand.Uint64(), i%2 == 1, steps)
		if t.Failed() {
			return
		}
	}
}

func playModel(t *testing.T, seed uint64, wide bool, steps int) {
	t.Helper()
	m := newHotModel(t, seed, wide)
	finished := false
	defer func() {
		if !finished || t.Failed() {
			t.Logf("repeat with -modelseed=%d -modelwide=%t, step %d was %s", seed, wide, m.steps, m.did)
		}
	}()
	for range steps {
		m.step()
	}
	m.end()
	finished = true
}

// An oldEntry is a value under a name, and when it was there.
type oldEntry struct {
	name       string
	value      *device
	born, died uint64 // died is 0 while it is there
}

type heldPin struct {
	roster.Pin[*device]
	version uint64
	sees    map[string]*oldEntry
}

type heldLease struct {
	roster.Lease[*device]
	entry *oldEntry
}

// hotModel says what a registry must answer, who can see which value, and what
// must have been counted.
type hotModel struct {
	t      *testing.T
	in     *roster.Directory
	h      *roster.Hot[*device]
	random *rand.Rand
	wide   bool // uses many names, so that the registry renumbers
	steps  int
	did    string // in the last step

	version uint64
	live    map[string]*oldEntry
	hidden  map[string]bool // names that are suspended
	dead    []*oldEntry     // that somebody can see
	pins    []heldPin
	leases  []heldLease
	handed  []*device // over to the registry and not retired
	spare   []*device // refused, and the caller's
	changes []roster.Change
	seen    uint64 // version up to which the changes were compared
	devices int

	counts hotCounts
}

func newHotModel(t *testing.T, seed uint64, wide bool) *hotModel {
	t.Helper()
	d := roster.NewDirectory()
	return &hotModel{
		t: t, random: rand.New(rand.NewPCG(seed, 1)), wide: wide, live: make(map[string]*oldEntry),
		hidden: make(map[string]bool), in: d,
		h:      roster.NewHot[*device](roster.In(d), retireDevices(t), refusing()),
		counts: newHotCounts(),
	}
}

const refusedName = "refused"

var errRefusedName = errors.New("this name is refused")

// refusing makes a registry refuse every version that has refusedName.
func refusing() roster.HotOption {
	return roster.Validate(func(next roster.View[*device]) error {
		if _, ok := next.Get(refusedName); ok {
			return errRefusedName
		}
		return nil
	})
}

func (m *hotModel) step() {
	m.steps++
	switch n := m.random.IntN(100); {
	case n < 12:
		m.write("register", func(w writer, d *modelDraft) { m.register(w, d, m.name(), m.device()) })
	case n < 24:
		m.write("replace", func(w writer, d *modelDraft) { m.replace(w, d, m.name(), m.device()) })
	case n < 34:
		m.write("unregister", func(w writer, d *modelDraft) { m.unregister(w, d, m.name()) })
	case n < 44:
		m.reload()
	case n < 56:
		m.update()
	case n < 64:
		m.pin()
	case n < 72:
		m.lease()
	case n < 80:
		m.releasePin()
	case n < 88:
		m.releaseLease()
	case n < 96:
		m.look()
	case n < 99:
		m.suspend()
	default:
		m.did = "collect"
		runtime.GC() // lets counts of earlier ordinals settle
	}
	m.settle()
	m.compare()
	if m.t.Failed() {
		m.t.FailNow()
	}
}

// end releases everything, after which nothing may be left.
func (m *hotModel) end() {
	for len(m.pins) > 0 {
		m.releasePin()
	}
	for len(m.leases) > 0 {
		m.releaseLease()
	}
	m.settle()
	m.compare()
	if m.t.Failed() {
		m.t.FailNow()
	}
	m.compareCounts()
	m.follow()
	assert.NoError(m.t, m.h.Close(m.t.Context()))
	for _, e := range m.live {
		assert.True(m.t, !e.value.inUse(), "closing retires what is left")
	}
	assert.Equal(m.t, m.h.Len(), 0)
	assert.Equal(m.t, len(m.h.Holders()), 0)
}

// name is one to write or to look up: taken, free, or malformed.
func (m *hotModel) name() string {
	n := m.random.IntN(100)
	switch {
	case n == 0:
		return ""
	case n == 1:
		return refusedName
	case n < 50 && len(m.live) > 0:
		names := slices.Sorted(maps.Keys(m.live))
		return names[m.random.IntN(len(names))]
	case m.wide:
		return fmt.Sprint("wide", m.random.IntN(2000))
	default:
		return fmt.Sprint("n", m.random.IntN(12))
	}
}

// device is a value to write: mostly a new one, otherwise one that the registry
// still has, for example under another name, or one that it refused.
func (m *hotModel) device() *device {
	switch n := m.random.IntN(20); {
	case n == 0:
		return nil
	case n < 4 && len(m.handed) > 0:
		return m.handed[m.random.IntN(len(m.handed))]
	case n == 4 && len(m.spare) > 0:
		p := m.spare[len(m.spare)-1]
		m.spare = m.spare[:len(m.spare)-1]
		return p
	default:
		m.devices++
		return newDevice(m.devices)
	}
}

func (m *hotModel) pin() {
	m.did = "pin"
	m.pins = append(m.pins, heldPin{Pin: m.h.Pin(), version: m.version, sees: maps.Clone(m.live)})
}

func (m *hotModel) lease() {
	m.did = "lease"
	name := m.name()
	l, err := m.h.Lease(name)
	e := m.live[name]
	if m.hidden[name] {
		m.counts.bounded(m.counts.refused, name)
		assert.True(m.t, errors.Is(err, roster.ErrSuspended), "a name that is suspended cannot be leased")
		return
	}
	m.counts.look(name, e != nil)
	if e == nil {
		assert.True(m.t, errors.Is(err, roster.ErrUnknown), "a name nobody has cannot be leased")
		return
	}
	assert.NoError(m.t, err)
	assert.Equal(m.t, l.Name(), name)
	assert.True(m.t, l.Value() == e.value, "a lease has the current value")
	m.leases = append(m.leases, heldLease{l, e})
}

func (m *hotModel) releasePin() {
	m.did = "release a pin"
	if len(m.pins) == 0 {
		return
	}
	i := m.random.IntN(len(m.pins))
	p := m.pins[i]
	m.pins = slices.Delete(m.pins, i, i+1)
	aCopy := p.Pin
	for range 1 + m.random.IntN(2) {
		p.Release()
		aCopy.Release()
	}
	_, err := aCopy.Lookup("any")
	assert.True(m.t, errors.Is(err, roster.ErrReleased), "a released pin says so")
	assert.Equal(m.t, p.Names(), nil)
	for name := range p.sees {
		_, ok := p.Get(name)
		assert.True(m.t, !ok, "a released pin finds nothing")
		break
	}
}

func (m *hotModel) releaseLease() {
	m.did = "release a lease"
	if len(m.leases) == 0 {
		return
	}
	i := m.random.IntN(len(m.leases))
	l := m.leases[i]
	m.leases = slices.Delete(m.leases, i, i+1)
	aCopy := l.Lease
	for range 1 + m.random.IntN(2) {
		aCopy.Release()
		l.Release()
	}
}

// suspend suspends a name, there or not, or resumes one.
func (m *hotModel) suspend() {
	name := m.name()
	if hidden := slices.Sorted(maps.Keys(m.hidden)); len(hidden) > 0 && m.random.IntN(5) < 3 {
		m.did = "resume"
		name = hidden[m.random.IntN(len(hidden))]
		assert.True(m.t, m.in.Resume(m.h.Name(), name), "a suspended name is resumed")
		delete(m.hidden, name)
	} else {
		m.did = "suspend"
		m.in.Suspend(m.h.Name(), name, errGivenUp)
		m.hidden[name] = true
	}
	assert.Equal(m.t, len(m.in.Suspensions()), len(m.hidden))
}

// look looks a name up, in the registry and in a pin.
func (m *hotModel) look() {
	m.did = "look"
	name := m.name()
	m.found(m.live, name, m.h)
	if len(m.pins) > 0 {
		p := m.pins[m.random.IntN(len(m.pins))]
		m.found(p.sees, name, p)
	}
}

func (m *hotModel) found(want map[string]*oldEntry, name string, view roster.View[*device]) {
	e := want[name]
	v, ok := view.Get(name)
	found, err := view.Lookup(name)
	if m.hidden[name] {
		for range 2 {
			m.counts.bounded(m.counts.refused, name)
		}
		assert.True(m.t, !ok && v == nil && errors.Is(err, roster.ErrSuspended), "a name that is suspended is not found")
		return
	}
	for range 2 {
		m.counts.look(name, e != nil)
	}
	if e == nil {
		assert.True(m.t, !ok && errors.Is(err, roster.ErrUnknown), "a name nobody has is not found")
		return
	}
	assert.NoError(m.t, err)
	assert.True(m.t, ok && v == e.value && found == e.value, "a lookup finds the value of its version")
}
