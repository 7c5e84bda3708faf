package rostertest

import (
	"strings"
	"testing"
)

// guardVariable is an environment variable that nobody reads: setting it is what counts.
const guardVariable = "ROSTERTEST_SHARED_REGISTRY"

// alone fails the test unless it runs without others beside it, and makes a later t.Parallel
// panic. what is what it cannot do, for the text.
//
// Package testing does not tell whether a test is parallel, but T.Setenv refuses to work in
// a parallel test and in one below it, and refuses T.Parallel from then on.
func alone(tb testing.TB, what string) {
	tb.Helper()
	if !canSetenv(tb) {
		tb.Fatalf("rostertest: %s cannot %s: it, or a test above it, called t.Parallel, and the tests that run beside it "+
			"share the registry; give the code under test a registry of its own (roster.NewScope puts one over a "+
			"shared registry), or leave out t.Parallel", tb.Name(), what)
	}
}

// canSetenv turns the panic of T.Setenv in a parallel test into false.
func canSetenv(tb testing.TB) (ok bool) {
	tb.Helper()
	defer func() {
		v := recover()
		if text, is := v.(string); v != nil && (!is || !strings.Contains(text, "Parallel")) {
			panic(v)
		}
	}()
	tb.Setenv(guardVariable, "1")
	return true
}
