package roster

import (
	"fmt"
	"maps"
	"runtime"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
)

// An index that is built on the one before must not keep the counters of every
// numbering that its oldest entry has seen.
func TestIndexLetsOldErasEnd(t *testing.T) {
	t.Parallel()
	r := NewIndexed(func(last map[string]Tally, next *Edition[int]) (map[string]Tally, error) {
		tallies := map[string]Tally{}
		maps.Copy(tallies, last)
		change := next.Change()
		for _, name := range change.Added {
			tallies[name] = next.Tally(name)
		}
		for _, name := range change.Removed {
			delete(tallies, name)
		}
		return tallies, nil
	}, Unlisted())
	r.Register("long-lived", 0)
	for i := range 1000 {
		name := fmt.Sprint("short-lived-", i)
		r.Register(name, i)
		assert.NoError(t, r.Unregister(name))
	}
	numberings := func() int {
		r.counts.mu.Lock()
		defer r.counts.mu.Unlock()
		return len(r.counts.rolls)
	}
	assert.Equal(t, len(r.Index()), 1)
	deadline := time.Now().Add(10 * time.Second)
	for numberings() > 1 {
		if time.Now().After(deadline) {
			t.Fatalf("the counters of %d numberings are still kept", numberings())
		}
		runtime.GC() // their cleanup runs on a goroutine of its own
		runtime.Gosched()
	}
}
