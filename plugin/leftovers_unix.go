//go:build unix

package plugin

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// A host's folder has a file that the host holds a lock on for as long as it lives, and
// one for each process that it runs. So the next host can tell what a host that was
// killed has left, and clear it away.
const (
	folderPrefix = "roster"
	lockName     = "host"
	processEnd   = ".process"
)

// newFolder makes the private folder of a host.
func newFolder() (dir string, lock *os.File, err error) {
	dir, err = os.MkdirTemp("", folderPrefix) // mode 0700; short, since a socket's path is limited
	if err != nil {
		return "", nil, err //nolint:wrapcheck // the caller says what it is for
	}
	// It gets its name when it is locked: until then nobody takes it for one that was left.
	path := filepath.Join(dir, lockName)
	lock, err = os.OpenFile(path+".new", os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err == nil {
		err = errors.Join(syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), os.Rename(path+".new", path))
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		return "", nil, err
	}
	return dir, lock, nil
}

// clearLeftovers removes the folders of hosts that are no more, and ends their plugins.
func clearLeftovers(log *slog.Logger) {
	locks, _ := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*", lockName)) // the pattern is right
	for _, path := range locks {
		dir := filepath.Dir(path)
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() {
			continue
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Geteuid() {
			continue // somebody else's
		}
		lock, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW, 0)
		if err != nil {
			continue
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil { // its host is gone
			ended := endLeftProcesses(dir)
			err := os.RemoveAll(dir)
			log.Info("cleared what a host that was killed had left", "folder", dir, "processes_ended", ended, "error", err)
		}
		_ = lock.Close()
	}
}

// noteProcess leaves a word about a process for the host after this one. It is known by
// the moment when it began: its number may be somebody else's by then.
func noteProcess(dir string, pid int) {
	began := processBegan(pid)
	if began != "" { // a system that does not tell when it began leaves it to itself
		_ = os.WriteFile(processNote(dir, pid), []byte(began), 0o600) // without it a process may outlive two hosts
	}
}

func forgetProcess(dir string, pid int) { _ = os.Remove(processNote(dir, pid)) } // there may be none

func processNote(dir string, pid int) string {
	return filepath.Join(dir, strconv.Itoa(pid)+processEnd)
}

// endLeftProcesses kills the groups of the processes that a folder has a word of.
func endLeftProcesses(dir string) (ended int) {
	notes, _ := filepath.Glob(filepath.Join(dir, "*"+processEnd)) // the pattern is right
	for _, note := range notes {
		pid, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(note), processEnd))
		began, err2 := os.ReadFile(note)
		if err := errors.Join(err, err2); err != nil || pid <= 1 || processBegan(pid) != string(began) {
			continue
		}
		if syscall.Kill(-pid, syscall.SIGKILL) == nil {
			ended++
		}
	}
	return ended
}

// processBegan is when a process began, by the system's own count; empty if it is gone.
// It is field 22 of proc(5)'s stat, 20 behind the name in brackets.
func processBegan(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	const startTime = 19
	if len(fields) <= startTime {
		return ""
	}
	return fields[startTime]
}
