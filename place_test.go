package roster_test

import (
	"path/filepath"
	"runtime"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

// A place is a line of a test file, to compare sites with.
type place struct {
	file string
	line int
}

// here is the place of the call.
func here() place {
	_, file, line, _ := runtime.Caller(1)
	return place{filepath.Base(file), line}
}

// next is the line below, where a test does what is to be found again.
func (p place) next() place { return place{p.file, p.line + 1} }

// isAt fails the test unless site is the place wanted.
func isAt(t *testing.T, site roster.Site, want place) {
	t.Helper()
	assert.Equal(t, place{filepath.Base(site.File), site.Line}, want)
}

// panicOf is the error that f panics with. Unlike assert.Panics it calls f from
// this package, so that sites in f are found as in a user's own code.
func panicOf(t *testing.T, f func()) (err error) {
	t.Helper()
	defer func() {
		v := recover()
		var ok bool
		if err, ok = v.(error); !ok {
			t.Fatalf("panicked with %v, want an error", v)
		}
	}()
	f()
	return nil
}
