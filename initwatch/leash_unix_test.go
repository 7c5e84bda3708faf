//go:build unix

package initwatch

import (
	"os/exec"
	"syscall"
)

// leash has what a program started end with it.
func leash(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
