package roster_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

// timed reloads h once, which takes d, and fails the reload if asked to.
func timed(h *roster.Hot[int], d time.Duration, fails bool) {
	_ = h.Update(func(*roster.Draft[int]) error { // the error is the caller's own
		time.Sleep(d)
		if fails {
			return errGivenUp
		}
		return nil
	})
}

func TestReloadsAreTimedWhateverTheirOutcome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := roster.NewHot[int](roster.Unlisted())
		timed(h, time.Second, false)
		timed(h, time.Second, true)
		timed(h, 3*time.Second, false)
		timed(h, 0, false)
		assert.Equal(t, h.Stats().ReloadTimes, roster.Durations{
			Count: 4, Sum: 5 * time.Second, Zero: 1,
			Buckets: []roster.DurationBucket{{Index: 0, N: 2}, {Index: 7, N: 1}}, // up to 2⁰ s, and 2^(7/4) = 3.36 s
		})
	})
}

// Every bucket holds what it says: checked by its definition.
func TestDurationBuckets(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	durations := []time.Duration{
		roster.DurationsZero + 1, time.Microsecond, time.Millisecond, time.Second / 2, time.Second, time.Second + 1,
		2 * time.Second, 24 * time.Hour,
	}
	for range 30 {
		durations = append(durations, time.Duration(math.Exp(7+random.Float64()*25))) // 1.1 µs to 22 h
	}
	for _, d := range durations {
		synctest.Test(t, func(t *testing.T) {
			h := roster.NewHot[int](roster.Unlisted())
			timed(h, d, false)
			times := h.Stats().ReloadTimes
			if d <= roster.DurationsZero {
				assert.Equal(t, times.Zero, uint64(1))
				return
			}
			assert.Equal(t, len(times.Buckets), 1)
			b := times.Buckets[0]
			below := roster.DurationBucket{Index: b.Index - 1}
			if s := d.Seconds(); s <= below.Seconds() || s > b.Seconds() {
				t.Errorf("%v is in the bucket of %v s to %v s", d, below.Seconds(), b.Seconds())
			}
		})
	}
}

func TestReloadTimesOutliveTheirRegistry(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	for range 2 {
		h := roster.NewHot[int](roster.Named("routes"), roster.In(d))
		assert.NoError(t, h.Reload(map[string]int{"a": 1}))
		runtime.KeepAlive(h)
	}
	settled := func() bool {
		runtime.GC()
		return len(d.Registries()) == 0
	}
	for deadline := time.Now().Add(time.Minute); !settled(); {
		if time.Now().After(deadline) {
			t.Fatal("the registries are not collected")
		}
		runtime.Gosched()
	}
	totals := d.Totals()
	assert.Equal(t, len(totals), 1)
	assert.Equal(t, totals[0].ReloadTimes.Count, uint64(2))
}
