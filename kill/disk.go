package kill

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	// rewriteInterval is how often writing is tried again after it failed.
	rewriteInterval = time.Second
	// compactAfter is how many lines more than twice the set a log may have.
	compactAfter = 128
	// compactDelay is the longest time until such a log is compacted. It is drawn anew for each
	// log, because all processes receive the same orders and would all compact at once.
	compactDelay = 10 * time.Second
)

var errClosed = errors.New("the switch is closed")

// Loaded says what [Open] found on disk.
type Loaded struct {
	// Orders is how many targets the set had.
	Orders int
	// Torn is how many bytes at the end of the file were left by a write that a crash cut
	// short. No order in them was ever acknowledged as durable.
	Torn int
	// Damaged is how many lines before the end were unreadable, which means that something
	// other than a crash changed the file. A copy of it is kept under the same name with
	// ".damaged" at its end. Orders may be missing until a hub has been reached.
	Damaged int
	// Err is why the file cannot be written, nil if it can.
	Err error
}

// A DiskError reports orders that are in effect, but not on disk.
type DiskError struct {
	Path string
	Err  error
}

func (e *DiskError) Error() string {
	return fmt.Sprintf("kill: orders are in effect but not on disk in %s: %v; this is tried again every %v: free some space, "+
		"or a restart that reaches no hub forgets them", e.Path, e.Err, rewriteInterval)
}

// Unwrap returns why.
func (e *DiskError) Unwrap() error { return e.Err }

// A LockedError reports a log that another process has open.
type LockedError struct{ Path string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("kill: %s belongs to another process that runs now: give each process a file of its own", e.Path)
}

// A ReadError reports a log that is there and cannot be read. The process must not start without
// what it holds.
type ReadError struct {
	Path string
	Err  error
}

func (e *ReadError) Error() string {
	return fmt.Sprintf("kill: what must not be used is written in %s, which cannot be read: %v", e.Path, e.Err)
}

// Unwrap returns why.
func (e *ReadError) Unwrap() error { return e.Err }

// A disk keeps the set of a switch in a file.
type disk struct {
	path string
	// write and sync are those of *os.File; tests make them fail.
	write func(*os.File, []byte) (int, error)
	sync  func(*os.File) error

	// pending and added are guarded by Switch.mu: lines that are not in the file, and the
	// number of changes so far.
	pending []byte
	added   uint64

	// io is held while the file is written, so that whoever waits for it finds its lines
	// written together with those of others. It guards the fields below. It is taken before
	// Switch.mu.
	io     sync.Mutex
	lock   *os.File
	file   *os.File
	lines  int
	synced uint64
	broken error // why the file has to be rewritten before anything is appended
	closed bool

	wake chan struct{} // there is something to do for maintain
	stop context.CancelFunc
	done chan struct{}
}

func newDisk(path string) *disk {
	return &disk{
		path:  path,
		write: (*os.File).Write,
		sync:  (*os.File).Sync,
		wake:  make(chan struct{}, 1),
		done:  make(chan struct{}),
	}
}

// load locks the file and reads it. Only what makes it unsafe to go on is an error.
func (d *disk) load() ([]Order, Loaded, error) {
	d.io.Lock()
	defer d.io.Unlock()
	if d.broken = d.prepare(); d.broken != nil {
		if locked, ok := errors.AsType[*LockedError](d.broken); ok {
			return nil, Loaded{}, locked
		}
	}
	text, err := os.ReadFile(d.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, Loaded{}, errors.Join(&ReadError{d.path, err}, d.release())
	}
	content, err := parseLog(text)
	if err != nil {
		return nil, Loaded{}, errors.Join(&ReadError{d.path, err}, d.release())
	}
	if content.damaged > 0 {
		d.broken = errors.Join(d.broken, os.WriteFile(d.path+".damaged", text, 0o600))
		if d.broken == nil {
			d.broken = errLine
		}
	}
	d.lines = len(content.orders)
	if d.broken == nil {
		d.broken = d.open(content.end)
	}
	loaded := Loaded{Torn: content.torn, Damaged: content.damaged}
	if d.broken != nil && !errors.Is(d.broken, errLine) {
		loaded.Err = &DiskError{d.path, d.broken}
	}
	return content.orders, loaded, nil
}

// prepare makes the folder and takes the lock, unless it is held.
func (d *disk) prepare() error {
	if d.lock != nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(d.path), 0o700); err != nil {
		return fmt.Errorf("make its folder: %w", err)
	}
	// A file of its own, because the log is replaced when it is compacted. It stays: removing
	// it would let two processes lock two files of the same name.
	lock, err := os.OpenFile(d.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open its lock: %w", err)
	}
	if locked, err := tryLock(lock); err != nil || !locked {
		if err == nil {
			err = &LockedError{d.path}
		}
		return errors.Join(err, lock.Close())
	}
	d.lock = lock
	return nil
}

// open opens the file to append after end, where the last whole line ends.
func (d *disk) open(end int64) error {
	file, err := os.OpenFile(d.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	for _, step := range []func() error{
		func() error { return file.Chmod(0o600) },
		func() error { return file.Truncate(end) },
		// What was read may be in memory only: the process before this one may have ended between
		// its write and its fsync.
		func() error { return d.sync(file) },
		func() error { return syncFolder(d.path) },
	} {
		if err := step(); err != nil {
			return errors.Join(fmt.Errorf("prepare: %w", err), file.Close())
		}
	}
	d.file = file
	return nil
}

// settle returns when the first upTo changes are on disk.
func (s *Switch) settle(upTo uint64) error {
	d := s.disk
	d.io.Lock()
	defer d.io.Unlock()
	if d.broken == nil && d.synced >= upTo {
		return nil
	}
	return s.flush()
}

// flush writes what is pending; disk.io is held.
func (s *Switch) flush() error {
	d := s.disk
	if d.closed {
		return &DiskError{d.path, errClosed}
	}
	s.mu.Lock()
	lines, upTo, set := d.pending, d.added, s.Set()
	count := int(upTo - d.synced)
	d.pending = nil
	s.mu.Unlock()

	wasBroken := d.broken != nil
	if wasBroken {
		// After a failed write nobody knows what of it is in the file, and after a failed fsync
		// nobody knows what of the file is on the disk. So it is written anew.
		_, d.broken = d.rewrite(set)
	} else if d.broken = d.append(d.file, lines); d.broken == nil {
		d.lines += count
	}
	if d.broken != nil {
		s.nudge()
		return &DiskError{d.path, d.broken}
	}
	d.synced = upTo
	if d.crowded(set) {
		s.nudge()
	}
	if wasBroken {
		s.mended()
	}
	return nil
}

func (d *disk) append(file *os.File, lines []byte) error {
	if _, err := d.write(file, lines); err != nil {
		return fmt.Errorf("append: %w", err)
	}
	if err := d.sync(file); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return nil
}

// rewrite replaces the file by one that holds the set. The old one stays until the new one is
// on disk; replaced says whether it is gone.
func (d *disk) rewrite(set Set) (replaced bool, err error) {
	if err := d.prepare(); err != nil {
		return false, err
	}
	next := d.path + ".new"
	file, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return false, fmt.Errorf("rewrite: %w", err)
	}
	var text []byte
	for i := range set.sorted {
		text = appendLine(text, set.sorted[i].order)
	}
	err = d.append(file, text)
	if err == nil {
		err = os.Rename(next, d.path)
	}
	if err != nil {
		return false, errors.Join(fmt.Errorf("rewrite: %w", err), file.Close(), os.Remove(next))
	}
	if d.file != nil {
		_ = d.file.Close() // everything in it is in the new file
	}
	d.file, d.lines = file, set.Len()
	return true, syncFolder(d.path)
}

// syncFolder makes the name of a new file durable.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("open its folder: %w", err)
	}
	defer func() { _ = folder.Close() }()
	if err := folder.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("sync its folder: %w", err)
	}
	return nil
}

// crowded reports whether the file has become much longer than the set; io is held.
func (d *disk) crowded(set Set) bool { return d.lines > 2*set.Len()+compactAfter }

func (s *Switch) nudge() {
	select {
	case s.disk.wake <- struct{}{}:
	default:
	}
}

// maintain rewrites the file where writing failed, and compacts it. Close ends it.
func (s *Switch) maintain(ctx context.Context) {
	d := s.disk
	defer close(d.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		}
		d.io.Lock()
		broken := d.broken != nil
		d.io.Unlock()
		delay := rewriteInterval
		if !broken {
			delay = rand.N(compactDelay)
		}
		if !pause(ctx, delay) {
			return
		}
		d.io.Lock()
		switch {
		case d.closed:
		case d.broken != nil:
			_ = s.flush() // nudges again if it fails
		case d.crowded(s.Set()):
			s.compact()
		}
		d.io.Unlock()
	}
}

// compact rewrites a file that is sound. If that fails, the old one still is; io is held.
func (s *Switch) compact() {
	d := s.disk
	s.mu.Lock()
	upTo, set := d.added, s.Set()
	d.pending = nil
	s.mu.Unlock()
	replaced, err := d.rewrite(set)
	switch {
	case err == nil:
		d.synced = upTo
	case replaced || d.synced != upTo: // lines that were pending are not in the old file
		d.broken = err
		s.nudge()
	}
}

// pause waits, and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// release gives the file and its lock back; io is held.
func (d *disk) release() error {
	d.closed = true
	var errs []error
	for _, file := range []*os.File{d.file, d.lock} {
		if file != nil {
			errs = append(errs, file.Close())
		}
	}
	d.file, d.lock = nil, nil
	return errors.Join(errs...)
}
