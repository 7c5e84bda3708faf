package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/roster-go/roster/kill"
)

// TestInterruptedOrderNamesWhoIsMissing: what the help promises.
func TestInterruptedOrderNamesWhoIsMissing(t *testing.T) {
	t.Parallel()
	seen := missing{hubs: make(map[string]kill.State), runtimes: make(map[string]kill.State)}
	seen.note(&kill.Progress{Region: "us", State: kill.Unreachable, Waiting: 4})
	seen.note(&kill.Progress{Region: "eu", State: kill.Acked, Waiting: 3, Runtimes: []kill.RuntimeReport{
		{ID: "one", State: kill.Acked}, {ID: "two", State: kill.Pending}, {ID: "three", State: kill.Left},
	}})
	err := &interruptedOrderError{kill.Request{Target: kill.Plugin("bad", "")}, seen, errors.New("interrupted")}
	if want := "(missing: the hub of region us, two (pending), 1 more)"; !strings.Contains(err.Error(), want) {
		t.Errorf("%q does not say %s", err, want)
	}
}
