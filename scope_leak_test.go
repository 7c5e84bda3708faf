package roster_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

// Scopes are made for tenants, tests and requests. A hundred thousand of them,
// used and dropped, leave the directory and the heap where they were, whether
// they share a name or have one each.
func TestScopesAreCollected(t *testing.T) {
	const batch = 1_000 // as many names as the totals have lines of their own
	for what, tc := range map[string]struct {
		scopes int
		name   func(i int) string
	}{
		"one name":       {100_000, func(int) string { return "tenant" }},
		"distinct names": {10_000, func(i int) string { return fmt.Sprint("tenant ", i) }},
	} {
		t.Run(what, func(t *testing.T) {
			scopes := tc.scopes
			d := roster.NewDirectory()
			parent := roster.NewHot[*[]byte](roster.Named("base"), roster.In(d))
			value := make([]byte, 1)
			parent.Register("theirs", &value)
			make1 := func(i int) {
				s := roster.NewScope(parent, roster.In(d), roster.Named(tc.name(i)))
				own := make([]byte, 1<<10) // large enough to be missed if it stays
				s.Register("ours", &own)
				s.Get("ours")
				s.Get("theirs")
			}
			for i := range batch { // what is kept for good is there from now on
				make1(i)
			}
			gone := func() bool { return len(d.Registries()) == 1 }
			collected(t, gone, "the first scopes leave the directory")
			before := heapInUse()
			for i := range scopes {
				make1(i)
				if i%(scopes/4) == 0 { // they do not wait for each other
					runtime.GC()
				}
			}
			collected(t, gone, "all scopes leave the directory")
			const slack = 2 << 20 // a fraction of what the values of the scopes took
			collected(t, func() bool { return heapInUse() < before+slack }, "the heap is where it was")

			// A scope leaves the list before its counts are settled.
			collected(t, func() bool { return len(d.Totals()) <= 1_002 }, "the names in the totals are bounded")
			totals := d.Totals()
			hits, live := uint64(0), 0
			for _, total := range totals {
				live += total.Live
				for _, c := range total.Lookups {
					if c.Name == "ours" && c.Outcome == roster.Hit {
						hits += c.N
					}
				}
			}
			assert.Equal(t, hits, uint64(scopes+batch)) // no count is lost
			assert.Equal(t, live, 1)
			runtime.KeepAlive(parent)
		})
	}
}

// collected fails the test unless holds becomes true after garbage collections,
// of which a cleanup may need several.
func collected(t *testing.T, holds func() bool, expected string) {
	t.Helper()
	assert.Eventually(t, func() bool {
		runtime.GC()
		return holds()
	}, expected)
}

// An unlisted scope needs no directory to be collected from.
func TestUnlistedScopesAreCollected(t *testing.T) {
	parent := roster.New[*int](quiet())
	const scopes = 1_000
	left := make(chan struct{}, scopes)
	for range scopes {
		s := roster.NewScope(parent, roster.Unlisted())
		s.Register("ours", new(int))
		runtime.AddCleanup(s, func(c chan struct{}) { c <- struct{}{} }, left)
	}
	collected(t, func() bool { return len(left) == scopes }, "all scopes are collected")
}

// Scopes over a pin let go of the version with the pin, not with themselves.
func TestAScopeDoesNotHoldAPin(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](quiet(), roster.OnRetire(func(string, int) error { return nil }))
	h.Register("a", 1)
	pin := h.Pin()
	s := roster.NewScope(pin, quiet())
	assert.NoError(t, h.Unregister("a"))
	v, ok := s.Get("a")
	assert.True(t, ok && v == 1, "the scope sees the pinned version")
	pin.Release()
	assert.NoError(t, h.Drain(t.Context()))
	_, ok = s.Get("a")
	assert.True(t, !ok, "and nothing after the release")
	runtime.KeepAlive(s)
}
