//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kill

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// tryLock locks the file for as long as it is open.
func tryLock(file *os.File) (locked bool, err error) {
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		return false, nil
	default:
		return false, fmt.Errorf("lock: %w", err)
	}
}
