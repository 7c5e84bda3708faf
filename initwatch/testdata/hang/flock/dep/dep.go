// Package dep locks a file twice, through two descriptors.
package dep

import (
	"os"
	"path/filepath"
	"syscall"
)

func init() {
	path := filepath.Join(os.TempDir(), "hang.lock")
	lock(path, syscall.LOCK_SH)
	lock(path, syscall.LOCK_EX) // init.0: file lock
}

var held []*os.File

func lock(path string, how int) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		panic(err)
	}
	held = append(held, f)
	if err := syscall.Flock(int(f.Fd()), how); err != nil { // waits
		panic(err)
	}
}
