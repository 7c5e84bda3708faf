package roster_test

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

// sum adds the counts of one outcome up.
func sum(counts []roster.Count, outcome roster.Outcome) (n uint64) {
	for _, c := range counts {
		if c.Outcome == outcome {
			n += c.N
		}
	}
	return n
}

func TestHotCounts(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](quiet())
	h.Register("a", 1)
	h.TryRegister("a", 2)
	h.TryRegister("", 2)
	h.Register("b", 1)
	p := h.Pin()
	assert.NoError(t, h.Unregister("b"))
	h.Get("a")
	h.Lookup("a")
	p.Get("b") // a pin counts like its registry
	p.Lookup("b")
	h.Get("b")
	l, err := h.Lease("a")
	assert.NoError(t, err)
	l.Value() // not counted again
	l.Release()
	p.Release()
	p.Get("b") // nothing is looked up any more
	h.Register("b", 2)
	h.Get("b")
	h.Update(func(d *roster.Draft[int]) error {
		d.Get("a") // a draft counts no lookups
		d.Register("c", 1)
		d.Register("c", 2)
		return errGivenUp
	})
	stats := h.Stats()
	assert.Equal(t, stats.Lookups, []roster.Count{
		{Name: "a", Outcome: roster.Hit, N: 3}, {Name: "b", Outcome: roster.Hit, N: 3}, {Name: "b", Outcome: roster.Miss, N: 1},
	})
	assert.Equal(t, stats.Registrations, []roster.Count{
		{Name: "", Outcome: roster.Invalid, N: 1},
		{Name: "a", Outcome: roster.Duplicate, N: 1}, {Name: "a", Outcome: roster.Success, N: 1},
		{Name: "b", Outcome: roster.Success, N: 2},
		{Name: "c", Outcome: roster.Duplicate, N: 1},
	})
	assert.Equal(t, stats.Reloads, []roster.Count{{Outcome: roster.Invalid, N: 1}})
}

// Names that are added and removed within one update make the counters wider
// without a registration; lookups are counted on the wider ones from then on.
func TestHotCountsAfterNamesThatWereNeverSeen(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](quiet())
	h.Register("a", 1)
	h.Get("a")
	assert.NoError(t, h.Update(func(d *roster.Draft[int]) error {
		for i := range 50 {
			assert.NoError(t, d.Register(fmt.Sprint("brief", i), 1))
			assert.NoError(t, d.Unregister(fmt.Sprint("brief", i)))
		}
		return d.Replace("a", 2)
	}))
	for range 5 {
		h.Get("a")
	}
	assert.Equal(t, h.Stats().Lookups, []roster.Count{{Name: "a", Outcome: roster.Hit, N: 6}})
	assert.Equal(t, h.Stats().Registrations, []roster.Count{{Name: "a", Outcome: roster.Success, N: 1}})
}

func TestUncounted(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](quiet(), roster.Uncounted())
	for i := range 500 {
		h.Register(strconv.Itoa(i), i)
		h.Get(strconv.Itoa(i))
		h.Get("missing")
		assert.NoError(t, h.Unregister(strconv.Itoa(i)))
	}
	assert.Equal(t, len(h.Stats().Lookups), 0)
	assert.Equal(t, sum(h.Stats().Registrations, roster.Success), uint64(500))
}

// Names come and go by the thousand, so that the registry renumbers them again
// and again, while lookups go on, also in pins of long ago. Every count must be
// there in the end, and none may ever seem to go down.
func TestHotCountsConcurrentSafe(t *testing.T) {
	t.Parallel()
	const names, target = 2000, 30_000
	d := roster.NewDirectory()
	h := roster.NewHot[int](roster.Named("counted"), roster.In(d))
	h.Register("fixed", 1)
	var hits, misses atomic.Uint64
	var done atomic.Bool
	var readers, workers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			var found, success uint64
			for !done.Load() {
				stats := h.Stats()
				f, s := sum(stats.Lookups, roster.Hit), sum(stats.Registrations, roster.Success)
				if f < found || s < success {
					t.Errorf("counts went down: hits %d to %d, registrations %d to %d", found, f, success, s)
					return
				}
				found, success = f, s
				runtime.GC() // counts of earlier ordinals settle
			}
		})
	}
	look := func(view roster.View[int], name string) {
		if _, ok := view.Get(name); ok {
			hits.Add(1)
		} else {
			misses.Add(1)
		}
	}
	for range 2 {
		workers.Go(func() {
			p := h.Pin()
			for i := range target {
				if i%1000 == 999 {
					p.Release()
					p = h.Pin()
				}
				look(h, "fixed")
				look(h, fmt.Sprint("passing", i%names))
				look(p, "fixed")
				if i%16 == 0 {
					runtime.Gosched()
				}
			}
			p.Release()
		})
	}
	workers.Go(func() {
		for i := range names {
			h.Register(fmt.Sprint("passing", i), i)
			look(h, fmt.Sprint("passing", i))
			if err := h.Unregister(fmt.Sprint("passing", i)); err != nil {
				t.Error(err)
			}
			h.Update(func(d *roster.Draft[int]) error {
				d.Register(fmt.Sprint("dropped", i), i)
				return errors.Join(d.Unregister("fixed"), errGivenUp)
			})
			runtime.Gosched()
		}
	})
	workers.Wait()
	done.Store(true)
	readers.Wait()
	stats := h.Stats()
	assert.Equal(t, sum(stats.Lookups, roster.Hit), hits.Load())
	assert.Equal(t, sum(stats.Lookups, roster.Miss), misses.Load())
	assert.Equal(t, sum(stats.Registrations, roster.Success), uint64(names+1))
	assert.Equal(t, stats.Reloads, []roster.Count{{Outcome: roster.Invalid, N: names}})
	for e := range h.Entries() {
		assert.True(t, e.Name == "fixed" && e.Hits >= 4*target, "an entry knows its hits, whatever its ordinal")
	}
	totals := d.Totals()
	assert.Equal(t, len(totals), 1)
	assert.Equal(t, sum(totals[0].Lookups, roster.Hit), hits.Load())
	assert.Equal(t, sum(totals[0].Registrations, roster.Success), uint64(names+1))
}
