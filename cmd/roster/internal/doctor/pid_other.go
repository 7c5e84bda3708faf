//go:build !linux

package doctor

import (
	"context"
	"errors"
	"os"
)

// alive says that this needs Linux.
func alive(*os.Process) error {
	return errors.New("a process that runs can be looked at on Linux only: have it write a dump (kill -QUIT PID) and give that to --dump")
}

func takeDump(context.Context, *os.Process) (string, error) { return "", nil }
