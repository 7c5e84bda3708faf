package replica

import (
	"crypto/sha256"
	"maps"
	"os"
	"runtime/debug"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
)

// explore visits every state that can be reached within the limits, and returns how many there
// are, or the events that lead to the first violation. Events in prefix happen first, one way only.
func explore(r *rules, limit limits, prefix ...string) (states int, failure string) {
	type origin struct {
		from  int
		event string
	}
	start := newWorld(limit.regions, r)
	for _, want := range prefix {
		var reached *world
		start.events(limit, func(event string, next *world) {
			if event == want {
				reached = next
			}
		})
		if reached == nil {
			return 0, "the prefix cannot happen: " + want
		}
		start = reached
	}
	seen := map[[sha256.Size]byte]struct{}{sha256.Sum256(start.appendState(nil)): {}}
	queue, origins := []*world{start}, []origin{{-1, "start"}}
	rested := map[[sha256.Size]byte]bool{} // regions that came to rest as they have to
	var buffer []byte
	for at := 0; at < len(queue); at++ {
		w := queue[at]
		why := w.stateFault()
		if ended := sha256.Sum256(w.appendRegions(buffer[:0])); why == "" && !rested[ended] {
			rested[ended] = true
			why = w.endFault()
		}
		last := ""
		if why == "" {
			w.events(limit, func(event string, next *world) {
				if fault := w.stepFault(next); fault != "" && why == "" {
					why, last = fault, "\n  "+event
				}
				buffer = next.appendState(buffer[:0])
				hash := sha256.Sum256(buffer)
				if _, old := seen[hash]; old && next.wrong == "" {
					return
				}
				seen[hash] = struct{}{}
				queue = append(queue, next)
				origins = append(origins, origin{at, event})
			})
		}
		if why != "" {
			for n := at; n >= 0; n = origins[n].from {
				last = "\n  " + origins[n].event + last
			}
			return len(seen), why + last
		}
		queue[at] = nil
	}
	return len(seen), ""
}

func TestEveryReachableState(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	spaces := map[string]limits{
		"writes":   {regions: 2, keys: 1, puts: 2, deletes: 1, messages: 1, collects: 1},
		"crashes":  {regions: 2, keys: 1, puts: 1, deletes: 1, messages: 1, collects: 1, crashes: 2},
		"repair":   {regions: 2, keys: 1, puts: 1, deletes: 1, messages: 1, snapshots: 1, compactions: 1, collects: 1},
		"two keys": {regions: 2, keys: 2, puts: 2, messages: 1},
		"kills":    {regions: 2, keys: 1, puts: 2, kills: 1, messages: 1, crashes: 1},
		"restores": {regions: 2, keys: 1, puts: 1, deletes: 1, restores: 1, admits: 1, collects: 1},
		"fences":   {regions: 2, keys: 1, puts: 1, deletes: 1, fences: 1, admits: 1, collects: 1},
		"three":    {regions: 3, keys: 1, puts: 1, deletes: 1, collects: 1},
	}
	if testing.Short() {
		maps.DeleteFunc(spaces, func(_ string, l limits) bool { return l.regions > 2 || l.keys > 1 })
	}
	if os.Getenv("ROSTER_SOAK") != "" {
		maps.Copy(spaces, map[string]limits{
			"more repair":   {regions: 2, keys: 1, puts: 2, deletes: 1, messages: 1, snapshots: 1, compactions: 1, collects: 1},
			"more restores": {regions: 2, keys: 1, puts: 2, deletes: 1, restores: 2, admits: 2, collects: 1},
			"more fences":   {regions: 2, keys: 1, puts: 2, deletes: 1, fences: 1, admits: 1, collects: 1},
			"more of three": {regions: 3, keys: 1, puts: 2, deletes: 1, collects: 1},
		})
	}
	for name, limit := range spaces {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			states, failure := explore(&standard, limit)
			assert.True(t, failure == "", "no violation, not: "+failure)
			t.Logf("%d states in %v: %+v", states, time.Since(began).Round(time.Millisecond), limit)
		})
	}
}
