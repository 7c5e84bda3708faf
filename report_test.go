package roster_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

func TestTrafficAgreesWithTheCounts(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	h := roster.NewHot[int](roster.In(d), roster.Named("routes"))
	l := roster.NewLazy(loadsNothing, roster.In(d), roster.Named("tenants"))
	r := roster.New[int](roster.In(d), roster.Named("codecs"))
	s := roster.NewScope(r, roster.In(d))
	r.Register("json", 1)
	for round := range 3 { // removed names are counted on
		entries := make(map[string]int)
		for i := range 500 {
			entries[fmt.Sprintf("route-%d-%d", round, i)] = i + 1
		}
		assert.NoError(t, h.Reload(entries))
		for name := range entries {
			h.Get(name)
			h.Get(name + "?")
		}
	}
	d.Suspend("codecs", "json", errors.New("it leaks"))
	for range 5 {
		r.Get("json")
		s.Get("jsonn")
		l.Get("acme")
	}
	for _, registry := range []roster.Reporter{h, l, r, s} {
		var want roster.Traffic
		for _, c := range registry.Stats().Lookups {
			switch c.Outcome {
			case roster.Hit:
				want.Hits += c.N
			case roster.Miss:
				want.Misses += c.N
			default:
				want.Refused += c.N
			}
		}
		assert.Equal(t, registry.Traffic(), want)
	}
	assert.Equal(t, h.Traffic(), roster.Traffic{Hits: 1500, Misses: 1500})
	assert.Equal(t, r.Traffic(), roster.Traffic{Misses: 5, Refused: 5}) // a scope's misses are its parent's
}

func TestMissedComesMostWantedFirst(t *testing.T) {
	t.Parallel()
	r := roster.New[int](quiet())
	for name, n := range map[string]int{"yaml": 1, "toml": 3, "xml": 1} {
		for range n {
			r.Get(name)
		}
	}
	assert.Equal(t, r.Missed(), []roster.Count{
		{Name: "toml", Outcome: roster.Miss, N: 3},
		{Name: "xml", Outcome: roster.Miss, N: 1},
		{Name: "yaml", Outcome: roster.Miss, N: 1},
	})
	for i := range 1000 {
		r.Get(fmt.Sprint("stranger ", i))
	}
	assert.Equal(t, len(r.Missed()), 101) // a hundred, and one line for the rest
	assert.Equal(t, r.Missed()[0], roster.Count{Name: roster.OtherName, Outcome: roster.Miss, N: 1000 - 97})
}

func TestExplainIsALookupThatIsNotCounted(t *testing.T) {
	t.Parallel()
	catalogue := roster.Known(roster.Catalogue{"zstd": {{Import: "example.com/zstd"}}})
	r := roster.New[int](quiet(), catalogue)
	h := roster.NewHot[int](quiet(), catalogue)
	s := roster.NewScope(r, quiet(), catalogue)
	r.Register("gzip", 1)
	h.Register("gzip", 1)
	for _, registry := range []interface {
		roster.Reporter
		roster.View[int]
	}{r, h, s} {
		for _, name := range []string{"gzp", "zstd", "zsdt", "brotli"} {
			before := registry.Traffic()
			explained := registry.Explain(name)
			assert.Equal(t, registry.Traffic(), before)
			_, err := registry.Lookup(name)
			assert.Equal(t, explained.Error(), assert.ErrorAs[*roster.UnknownError](t, err).Error())
		}
	}
	assert.Equal(t, r.Traffic(), roster.Traffic{Misses: 8}) // its own lookups, and the scope's
	assert.Equal(t, r.Explain("zstd").Providers[0].Import, "example.com/zstd")
	assert.Equal(t, r.Explain("gzp").Nearest, []string{"gzip"})
}

func TestHistoryIsBoundedAndNewestFirst(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](quiet())
	assert.Equal(t, len(h.History(10)), 0)
	h.Register("a", 1)
	assert.NoError(t, h.Replace("a", 2))
	assert.NoError(t, h.Unregister("a"))
	history := h.History(2)
	assert.Equal(t, len(history), 2)
	assert.Equal(t, history[0].Version, uint64(3))
	assert.Equal(t, history[0].Removed, []string{"a"})
	assert.Equal(t, history[1].Replaced, []string{"a"})
	assert.Contains(t, history[1].By().File, "report_test.go")
	assert.Equal(t, len(h.History(-1)), 0)
	for range 2000 {
		h.Register("b", 1)
		assert.NoError(t, h.Unregister("b"))
	}
	assert.Equal(t, len(h.History(1<<30)), 1024)
	assert.Equal(t, h.History(1)[0].Version, h.Version())
}

func TestStuckNamesWhoHoldsOn(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](quiet(), roster.OnRetire(func(string, int) error { return nil }))
	h.Register("a", 1)
	assert.True(t, h.Stuck() == nil, "nothing waits")
	lease, err := h.Lease("a")
	assert.NoError(t, err)
	assert.True(t, h.Stuck() == nil, "what is held and current is not stuck")
	assert.NoError(t, h.Replace("a", 2))
	stuck := h.Stuck()
	assert.Equal(t, stuck.Values, 1)
	assert.Equal(t, len(stuck.Holders), 1)
	assert.Equal(t, stuck.Holders[0].Name, "a")
	assert.Contains(t, stuck.Holders[0].Site.File, "report_test.go")
	lease.Release()
	assert.NoError(t, h.Drain(t.Context()))
	assert.True(t, h.Stuck() == nil, "it was released")
}

func loadsNothing(context.Context, string) (int, error) { return 0, roster.ErrUnknown }
