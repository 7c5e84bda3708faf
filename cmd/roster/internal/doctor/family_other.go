//go:build !linux

package doctor

import (
	"os"
	"os/exec"
	"syscall"
)

// adopt does nothing: only Linux has reapers. What leaves the program's group outlives it here.
func adopt() (release func(), err error) { return func() {}, nil }

func sendToMain(cmd *exec.Cmd, signal syscall.Signal) {
	_ = cmd.Process.Signal(os.Signal(signal)) // it may have ended
}

func endRest() {}
