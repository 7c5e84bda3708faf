package roster_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

// next returns the first change after version.
func next[T any](t *testing.T, h *roster.Hot[T], after uint64) roster.Change {
	t.Helper()
	for c := range h.Changes(t.Context(), after) {
		return c
	}
	t.Fatalf("no change after version %d", after)
	return roster.Change{}
}

func TestChangesTellWhatAndWho(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](quiet())
	assert.NoError(t, h.Reload(map[string]int{"c": 1, "b": 1, "a": 1, "same": 1}))
	assert.NoError(t, h.Reload(map[string]int{"e": 1, "d": 1, "b": 2, "a": 2, "same": 1}))
	written := line(t, 1)
	c := next(t, h, 1)
	assert.Equal(t, c.Version, uint64(2))
	assert.Equal(t, c.Missed, uint64(0))
	assert.Equal(t, [][]string{c.Added, c.Replaced, c.Removed}, [][]string{{"d", "e"}, {"a", "b"}, {"c"}})
	assert.True(t, !c.At.IsZero(), "a change knows when it happened")
	assert.Contains(t, c.By().String(), written)
}

func TestWritesWithoutEffectAreNoChange(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](quiet())
	assert.NoError(t, h.Reload(map[string]int{"a": 1}))
	assert.NoError(t, h.Reload(map[string]int{"a": 1}))
	assert.NoError(t, h.Update(func(d *roster.Draft[int]) error {
		assert.NoError(t, d.Register("b", 1))
		return d.Unregister("b")
	}))
	assert.Equal(t, h.Version(), uint64(1))
	h.Register("c", 1)
	assert.Equal(t, next(t, h, 1).Added, []string{"c"})
}

func TestChangesWaitForMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := roster.NewHot[int](roster.Unlisted())
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var versions [3][]uint64
		var followers sync.WaitGroup
		for i := range versions {
			followers.Go(func() {
				for c := range h.Changes(ctx, uint64(i)) { // the last one waits for what is far ahead
					versions[i] = append(versions[i], c.Version)
				}
			})
		}
		for n := range 4 {
			synctest.Wait()
			for i := range versions {
				assert.Equal(t, len(versions[i]), max(n-i, 0))
			}
			h.Register(strconv.Itoa(n), n)
		}
		synctest.Wait()
		cancel()
		followers.Wait()
		assert.Equal(t, versions, [3][]uint64{{1, 2, 3, 4}, {2, 3, 4}, {3, 4}})
	})
}

func TestChangesOfACancelledContext(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](quiet())
	h.Register("a", 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for c := range h.Changes(ctx, 0) {
		t.Fatalf("got %v of a context that is done", c)
	}
}

func TestChangesMissed(t *testing.T) {
	t.Parallel()
	const remembered, versions = 1024, 1500
	h := roster.NewHot[int](quiet())
	h.Register("a", 0)
	for i := 1; i < versions; i++ {
		assert.NoError(t, h.Replace("a", i))
	}
	version := uint64(10)
	for c := range h.Changes(t.Context(), version) {
		if version == 10 {
			assert.Equal(t, c.Missed, uint64(versions-remembered-10))
		} else {
			assert.Equal(t, c.Missed, uint64(0))
		}
		assert.Equal(t, c.Version, version+c.Missed+1)
		version = c.Version
		if version == versions {
			break
		}
	}
	assert.Equal(t, next(t, h, versions-remembered).Missed, uint64(0))
	assert.Equal(t, next(t, h, versions-remembered-1).Missed, uint64(1))
}

// A change that names more than the registry remembers is missed, and whoever
// follows learns that at once.
func TestChangesTooLargeToRemember(t *testing.T) {
	t.Parallel()
	const tooMany = 1<<16 + 1
	h := roster.NewHot[int](quiet())
	h.Register("a", 1)
	h.Register("b", 1)
	entries := make(map[string]int, tooMany)
	for i := range tooMany {
		entries[strconv.Itoa(i)] = i
	}
	assert.NoError(t, h.Reload(entries))
	c := next(t, h, 1)
	assert.True(t, c.Missed > 0, "the follower is told")
	assert.Equal(t, c.Version, uint64(3))
	assert.Equal(t, len(c.Added)+len(c.Replaced)+len(c.Removed), 0)
	h.Register("c", 1)
	c = next(t, h, c.Version)
	assert.Equal(t, c.Added, []string{"c"})
	assert.Equal(t, c.Missed, uint64(0))
	c = next(t, h, 1)
	assert.Equal(t, c.Missed, uint64(2))
	assert.Equal(t, c.Version, uint64(4))
}

// What a follower does with the lists is his own affair.
func TestChangesAreTheFollowersOwn(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](quiet())
	assert.NoError(t, h.Reload(map[string]int{"a": 1, "b": 1}))
	slices.Reverse(next(t, h, 0).Added)
	assert.Equal(t, next(t, h, 0).Added, []string{"a", "b"})
}

// Followers of any pace lose nothing: each either gets every version or is told
// how many it missed.
func TestChangesConcurrentSafe(t *testing.T) {
	t.Parallel()
	const writers, writes = 2, 3000
	h := roster.NewHot[int](quiet())
	var all sync.WaitGroup
	for f := range 3 {
		all.Go(func() {
			var version, missed, got uint64
			for c := range h.Changes(t.Context(), 0) {
				if c.Version != version+c.Missed+1 {
					t.Errorf("the change after version %d is %d, and misses %d", version, c.Version, c.Missed)
					return
				}
				version = c.Version
				missed += c.Missed
				got++
				if f == 0 && got == 1 {
					awaitVersion(t.Context(), h, 2200) // falls behind
				}
				if version == writers*writes {
					break
				}
			}
			if got+missed != writers*writes {
				t.Errorf("got %d changes and missed %d", got, missed)
			}
			if f == 0 && missed == 0 {
				t.Error("the slow follower missed nothing")
			}
		})
	}
	for w := range writers {
		all.Go(func() {
			for i := range writes {
				if err := h.TryRegister(fmt.Sprint(w, "/", i), i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// awaitVersion returns when the registry has reached a version.
func awaitVersion[T any](ctx context.Context, h *roster.Hot[T], version uint64) {
	for h.Version() < version && ctx.Err() == nil {
		for range h.Changes(ctx, h.Version()) {
			break
		}
	}
}
