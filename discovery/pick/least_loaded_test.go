package pick

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roster-go/roster/internal/assert"
)

// call makes a call that takes the instance's latency.
func call(t *testing.T, p *Pool, latency func(id string) time.Duration, err error) string {
	t.Helper()
	c, none := p.Pick("")
	assert.NoError(t, none)
	time.Sleep(latency(c.Instance().ID))
	c.Done(err)
	return c.Instance().ID
}

func TestLeastLoadedPrefersTheFast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, Options{Policy: LeastLoaded}, instances("a", 4))
		slow := func(id string) time.Duration {
			if id == "a-2" {
				return 50 * time.Millisecond
			}
			return time.Millisecond
		}
		got := make(map[string]int)
		for range 1000 {
			got[call(t, p, slow, nil)]++
		}
		assert.True(t, got["a-2"] < 10, fmt.Sprintf("the slow instance is avoided, got %v", got))
		for _, id := range []string{"a-0", "a-1", "a-3"} {
			assert.True(t, got[id] > 200, fmt.Sprintf("the fast ones share the calls, got %v", got))
		}

		time.Sleep(10 * DefaultDecay) // the average of the slow one has decayed
		fast := func(string) time.Duration { return time.Millisecond }
		clear(got)
		for range 1000 {
			got[call(t, p, fast, nil)]++
		}
		assert.True(t, got["a-2"] > 20, fmt.Sprintf("an instance that has recovered is used again, got %v", got))
	})
}

func TestLeastLoadedPrefersTheIdle(t *testing.T) {
	t.Parallel()
	p := newPool(t, Options{Policy: LeastLoaded}, instances("a", 10))
	for range 1000 {
		_, err := p.Pick("")
		assert.NoError(t, err)
	}
	for _, n := range inFlight(p) {
		// Two random choices keep the maximum within a few of the mean; one choice has a
		// standard deviation of 9.5.
		assert.True(t, n >= 90 && n <= 110, fmt.Sprintf("about 100 calls in flight, got %v", inFlight(p)))
	}
}

func TestLeastLoadedIsNotDrawnByFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, Options{Policy: LeastLoaded, Outliers: Outliers{Disabled: true}}, instances("a", 4))
		got := make(map[string]int)
		for range 1000 {
			c, err := p.Pick("")
			assert.NoError(t, err)
			got[c.Instance().ID]++
			if c.Instance().ID == "a-1" {
				c.Done(errDown) // at once
				continue
			}
			time.Sleep(10 * time.Millisecond)
			c.Done(nil)
		}
		assert.True(t, got["a-1"] < 20, fmt.Sprintf("an instance that fails fast is avoided, got %v", got))
	})
}

func TestAverage(t *testing.T) {
	t.Parallel()
	const decay, rate = int64(10 * time.Second), 1 / float64(10*time.Second)
	var a average
	assert.Equal(t, a.at(0, rate), 0)
	a.observe(100, 0, rate)
	assert.Equal(t, a.at(0, rate), 100)
	a.observe(300, decay, rate)
	assert.Equal(t, a.at(decay, rate), 300) // a peak counts at once
	within(t, a.at(2*decay, rate), 300/math.E)
	a.observe(100, 2*decay, rate)
	within(t, a.at(2*decay, rate), 300/math.E+100*(1-1/math.E))
	a.observe(0, 0, rate) // an older time
	within(t, a.at(2*decay, rate), 300/math.E+100*(1-1/math.E))
}

func TestWeightIsTheExponential(t *testing.T) {
	t.Parallel()
	const decay = 1e9
	last := 1.0
	for x := 0.0; x < 20; x += 0.001 {
		got, want := weight(int64(x*decay), 1/decay), math.Exp(-x)
		if math.Abs(got-want) > 1e-4*want || got > last {
			t.Fatalf("weight of %v: got %v, want %v, and at most %v", x, got, want, last)
		}
		last = got
	}
	assert.Equal(t, weight(-1, 1/decay), 1)
	assert.Equal(t, weight(math.MaxInt64, 1), 0)
}

func within(t *testing.T, got, want float64) {
	t.Helper()
	assert.True(t, math.Abs(got-want) < 1e-4*want, fmt.Sprintf("%v, got %v", want, got))
}

func TestStatusHasLatency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, Options{Policy: LeastLoaded}, instances("a", 1))
		call(t, p, func(string) time.Duration { return 20 * time.Millisecond }, nil)
		assert.Equal(t, p.Status()[0].Latency, 20*time.Millisecond)
		call(t, p, func(string) time.Duration { return 0 }, context.Canceled)
		assert.Equal(t, p.Status()[0].Latency, 20*time.Millisecond) // it says nothing
		time.Sleep(DefaultDecay)
		within(t, float64(p.Status()[0].Latency), 20e6/math.E)
	})
}

// cheaper compares what a model with the exponential function and the time compares.
func TestCheaperAgainstOracle(t *testing.T) {
	t.Parallel()
	const rate = 1e-9
	random := rand.New(rand.NewPCG(5, 6))
	model := func(e *endpoint, now int64) float64 {
		latency, waiting := e.average.last(), float64(e.inFlight.Load())
		if latency == 0 {
			return waiting * 1e30
		}
		return latency * (waiting + 1) * math.Exp(-float64(now-e.average.stamp.Load())*rate)
	}
	for range 10_000 {
		var ends [2]endpoint
		for i := range ends {
			ends[i].inFlight.Store(random.Int64N(4))
			if random.IntN(4) > 0 {
				ends[i].average.observe(1+100*random.Float64(), random.Int64N(3e9), rate)
			}
		}
		a, b := model(&ends[0], 3e9), model(&ends[1], 3e9)
		if math.Abs(a-b) < 2e-3*a {
			continue // nearer than the weights are exact
		}
		assert.Equal(t, ends[0].cheaper(&ends[1], rate), a < b)
	}
}
