package roster_test

import (
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

func TestLeaseKeepsItsValue(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[*device](quiet(), retireDevices(t))
	first, second, third := newDevice(1), newDevice(2), newDevice(3)
	h.Register("a", first)
	l, err := h.Lease("a")
	assert.NoError(t, err)
	assert.NoError(t, h.Replace("a", second))
	assert.NoError(t, h.Replace("a", third))
	second.isRetired(t) // a lease keeps one value and no version
	assert.True(t, l.Value() == first && first.inUse(), "the lease keeps the value it found")
	assert.Equal(t, l.Name(), "a")
	assert.NoError(t, h.Unregister("a"))
	third.isRetired(t)
	assert.Equal(t, stuck(t, h).Values, 1)
	l.Release()
	first.isRetired(t)
	drained(t, h)
}

func TestLeaseReleasedTwice(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[*device](quiet(), retireDevices(t))
	p := newDevice(1)
	h.Register("a", p)
	first, err := h.Lease("a")
	assert.NoError(t, err)
	aCopy := first
	first.Release()
	second, err := h.Lease("a") // in the slot that the first one left
	assert.NoError(t, err)
	assert.NoError(t, h.Unregister("a"))
	first.Release()
	aCopy.Release()
	assert.Equal(t, stuck(t, h).Values, 1)
	assert.True(t, p.inUse(), "another lease is not released")
	second.Release()
	p.isRetired(t)
	roster.Lease[*device]{}.Release()
}

func TestLeaseOfAnUnknownName(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[*device](quiet(), retireDevices(t))
	h.Register("postgres", newDevice(1))
	_, err := h.Lease("posgres")
	assert.True(t, errors.Is(err, roster.ErrUnknown), "the name is not registered")
	assert.Equal(t, assert.ErrorAs[*roster.UnknownError](t, err).Nearest, []string{"postgres"})
	assert.Equal(t, len(h.Holders()), 0)
	assert.Equal(t, h.Stats().Lookups, []roster.Count{{Name: "posgres", Outcome: roster.Miss, N: 1}})
}

// A value with two names is one value: whoever leases it under one of them keeps
// it when both are gone, and it is retired once.
func TestLeaseOfASharedValue(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[*device](quiet(), retireDevices(t))
	p := newDevice(1)
	assert.NoError(t, h.Reload(map[string]*device{"a": p, "b": p}))
	l, err := h.Lease("a")
	assert.NoError(t, err)
	assert.NoError(t, h.Unregister("a"))
	l.Release()
	drained(t, h)
	assert.True(t, p.inUse(), "it is still there under another name")
	l, err = h.Lease("b")
	assert.NoError(t, err)
	assert.NoError(t, h.Reload(nil))
	assert.NoError(t, h.Reload(map[string]*device{"c": p})) // again, while it is leased
	l.Release()
	drained(t, h)
	assert.True(t, p.inUse(), "it is there again")
	assert.NoError(t, h.Unregister("c"))
	p.isRetired(t)
}

// Whoever gets the last word, the holder that releases or the writer that
// removes, the value is retired, and at once: each round waits for it.
func TestLastReleaseConcurrentSafe(t *testing.T) {
	t.Parallel()
	rounds := 2000
	if testing.Short() {
		rounds = 500
	}
	h := roster.NewHot[*device](quiet(), retireDevices(t))
	old := newDevice(0)
	h.Register("a", old)
	h.Register("b", newDevice(0))
	for round := 1; round <= rounds; round++ {
		var holders sync.WaitGroup
		for i := range 4 {
			holders.Go(func() {
				for range 3 {
					if i%2 == 0 {
						p := h.Pin()
						runtime.Gosched()
						p.Release()
						continue
					}
					l, err := h.Lease("a")
					if err != nil {
						t.Error(err)
						return
					}
					runtime.Gosched()
					if !l.Value().inUse() {
						t.Error("a leased value is retired")
					}
					l.Release()
				}
			})
		}
		next := newDevice(round)
		assert.NoError(t, h.Replace("a", next))
		assert.NoError(t, h.Replace("b", newDevice(round)))
		holders.Wait()
		old.isRetired(t)
		drained(t, h)
		old = next
	}
}
