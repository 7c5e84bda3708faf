//go:build !linux

package main

import (
	"os"
	"os/exec"
	"syscall"
)

// bind does nothing: here a command outlives this program if that is killed.
func bind(*exec.Cmd) {}

func keepThread() (release func()) { return func() {} }

// signalGroup reaches the command alone, not what it started.
func signalGroup(command *exec.Cmd, signal syscall.Signal) {
	if signal == syscall.SIGKILL {
		_ = command.Process.Kill() // it may have ended
		return
	}
	_ = command.Process.Signal(os.Signal(signal)) // likewise
}
