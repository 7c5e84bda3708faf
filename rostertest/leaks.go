package rostertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster"
)

// patience is how long a leak check waits for a difference to go away, because what a test
// started may release its last lease a moment after the test.
const patience = time.Second

// NoLeaks fails the test, when it ends, for each of regs that it leaves other than it found
// it: by a name added, removed or replaced, or, in a hot registry, by a lease or a pin that
// nobody released. The report says where the value was registered or the lease acquired. Without
// regs, all registries of the process's directory are watched that exist at the call.
//
// Call it first: cleanups run in reverse, so everything that the test registers with
// t.Cleanup after it, and every [Override], has been undone when NoLeaks looks. What is
// still being undone by a goroutine has another second.
//
// What a lazy registry loads is no leak: looking up is not registering.
//
// A name that was replaced and put back by hand counts as replaced: the entry's provenance
// is now the test. Override puts back the entry itself.
//
// NoLeaks fails the test at once if the test, or one above it, is parallel, because what the
// tests beside it do would be held against it. A registry of the test's own needs no such
// check; Close of a hot one reports the leases that are left.
func NoLeaks(tb testing.TB, regs ...roster.Inspector) {
	tb.Helper()
	alone(tb, "tell what it leaves in a registry from what others leave")
	found := look(regs)
	tb.Cleanup(func() {
		tb.Helper()
		for _, leak := range leaks(found) {
			tb.Errorf("rostertest: %s left %s\n\t%s", tb.Name(), leak,
				"undo it with t.Cleanup, use rostertest.Override, or give the test a registry of its own (roster.NewScope)")
		}
	})
}

// A sight is a registry as it was at one time.
type sight struct {
	of      roster.Inspector
	entries map[string]roster.EntryInfo
	holders map[string]int // how often each is held
}

func look(regs []roster.Inspector) []sight {
	if len(regs) == 0 {
		regs = roster.DefaultDirectory().Registries()
	}
	sights := make([]sight, len(regs))
	for i, reg := range regs {
		sights[i] = sightOf(reg)
	}
	return sights
}

func sightOf(reg roster.Inspector) sight {
	s := sight{of: reg, entries: make(map[string]roster.EntryInfo), holders: make(map[string]int)}
	if reg.Info().Lifecycle != roster.LoadOnUse { // whose entries are what was asked for, as in a cache
		for e := range reg.Entries() {
			s.entries[e.Name] = e
		}
	}
	for _, h := range holders(reg) {
		s.holders[h]++
	}
	return s
}

// leaks compares the registries with how they were found, for as long as patience allows,
// and describes each that differs.
func leaks(found []sight) []string {
	const pause = 5 * time.Millisecond
	deadline := time.Now().Add(patience)
	for {
		var all []string
		for _, before := range found {
			if differences := before.differences(sightOf(before.of)); differences != nil {
				all = append(all, fmt.Sprintf("registry %q (created at %s) other than it found it:\n\t%s",
					before.of.Name(), before.of.Info().Created, strings.Join(differences, "\n\t")))
			}
		}
		if all == nil || time.Now().After(deadline) {
			return all
		}
		time.Sleep(pause)
	}
}

// differences has a line for each name and each holder, names first, each sorted.
func (s sight) differences(now sight) []string {
	var names, held []string
	for name, is := range now.entries {
		was, existed := s.entries[name]
		switch {
		case !existed:
			names = append(names, fmt.Sprintf("%q added: %s", name, registered(is)))
		case was.Version != is.Version || !was.At.Equal(is.At) || was.Registered != is.Registered:
			names = append(names, fmt.Sprintf("%q replaced: %s; before, %s", name, registered(is), registered(was)))
		}
	}
	for name, was := range s.entries {
		if _, exists := now.entries[name]; !exists {
			names = append(names, fmt.Sprintf("%q removed: before, %s", name, registered(was)))
		}
	}
	for holder, n := range now.holders {
		for range n - s.holders[holder] {
			held = append(held, "still held: "+holder)
		}
	}
	slices.Sort(names)
	slices.Sort(held)
	return append(names, held...)
}

func registered(e roster.EntryInfo) string {
	text := fmt.Sprintf("%s, registered at %s", e.Type, e.Registered)
	if test := testIn(e.Registered); test != "" {
		text += ", in " + test
	}
	return text
}

// testIn is the test function, or the function literal in one, that s is a place in.
func testIn(s roster.Site) string {
	if !strings.HasSuffix(s.File, "_test.go") {
		return ""
	}
	function := strings.TrimPrefix(s.Function, s.Package+".")
	test, _, _ := strings.Cut(function, ".")
	for _, kind := range []string{"Test", "Benchmark", "Fuzz", "Example"} {
		if strings.HasPrefix(test, kind) {
			return test
		}
	}
	return ""
}
