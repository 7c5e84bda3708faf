//go:build unix && !linux

package plugin

import (
	"os"
	"os/exec"
	"syscall"
)

// execPath is the path: this system cannot run an open file, so the file could
// be swapped between the check and the start.
func (e *executable) execPath() string { return e.path }

// isolate gives the process a group of its own. There is no parent-death signal
// here: the SDK ends a plugin when its standard input ends.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// waitAndSweep waits for the process and ends the rest of its group.
func (r *processRunner) waitAndSweep() {
	_ = r.cmd.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reaped = true
	signalGroup(r.cmd.Process, killSignal)
}

type groupSignal = syscall.Signal

const (
	terminateSignal = syscall.SIGTERM
	killSignal      = syscall.SIGKILL
)

func signalGroup(leader *os.Process, s groupSignal) {
	_ = syscall.Kill(-leader.Pid, s)
}
