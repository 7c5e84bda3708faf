package main

import (
	"os/exec"
	"runtime"
	"syscall"
)

// bind puts the command into a group of its own, which is signalled as a whole, and lets
// the kernel end it if this program is killed.
func bind(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// keepThread stays on one thread of the system: the kernel ends the command when the thread
// ends that started it.
func keepThread() (release func()) {
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}

func signalGroup(command *exec.Cmd, signal syscall.Signal) {
	_ = syscall.Kill(-command.Process.Pid, signal) // it may have ended
}
