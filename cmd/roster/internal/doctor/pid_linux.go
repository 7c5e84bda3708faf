package doctor

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// alive says why a process cannot be looked at: it is not there, or is not ours.
func alive(process *os.Process) error {
	return process.Signal(syscall.Signal(0)) //nolint:wrapcheck // the caller says which process
}

// takeDump has a process write a dump to a file that it has as standard error, which ends it.
func takeDump(ctx context.Context, process *os.Process) (string, error) {
	folder := "/proc/" + strconv.Itoa(process.Pid)
	name, err := os.Readlink(folder + "/fd/2")
	if err != nil {
		return "", fmt.Errorf("where process %d would write its dump: %w", process.Pid, err)
	}
	if info, err := os.Stat(folder + "/fd/2"); err != nil || !info.Mode().IsRegular() {
		return "", &NoReadError{PID: process.Pid, Stderr: name}
	}
	file, err := os.Open(folder + "/fd/2")
	if err != nil {
		return "", &NoReadError{PID: process.Pid, Stderr: name}
	}
	defer func() { _ = file.Close() }() // it was only read
	from, flags := positionOf(folder, syscall.Stderr)
	if end := size(file); flags&syscall.O_APPEND != 0 || from > end {
		from = end
	}
	for _, signal := range []os.Signal{syscall.SIGQUIT, syscall.SIGABRT} {
		if err := process.Signal(signal); err != nil {
			return "", fmt.Errorf("signal process %d: %w", process.Pid, err)
		}
		ended, err := awaitEnd(ctx, folder, file)
		if err != nil {
			return "", err
		}
		if ended {
			text, err := io.ReadAll(io.NewSectionReader(file, from, dumpMost))
			if err != nil {
				return "", fmt.Errorf("read the dump in %s: %w", name, err)
			}
			return string(text), nil
		}
	}
	return "", nil
}

// awaitEnd waits for the end of a process that was signalled; it gives up early on one that writes nothing.
func awaitEnd(ctx context.Context, folder string, file *os.File) (bool, error) {
	before := size(file)
	silent, end := time.Now().Add(swallowed), time.Now().Add(dumping)
	for now := time.Now(); now.Before(end) && (size(file) > before || now.Before(silent)); now = time.Now() {
		if gone(folder) {
			return true, nil
		}
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
	return gone(folder), nil
}

func size(file *os.File) int64 {
	info, err := file.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

// gone reports whether a process has ended, even if nobody has asked for its exit code yet.
func gone(folder string) bool {
	stat, err := os.ReadFile(folder + "/stat")
	return err != nil || strings.HasPrefix(afterLast(string(stat), ") "), "Z")
}
