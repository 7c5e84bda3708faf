//go:build unix

package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockDir creates dir if need be and locks it. Closing the file drops the lock. The file
// stays: removing it would let a third process lock another file of the same name.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, &DirError{Dir: dir, Err: err}
	}
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, &DirError{Dir: dir, Err: err}
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(&LockedError{Dir: dir, PID: holder(file)}, file.Close())
		}
		return nil, errors.Join(&DirError{Dir: dir, Err: fmt.Errorf("lock %s: %w", file.Name(), err)}, file.Close())
	}
	if err := note(file); err != nil {
		return nil, errors.Join(&DirError{Dir: dir, Err: err}, file.Close())
	}
	return file, nil
}
