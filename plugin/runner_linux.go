package plugin

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// execPath makes the process from the open file. The child resolves the path
// before its descriptors are closed, so the file need not be inherited. A
// script is run by path: its interpreter opens the file anew.
func (e *executable) execPath() string {
	if e.script {
		return e.path
	}
	return fmt.Sprintf("/proc/self/fd/%d", e.file.Fd())
}

// isolate gives the process a group of its own and ties its life to the host's.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// waitAndSweep waits for the process and ends the rest of its group. The group
// is signalled before its leader is reaped: until then nobody else can have its
// number.
func (r *processRunner) waitAndSweep() {
	for {
		err := unix.Waitid(unix.P_PID, r.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	signalGroup(r.cmd.Process, killSignal)
	_ = r.cmd.Wait()
	r.reaped = true
}

type groupSignal = syscall.Signal

const (
	terminateSignal = syscall.SIGTERM
	killSignal      = syscall.SIGKILL
)

func signalGroup(leader *os.Process, s groupSignal) {
	_ = syscall.Kill(-leader.Pid, s)
}
