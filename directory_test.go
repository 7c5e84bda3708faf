package roster_test

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

func TestCountsAreExact(t *testing.T) {
	t.Parallel()
	r := roster.New[int](roster.Named("numbers"), quiet())
	r.Register("one", 1)
	_ = r.TryRegister("one", 2)
	_ = r.TryRegister("", 3)
	const readers, lookups = 8, 10_000
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() {
			for range lookups {
				r.Get("one")
				r.Get("two")
			}
		})
	}
	wg.Wait()
	_, _ = r.Lookup("one")
	assert.Equal(t, r.Stats(), roster.Stats{
		Lookups: []roster.Count{
			{Name: "one", Outcome: roster.Hit, N: readers*lookups + 1},
			{Name: "two", Outcome: roster.Miss, N: readers * lookups},
		},
		Registrations: []roster.Count{
			{Name: "", Outcome: roster.Invalid, N: 1},
			{Name: "one", Outcome: roster.Duplicate, N: 1},
			{Name: "one", Outcome: roster.Success, N: 1},
		},
	})
}

func TestMissedNamesAreBounded(t *testing.T) {
	t.Parallel()
	r := roster.New[int](quiet())
	const names = 1_000
	for i := range names {
		r.Get(fmt.Sprint("missing", i))
	}
	misses := r.Stats().Lookups
	assert.Equal(t, len(misses), 101)
	other := misses[slices.IndexFunc(misses, func(c roster.Count) bool { return c.Name == roster.OtherName })]
	assert.Equal(t, other.N, uint64(names-100))
}

func TestCountsOutliveTheEntry(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](quiet())
	const names = 250 // more than keep counters of their own after removal
	for i := range names {
		name := fmt.Sprint("n", i)
		h.Register(name, i)
		h.Get(name)
		assert.NoError(t, h.Unregister(name))
	}
	h.Register("n0", 0)
	h.Get("n0")
	total := uint64(0)
	for _, c := range h.Stats().Lookups {
		total += c.N
		if c.Name == "n0" {
			assert.Equal(t, c.N, uint64(2))
		}
	}
	assert.Equal(t, total, uint64(names+1))
}

// A registration is a name that was not there. Giving one a new value is not.
func TestReloadsCountOnlyNewNamesAsRegistrations(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](quiet())
	for i := range 5 {
		assert.NoError(t, h.Reload(map[string]int{"a": i, "b": i}))
		assert.NoError(t, h.Replace("a", i))
		h.Get("a")
	}
	stats := h.Stats()
	assert.Equal(t, stats.ReloadTimes.Count, uint64(5))
	stats.ReloadTimes = roster.Durations{} // which differ
	assert.Equal(t, stats, roster.Stats{
		Lookups:       []roster.Count{{Name: "a", Outcome: roster.Hit, N: 5}},
		Registrations: []roster.Count{{Name: "a", Outcome: roster.Success, N: 1}, {Name: "b", Outcome: roster.Success, N: 1}},
		Reloads:       []roster.Count{{Outcome: roster.Success, N: 5}},
	})
}

func TestDirectoryListsRegistries(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	routes := roster.NewHot[string](roster.Named("routes"), roster.In(d))
	codecs := roster.New[int](roster.Named("codecs"), roster.In(d))
	codecs.Register("json", 1)

	var infos []roster.Info
	for _, r := range d.Registries() {
		infos = append(infos, r.Info())
	}
	assert.Equal(t, len(infos), 2)
	assert.Equal(t, infos[0], roster.Info{
		Name: "codecs", Type: "int", Lifecycle: roster.StartupOnly,
		Version: 1, Size: 1, Created: infos[0].Created,
	})
	assert.Equal(t, infos[1].Lifecycle, roster.HotSwap)
	runtime.KeepAlive(routes)
	runtime.KeepAlive(codecs)
}

func TestProcessWideDirectory(t *testing.T) {
	t.Parallel()
	r := roster.New[int](roster.Named(t.Name()))
	listed := slices.ContainsFunc(roster.DefaultDirectory().Registries(), func(i roster.Inspector) bool {
		return i.Name() == t.Name()
	})
	assert.True(t, listed, "a registry is listed without any option")
	runtime.KeepAlive(r)
}

// Registries per tenant or per test come and go. The directory must not keep
// them, and their counts must not vanish from the totals, which would look
// like a counter running backwards.
func TestCollectedRegistriesLeaveTheirCounts(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	const tenants = 1_000
	for range tenants {
		r := roster.New[*[]string](roster.Named("tenant"), roster.In(d))
		holder := &[]string{"a value"}
		r.Register("one", holder)
		r.Get("one")
		r.Get("none")
	}
	assert.Eventually(t, func() bool {
		runtime.GC()
		return len(d.Registries()) == 0 && d.Totals()[0].Live == 0
	}, "the dropped registries are collected")
	assert.Equal(t, d.Totals(), []roster.Totals{{
		Registry: "tenant", Live: 0, Size: 0,
		Stats: roster.Stats{
			Registrations: []roster.Count{{Name: "one", Outcome: roster.Success, N: tenants}},
			Lookups: []roster.Count{
				{Name: "none", Outcome: roster.Miss, N: tenants},
				{Name: "one", Outcome: roster.Hit, N: tenants},
			},
		},
	}})
}

func TestTotalsAddUpRegistriesOfOneName(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	a := roster.New[int](roster.Named("codecs"), roster.In(d))
	b := roster.NewHot[int](roster.Named("codecs"), roster.In(d))
	a.Register("json", 1)
	b.Register("json", 1)
	b.Register("gob", 1)
	a.Get("json")
	b.Get("json")
	total := d.Totals()[0]
	assert.Equal(t, total.Live, 2)
	assert.Equal(t, total.Size, 3)
	assert.Equal(t, total.Lookups, []roster.Count{{Name: "json", Outcome: roster.Hit, N: 2}})
	runtime.KeepAlive(a)
	runtime.KeepAlive(b)
}

func TestDirectoryConcurrentSafe(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 200 {
				r := roster.NewHot[int](roster.Named(fmt.Sprint("r", w)), roster.In(d))
				r.Register("a", i)
				r.Get("a")
				_ = d.Totals()
				for _, listed := range d.Registries() {
					_ = listed.Info()
				}
			}
		})
	}
	wg.Wait()
	hits := uint64(0)
	for _, total := range d.Totals() {
		hits += total.Lookups[0].N
	}
	assert.Equal(t, hits, uint64(800))
}
