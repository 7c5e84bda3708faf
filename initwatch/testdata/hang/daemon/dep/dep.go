// Package dep starts what goes into a session of its own, then waits.
package dep

import (
	"os/exec"
	"syscall"
	"time"
)

func init() {
	cmd := exec.Command("sh", "-c", "sleep 3601 & exit 0") // its child loses its parent
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Run(); err != nil {
		panic(err)
	}
	for !ready() {
		time.Sleep(20 * time.Millisecond) // init.0: sleep, waits
	}
}

func ready() bool { return false }
