// Package dep reads a pipe that nobody writes.
package dep

import (
	"io"
	"os"
)

func init() {
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	slurp(r) // init.0: read
	_ = w.Close()
}

func slurp(r *os.File) {
	_, err := io.ReadAll(r) // waits
	if err != nil {
		panic(err)
	}
}
