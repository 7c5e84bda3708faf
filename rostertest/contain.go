package rostertest

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
)

// A broken is what probe.failf panics with, to leave the test of a rule.
type broken struct{ err error }

var errGoexit = errors.New("it ends its goroutine with runtime.Goexit, as t.FailNow does; return an error instead")

// contain runs f in a goroutine and returns what went wrong: what probe.failf said, a panic,
// the end of the goroutine by runtime.Goexit, or that f has not returned by the deadline. In
// the last case, f is left running, since nothing can end it.
func contain(deadline time.Duration, f func()) error {
	started := make(chan string, 1)
	ended := make(chan error, 1)
	go func() {
		started <- currentGoroutine()
		err := errGoexit
		defer func() { ended <- err }() // runs after a Goexit, too
		err = caught(f)
	}()
	id := <-started
	expired := time.NewTimer(deadline)
	defer expired.Stop()
	select {
	case err := <-ended:
		return err
	case <-expired.C:
		return fmt.Errorf("it hangs: after %v it is still in %s", deadline, strings.Join(stuckIn(id), " and in "))
	}
}

// caught turns a panic of f into an error.
func caught(f func()) (err error) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case broken:
			err = v.err
		default:
			err = fmt.Errorf("it panics: %v\n%s", v, debug.Stack())
		}
	}()
	f()
	return nil
}
