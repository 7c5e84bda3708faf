package replication_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/roster-go/roster/replica"
)

// Conflicts between values as large as they may be, on many records and over and over, fit into
// transactions that etcd takes.
func TestLargeConflicts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "eu", "us")
	w.meet("eu", "us")
	eu, us := w.regions["eu"], w.regions["us"]
	for round := range 2 {
		w.partition("eu", "us", true)
		eventually(t, "both notice", func() bool { return !eu.peer("us").Connected && !us.peer("eu").Connected })
		for i := range 12 {
			key := fmt.Sprintf("app/k%d", i)
			eu.put(key, strings.Repeat("e", replica.MaxValueLen-round))
			us.put(key, strings.Repeat("u", replica.MaxValueLen-round))
		}
		w.partition("eu", "us", false)
		w.convergeWithin(patience/4, "eu", "us")
		eventually(t, "all have met", func() bool { return eu.peer("us").Pending == 0 && us.peer("eu").Pending == 0 })
	}
	for _, r := range w.regions {
		kept := 0
		for _, c := range must(r.store.Conflicts(t.Context()))(t) {
			if strings.HasPrefix(c.Key, "app/") {
				kept += len(c.Lost)
			}
		}
		if kept != 2*12 {
			t.Errorf("%s has kept %d writes that lost", r.name, kept)
		}
	}
}
