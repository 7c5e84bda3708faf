// Package dep opens a named pipe that has no writer.
package dep

import (
	"os"
	"path/filepath"
	"syscall"
)

var input = open() // init: open

func open() *os.File {
	dir, err := os.MkdirTemp("", "hang")
	if err != nil {
		panic(err)
	}
	path := filepath.Join(dir, "events.fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		panic(err)
	}
	f, err := os.Open(path) // waits
	if err != nil {
		panic(err)
	}
	return f
}
