package rostertest_test

import (
	"fmt"
	"strings"
	"testing"
)

// A recorder is a test that may fail. It has the cleanups and the environment of a real one.
type recorder struct {
	testing.TB

	text []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.text = append(r.text, fmt.Sprintf(format, args...))
}

// A fatality ends a recorded test.
type fatality struct{}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(fatality{})
}

// run runs f as a test of its own, with its cleanups, and returns what it failed with.
func run(t *testing.T, f func(*recorder)) string {
	t.Helper()
	var rec *recorder
	t.Run("recorded", func(t *testing.T) {
		rec = &recorder{TB: t}
		defer func() {
			if v := recover(); v != nil && v != (fatality{}) {
				panic(v)
			}
		}()
		f(rec)
	})
	return strings.Join(rec.text, "\n")
}
