//go:build !unix

package plugin

import (
	"os"
	"os/exec"
)

// execPath is the path: this system cannot run an open file, so the file could
// be swapped between the check and the start.
func (e *executable) execPath() string { return e.path }

// isolate does nothing: this system has no process groups to signal. The SDK
// ends a plugin when its standard input ends.
func isolate(*exec.Cmd) {}

// waitAndSweep waits for the process.
func (r *processRunner) waitAndSweep() {
	_ = r.cmd.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reaped = true
}

type groupSignal int

const (
	terminateSignal groupSignal = iota
	killSignal
)

// signalGroup ends the process alone; there is no request to end here, closing
// its standard input is one.
func signalGroup(leader *os.Process, s groupSignal) {
	if s == killSignal {
		_ = leader.Kill()
	}
}
