// Package leaky has tests that do what package rostertest reports. They are run by its tests,
// which read their output.
package leaky

import (
	"os"
	"testing"

	"github.com/roster-go/roster/rostertest"
	"github.com/roster-go/roster/rostertest/testdata/shared"
)

func TestMain(m *testing.M) { os.Exit(rostertest.Main(m)) }

func TestParallelOverride(t *testing.T) {
	t.Parallel()
	rostertest.Override(t, shared.Codecs, "json", "fake")
}

func TestBelowParallelOverride(t *testing.T) {
	t.Parallel()
	t.Run("below", func(t *testing.T) {
		rostertest.Override(t, shared.Codecs, "json", "fake")
	})
}

func TestOverrideThenParallel(t *testing.T) {
	rostertest.Override(t, shared.Codecs, "json", "fake")
	t.Parallel()
}

func TestParallelNoLeaks(t *testing.T) {
	t.Parallel()
	rostertest.NoLeaks(t)
}

func TestLeaks(t *testing.T) {
	rostertest.NoLeaks(t)
	shared.Codecs.Register("fake", "left")
	if err := shared.Limits.Replace("free", 0); err != nil {
		t.Fatal(err)
	}
	if err := shared.Limits.Unregister("paid"); err != nil {
		t.Fatal(err)
	}
}

func TestLeaksUnwatched(t *testing.T) {
	shared.Codecs.Register("fake", "left")
}

func TestClean(t *testing.T) {
	rostertest.NoLeaks(t)
	rostertest.Override(t, shared.Codecs, "json", "fake")
	rostertest.Override(t, shared.Limits, "free", 0)
	if got, ok := shared.Codecs.Get("json"); !ok || got != "fake" {
		t.Fatalf("json = %q, %t", got, ok)
	}
}
