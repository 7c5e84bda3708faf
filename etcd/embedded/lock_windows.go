package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// sharingViolation is Windows' ERROR_SHARING_VIOLATION.
const sharingViolation = syscall.Errno(32)

// lockDir creates dir if need be and locks it: nobody else can open the file for writing
// while this process has it open. Closing the file drops the lock.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, &DirError{Dir: dir, Err: err}
	}
	path := filepath.Join(dir, lockName)
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, &DirError{Dir: dir, Err: err}
	}
	handle, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, syscall.FILE_SHARE_READ,
		nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	switch {
	case errors.Is(err, sharingViolation):
		return nil, &LockedError{Dir: dir, PID: holderOf(path)}
	case err != nil:
		return nil, &DirError{Dir: dir, Err: fmt.Errorf("lock %s: %w", path, err)}
	}
	file := os.NewFile(uintptr(handle), path)
	if err := note(file); err != nil {
		return nil, errors.Join(&DirError{Dir: dir, Err: err}, file.Close())
	}
	return file, nil
}

func holderOf(path string) int {
	file, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer func() { _ = file.Close() }() // it was only read
	return holder(file)
}
