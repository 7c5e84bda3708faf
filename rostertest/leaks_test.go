package rostertest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/rostertest"
)

func TestNoLeaksFindsWhatIsHeld(t *testing.T) {
	h := roster.NewHot[string](roster.Named("hot"), quiet())
	h.Register("json", "JSON")
	before := h.Pin() // held by somebody else, from before the test
	defer before.Release()
	var pin roster.Pin[string]
	var lease roster.Lease[string]
	out := run(t, func(rec *recorder) {
		rostertest.NoLeaks(rec, h)
		pin = h.Pin()
		l, err := h.Lease("json")
		assert.NoError(t, err)
		lease = l
	})
	pin.Release()
	lease.Release()
	assert.Contains(t, out, `left registry "hot" (created at `, "other than it found it:\n\t",
		`still held: lease of "json" acquired at `, "\n\tstill held: pin of version 1 acquired at ", "leaks_test.go:")

	assert.Equal(t, run(t, func(rec *recorder) {
		rostertest.NoLeaks(rec, h)
		h.Pin().Release()
	}), "")
}

// What a goroutine gives back a moment after the test is no leak.
func TestNoLeaksWaits(t *testing.T) {
	h := roster.NewHot[string](quiet())
	assert.Equal(t, run(t, func(rec *recorder) {
		ended := make(chan struct{})
		rec.Cleanup(func() { <-ended })
		rostertest.NoLeaks(rec, h)
		pin := h.Pin()
		checking := make(chan struct{})
		rec.Cleanup(func() { close(checking) }) // runs before the check
		go func() {
			defer close(ended)
			<-checking
			pin.Release()
		}()
	}), "")
}

func TestNoLeaksSeesWhatOverrideUndid(t *testing.T) {
	for lifecycle, r := range shared(t) {
		t.Run(lifecycle, func(t *testing.T) {
			assert.Equal(t, run(t, func(rec *recorder) {
				rostertest.NoLeaks(rec, r)
				rostertest.Override(rec, r, "json", "fake")
				rostertest.Override(rec, r, "yaml", "fake")
			}), "")
			assert.Equal(t, run(t, func(rec *recorder) {
				rostertest.Override(rec, r, "json", "fake")
				rostertest.NoLeaks(rec, r)
			}), "")
		})
	}
}

func TestLoadingIsNoLeak(t *testing.T) {
	l := roster.NewLazy(func(context.Context, string) (string, error) { return "loaded", nil }, quiet())
	assert.Equal(t, run(t, func(rec *recorder) {
		rostertest.NoLeaks(rec, l)
		assert.Equal(t, get(t, l, "json"), "loaded")
	}), "")
}

// An entry that was put back by hand has another provenance, and that is a difference.
func TestPuttingBackByHandIsALeak(t *testing.T) {
	h := roster.NewHot[string](quiet())
	h.Register("json", "JSON")
	out := run(t, func(rec *recorder) {
		rostertest.NoLeaks(rec, h)
		assert.NoError(t, h.Replace("json", "fake"))
		assert.NoError(t, h.Replace("json", "JSON"))
	})
	assert.Contains(t, out, `"json" replaced: string, registered at `, "in TestPuttingBackByHandIsALeak; before, string, registered at ")
}

func TestNoLeaksWithoutRegistriesWatchesTheDirectory(t *testing.T) {
	listed := roster.NewHot[string](roster.Named("rostertest.listed"))
	other := roster.NewHot[string](quiet())
	out := run(t, func(rec *recorder) {
		rostertest.NoLeaks(rec)
		listed.Register("json", "JSON")
		other.Register("json", "JSON")
		roster.NewHot[string](roster.Named("rostertest.later")).Register("json", "JSON")
	})
	assert.Contains(t, out, `left registry "rostertest.listed"`)
	assert.Equal(t, strings.Count(out, "left registry"), 1)
}
