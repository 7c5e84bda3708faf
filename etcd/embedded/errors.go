package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"time"
)

// ErrLocked is what every [*LockedError] is, for errors.Is.
var ErrLocked = errors.New("data directory in use")

// A ListenError reports an address on which a server cannot listen.
type ListenError struct {
	Address string
	Fault   string // what is wrong with it, as a verb phrase
	Err     error  // the cause; may be nil
}

func (e *ListenError) Error() string {
	// The cause repeats the address and says no more than the fault.
	return fmt.Sprintf("embedded etcd: client address %q %s; choose another loopback host:port, or port 0 for any free one", e.Address, e.Fault)
}

// Unwrap returns the cause.
func (e *ListenError) Unwrap() error { return e.Err }

var errNoDir = errors.New("no directory is named")

// A DirError reports a directory that cannot hold the data.
type DirError struct {
	Dir string
	Err error // why
}

func (e *DirError) Error() string {
	advice := "choose another directory, or let this user create and write it"
	switch {
	case errors.Is(e.Err, syscall.ENOSPC), errors.Is(e.Err, syscall.EDQUOT):
		advice = "free about 200 MB there, or choose another directory"
	case errors.Is(e.Err, syscall.ENOTDIR), errors.Is(e.Err, fs.ErrExist):
		advice = "it is a file or lies below one: choose another directory, or move the file away"
	}
	return fmt.Sprintf("embedded etcd: cannot write the data directory %q: %v; %s", e.Dir, e.Err, advice)
}

// Unwrap returns why.
func (e *DirError) Unwrap() error { return e.Err }

// A LockedError reports a directory that another server uses.
type LockedError struct {
	Dir string
	PID int // process id of the owner, which may be this process; 0 if unknown
}

func (e *LockedError) Error() string {
	by := "another process"
	if e.PID > 0 {
		by = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("embedded etcd: data directory %q is in use by %s; stop it, choose another directory, or connect to the etcd that it runs", e.Dir, by)
}

// Is makes errors.Is(err, ErrLocked) true.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// A DataError reports data that etcd cannot start from.
type DataError struct {
	Dir string
	Err error // what etcd says
}

func (e *DataError) Error() string {
	return fmt.Sprintf("embedded etcd: cannot start from the data in %q; restore it from a backup, or move it away to start empty: %s", e.Dir, oneLine(e.Err))
}

// Unwrap returns what etcd says.
func (e *DataError) Unwrap() error { return e.Err }

// A TimeoutError reports a server that did not become ready, or did not end, in time. The
// rest happens in the background.
type TimeoutError struct {
	Dir    string
	Action string        // "start" or "stop"
	After  time.Duration // how long it was given
	Err    error         // why the wait ended
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("embedded etcd: did not %s within %v with data directory %q; look for an overloaded disk or another etcd that has the directory open: %v",
		e.Action, e.After.Round(time.Millisecond), e.Dir, e.Err)
}

// Unwrap returns why the wait ended.
func (e *TimeoutError) Unwrap() error { return e.Err }

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
