package rostertest_test

import (
	"fmt"
	"slices"
	"testing"
)

// A fakeT is what an example has in the place of a test.
type fakeT struct {
	testing.TB

	name     string
	failed   bool
	cleanups []func()
}

func (t *fakeT) Helper()               {}
func (t *fakeT) Name() string          { return t.name }
func (t *fakeT) Setenv(string, string) {}
func (t *fakeT) Cleanup(f func())      { t.cleanups = append(t.cleanups, f) }
func (t *fakeT) Errorf(string, ...any) { t.failed = true }

// runTest runs a test inside of an example, as the go command does, and prints the verdict.
func runTest(name string, test func(t *fakeT)) {
	t := &fakeT{name: name}
	test(t)
	for _, f := range slices.Backward(t.cleanups) {
		f()
	}
	fmt.Println(map[bool]string{false: "PASS:", true: "FAIL:"}[t.failed], name)
}
