package move_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/replica/move"
)

var numbers = move.Numbers{"us": 1, "eu": 2, "ap": 3}

// run does every step of r, and returns the steps in words and the record.
func run(t *testing.T, r move.Record) ([]string, move.Record) {
	t.Helper()
	var steps []string
	for step, ok := r.Step(); ok; step, ok = r.Step() {
		steps = append(steps, step.String())
		var err error
		r, err = r.Done(step)
		assert.NoError(t, err)
	}
	return steps, r
}

func created(t *testing.T) move.Record {
	t.Helper()
	r, err := move.Create("orders", "us", numbers)
	assert.NoError(t, err)
	_, r = run(t, r)
	return r
}

func TestPlannedMove(t *testing.T) {
	r := created(t)
	assert.True(t, r.Serves("us", 1) && !r.Serves("eu", 2), "us is the home")
	r, err := r.Begin("eu", numbers)
	assert.NoError(t, err)
	assert.True(t, !r.Serves("us", 1), "the lease is not renewed while the home is fenced")
	steps, r := run(t, r)
	assert.Equal(t, steps, []string{
		"fence in us, closed at epoch 1",
		"copy from us to eu, import at epoch 2",
		"verify from us to eu, sealed at epoch 2",
		"open in eu, open at epoch 2",
	})
	assert.True(t, r.Serves("eu", 2) && !r.Serves("us", 1), "eu is the home")
	clean, ok := r.Leftover("us")
	assert.True(t, ok, "us has a leftover")
	assert.Equal(t, clean.String(), "clean in us, closed at epoch 2")
	r, err = r.Done(clean)
	assert.NoError(t, err)
	assert.Equal(t, len(r.Leftovers), 0)
}

func TestFailoverAndReturn(t *testing.T) {
	r, err := created(t).Force("eu", numbers)
	assert.NoError(t, err)
	steps, r := run(t, r)
	assert.Equal(t, steps, []string{"wait until the lease of us has run out", "open in eu, open at epoch 2"})
	assert.True(t, !r.Serves("us", 1), "the old home gets no lease when it returns")
	_, err = r.Begin("us", numbers)
	assert.Contains(t, assert.ErrorAs[*move.StateError](t, err).Error(), "orders", "set them aside")
	aside, _ := r.Leftover("us")
	assert.Equal(t, aside.String(), "set aside in us, closed at epoch 2")
	r, err = r.Done(aside)
	assert.NoError(t, err)
	r, err = r.Begin("us", numbers)
	assert.NoError(t, err)
	assert.Equal(t, r.Next, uint64(101))
}

func TestAbort(t *testing.T) {
	r, err := created(t).Begin("eu", numbers)
	assert.NoError(t, err)
	fence, _ := r.Step()
	r, err = r.Done(fence)
	assert.NoError(t, err)
	r, err = r.Abort(numbers)
	assert.NoError(t, err)
	_, err = r.Done(fence)
	assert.ErrorAs[*move.StateError](t, err)
	steps, r := run(t, r)
	assert.Equal(t, steps, []string{"open in us, open at epoch 101"})
	assert.True(t, r.Serves("us", 101), "the home accepts writes again")
	_, err = r.Abort(numbers)
	assert.ErrorAs[*move.StateError](t, err)
	clean, ok := r.Leftover("eu")
	assert.True(t, ok, "what was copied is cleaned")
	assert.Equal(t, clean.String(), "clean in eu, closed at epoch 101")
}

func TestVerifyThatFailsCopiesAgain(t *testing.T) {
	r, err := created(t).Begin("eu", numbers)
	assert.NoError(t, err)
	for r.State != move.Verifying {
		step, _ := r.Step()
		r, err = r.Done(step)
		assert.NoError(t, err)
	}
	step, _ := r.Step()
	r, err = r.Differ(step)
	assert.NoError(t, err)
	assert.Equal(t, r.State, move.Copying)
	assert.Equal(t, r.Next, uint64(102)) // the copy at epoch 2 is sealed
	_, err = r.Differ(step)
	assert.ErrorAs[*move.StateError](t, err)
}

func TestEpochTellsItsHome(t *testing.T) {
	for _, c := range []struct {
		region      string
		after, want uint64
	}{{"us", 0, 1}, {"us", 1, 101}, {"eu", 1, 2}, {"us", 2, 101}, {"ap", 199, 203}} {
		epoch, err := numbers.Epoch(c.region, c.after)
		assert.NoError(t, err)
		assert.Equal(t, epoch, c.want)
		home, ok := numbers.Home(epoch)
		assert.True(t, ok && home == c.region, "the epoch is of its region")
	}
	_, err := numbers.Epoch("mars", 0)
	assert.Contains(t, assert.ErrorAs[*move.RegionError](t, err).Error(), "mars", "ap", "eu", "us")
}

func TestGuardOnlyGrows(t *testing.T) {
	var g move.Guard
	for _, to := range []move.Guard{{1, move.Import}, {1, move.Sealed}, {1, move.Open}, {1, move.Open}, {1, move.Closed}, {2, move.Import}} {
		var err error
		g, err = g.Raise(to)
		assert.NoError(t, err)
	}
	for _, to := range []move.Guard{{1, move.Closed}, {0, move.Open}, {3, "ajar"}, {}} {
		stands, err := g.Raise(to)
		assert.ErrorAs[*move.GuardError](t, err)
		assert.Equal(t, stands, g)
	}
}

func TestLeaseIsWaitedOut(t *testing.T) {
	terms := move.Terms{TTL: 10 * time.Second, Grace: 2 * time.Second}
	assert.True(t, terms.Holds(5*time.Second, 14*time.Second), "held before it ends")
	assert.True(t, !terms.Holds(5*time.Second, 15*time.Second), "not held at its end")
	assert.True(t, !terms.Holds(5*time.Second, 4*time.Second), "not held when the clock went back")
	assert.True(t, terms.Wait() > 12*time.Second && terms.Wait() < 13*time.Second, "the lease, a write under way, and drift")
}

func TestDecode(t *testing.T) {
	moving, err := created(t).Begin("eu", numbers)
	assert.NoError(t, err)
	for _, r := range []move.Record{created(t), moving} {
		text, err := json.Marshal(r)
		assert.NoError(t, err)
		decoded, err := move.Decode(text)
		assert.NoError(t, err)
		assert.Equal(t, decoded, r)
	}
	for text, says := range map[string]string{
		`{`:                  "JSON",
		`{"state":"asleep"}`: `"asleep"`,
		`{"state":"active","home":"us","epoch":1,"highest":1}`:                                                          "no namespace",
		`{"state":"active","namespace":"a","highest":1}`:                                                                "no home",
		`{"state":"fencing","namespace":"a","home":"us","epoch":1,"highest":1}`:                                         "next home",
		`{"state":"active","namespace":"a","home":"us","epoch":1,"highest":2,"to":"eu","next":2}`:                       "next home",
		`{"state":"copying","namespace":"a","home":"us","epoch":1,"highest":101,"to":"us","next":101}`:                  "is the home",
		`{"state":"copying","namespace":"a","home":"us","epoch":101,"highest":101,"to":"eu","next":2}`:                  "not above",
		`{"state":"copying","namespace":"a","home":"us","epoch":1,"highest":1,"to":"eu","next":2,"from a later one":1}`: "higher ones",
	} {
		_, err := move.Decode([]byte(text))
		assert.Contains(t, assert.ErrorAs[*move.RecordError](t, err).Error(), says)
	}
}
