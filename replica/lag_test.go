package replica_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/replica"
)

func TestLagGrowsWhileNothingIsAcknowledged(t *testing.T) {
	var lag replica.Lag
	assert.Equal(t, lag.Lag(time.Hour), time.Duration(0))
	lag.Wrote(5, time.Second)
	lag.Wrote(6, 3*time.Second)
	assert.Equal(t, lag.Lag(4*time.Second), 3*time.Second)
	lag.Acked(5)
	assert.Equal(t, lag.Lag(4*time.Second), time.Second)
	assert.Equal(t, lag.Lag(40*time.Second), 37*time.Second) // the link is dead
	lag.Acked(6)
	lag.Acked(5) // late
	lag.Wrote(6, 41*time.Second)
	assert.Equal(t, lag.Lag(60*time.Second), time.Duration(0))
	acked, wrote := lag.Behind()
	assert.True(t, acked == 6 && wrote == 6, "all acknowledged")
}

// TestLagIsNeverTooSmall compares with a list of everything, which a Lag does not keep.
func TestLagIsNeverTooSmall(t *testing.T) {
	random := seeded(t)
	var lag replica.Lag
	var times []time.Duration // by revision - 1
	acked, now := 0, time.Duration(0)
	for range 20_000 {
		now += time.Duration(random.IntN(100)) * time.Millisecond
		if random.IntN(10) > 0 {
			times = append(times, now)
			lag.Wrote(uint64(len(times)), now)
		} else if acked < len(times) {
			acked += random.IntN(min(9, len(times)-acked) + 1)
			lag.Acked(uint64(acked))
		}
		want := time.Duration(0)
		if acked < len(times) {
			want = now - times[acked]
		}
		got := lag.Lag(now)
		assert.True(t, got >= want, "a lag that is not too small")
		assert.True(t, len(times)-acked > 1000 || got == want, "an exact one while little waits")
	}
}

func TestFreshnessRefusesWhatIsOlderThanTheBound(t *testing.T) {
	var fresh replica.Freshness
	assert.NoError(t, fresh.Check(time.Second, time.Hour)) // nobody is expected
	fresh.Expect("eu")
	stale := assert.ErrorAs[*replica.StaleError](t, fresh.Check(time.Second, time.Hour))
	assert.True(t, stale.Never && stale.Origin == "eu", "eu was never heard of")
	fresh.Head("eu", 7, 10*time.Second)
	assert.True(t, assert.ErrorAs[*replica.StaleError](t, fresh.Check(time.Hour, 10*time.Second)).Never, "heard, not caught up")
	fresh.Head("eu", 9, 11*time.Second)
	fresh.Applied("eu", 8)
	assert.NoError(t, fresh.Check(time.Second, 11*time.Second))
	stale = assert.ErrorAs[*replica.StaleError](t, fresh.Check(time.Second, 12*time.Second))
	assert.Equal(t, *stale, replica.StaleError{Origin: "eu", Age: 2 * time.Second, Bound: time.Second})
	fresh.Applied("eu", 9)
	assert.NoError(t, fresh.Check(time.Second, 12*time.Second))
	fresh.Head("eu", 9, 15*time.Second) // a heartbeat of an idle origin
	assert.NoError(t, fresh.Check(time.Second, 16*time.Second))
	fresh.Head("eu", 9, 13*time.Second) // late
	assert.NoError(t, fresh.Check(time.Second, 16*time.Second))
	fresh.Head("us", 0, 2*time.Second)
	assert.Contains(t, fresh.Check(time.Second, 16*time.Second).Error(), `"us"`, "14s", "1s")
	fresh.Forget("us")
	assert.NoError(t, fresh.Check(time.Second, 16*time.Second))
}

func TestFreshnessIsNeverTooYoung(t *testing.T) {
	random := seeded(t)
	var fresh replica.Freshness
	var heads []struct {
		revision uint64
		at       time.Duration
	}
	revision, applied, now := uint64(0), uint64(0), time.Duration(0)
	for range 20_000 {
		now += time.Duration(1+random.IntN(100)) * time.Millisecond
		switch random.IntN(8) {
		case 0:
			applied = min(revision, applied+uint64(random.IntN(12)))
			fresh.Applied("eu", applied)
		default:
			revision += uint64(random.IntN(2))
			fresh.Head("eu", revision, now)
			heads = append(heads, struct {
				revision uint64
				at       time.Duration
			}{revision, now})
		}
		newest := time.Duration(-1)
		for n := len(heads) - 1; n >= 0 && newest < 0; n-- {
			if heads[n].revision <= applied {
				newest = heads[n].at
			}
		}
		age, ok := fresh.Age("eu", now)
		assert.True(t, !ok || newest >= 0 && age >= now-newest, "an age that is not too young")
	}
}

func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := replica.SeedOf(t)
	return rand.New(rand.NewPCG(seed, 0))
}
