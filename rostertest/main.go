package rostertest

import (
	"fmt"
	"os"

	"github.com/roster-go/roster"
)

// Main runs the tests of a package and then reports, on standard error, which of regs they
// left other than they found it, as [NoLeaks] does for one test. Without regs, all
// registries of the process's directory are watched that exist at the call. Main returns the
// status to exit with, which is not 0 if a test failed or there is a leak:
//
//	func TestMain(m *testing.M) { os.Exit(rostertest.Main(m)) }
//
// Parallel tests are covered, too. What Main cannot do is to tell under which test something
// happened, since package testing does not tell it when a test begins and ends. A value that
// a test left carries its provenance, so the report names the test that registered it, or the
// line of the helper it used; a name that is gone carries nothing. NoLeaks in each suspect
// names the test in every case.
func Main(m interface{ Run() int }, regs ...roster.Inspector) int {
	found := look(regs)
	status := m.Run()
	left := leaks(found)
	for _, leak := range left {
		fmt.Fprintf(os.Stderr, "rostertest: the tests left %s\n\t%s\n", leak,
			"call rostertest.NoLeaks(t) first in the tests that may have done it: it names the one that did")
	}
	if status == 0 && left != nil {
		return 1
	}
	return status
}
