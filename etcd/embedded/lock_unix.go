//go:build unix

package embedded

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// lockName is the file that a server locks in its data directory, with its process id as
// the content. etcd's own lock makes the second process wait for ever, in silence.
const lockName = "LOCK"

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

// note writes this process's id into the file it has locked.
func note(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return fmt.Errorf("empty the lock file: %w", err)
	}
	if _, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return fmt.Errorf("write the lock file: %w", err)
	}
	return nil
}

func holder(file *os.File) int {
	const maxDigits = 20
	text, err := io.ReadAll(io.LimitReader(file, maxDigits))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}
