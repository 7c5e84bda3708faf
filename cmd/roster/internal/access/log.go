package access

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Limits of the audit log.
const (
	// maxLogFile is the size, in bytes, beyond which a file becomes FILE.1, that FILE.2, and so on.
	maxLogFile = 16 << 20
	// keptLogs is how many of those there are; older ones are removed.
	keptLogs = 9
	// remembered is how many entries are kept in memory for readers.
	remembered = 1000
)

// An AuditError reports that an entry could not be written.
type AuditError struct{ Err error }

func (e *AuditError) Error() string {
	return fmt.Sprintf("the audit log cannot be written: %v; make room on its disk", e.Err)
}

// Unwrap returns the cause.
func (e *AuditError) Unwrap() error { return e.Err }

// A Log is an audit log: lines of JSON at the end of a file, which only its owner can read. It has the
// newest entries in memory as well.
type Log struct {
	path string
	log  *slog.Logger
	max  int64
	now  func() time.Time

	mu      sync.Mutex // guards the fields below
	file    *os.File   // nil if it could not be opened again after it was full
	size    int64
	torn    bool // the last line in the file is not whole
	broken  bool // the last write failed, and it was said
	last    []Entry
	total   uint64        // entries there were since the start
	changed chan struct{} // closed when there is another one
	folds   map[foldKey]*fold
	budgets map[budgetKey]*lineBudget

	done    chan struct{} // closed by Close
	flusher sync.WaitGroup
}

// OpenLog opens the log in a file, which is made if it is not there. A nil logger is silent.
func OpenLog(path string, log *slog.Logger) (*Log, error) {
	return openLog(path, log, maxLogFile, foldFor)
}

func openLog(path string, log *slog.Logger, limit int64, flushEvery time.Duration) (*Log, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	l := &Log{
		path: path, log: log, max: limit, now: time.Now,
		changed: make(chan struct{}), folds: make(map[foldKey]*fold), budgets: make(map[budgetKey]*lineBudget), done: make(chan struct{}),
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, &FileError{path, cause(err).Error(), err}
	}
	if err := l.open(); err != nil {
		return nil, err
	}
	if err := l.recall(); err != nil {
		return nil, errors.Join(err, l.file.Close())
	}
	l.flusher.Go(func() { l.flushFolds(flushEvery) })
	return l, nil
}

// open opens the file. The caller holds mu, or is the only one who has l.
func (l *Log) open() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return &FileError{l.path, fmt.Sprintf("cannot open the audit log: %v", cause(err)), err}
	}
	info, err := f.Stat()
	if err == nil {
		err = checkPrivate(l.path, info)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.file, l.size = f, info.Size()
	return nil
}

// recall reads the newest entries of the file. A line that is not whole is where a process died.
func (l *Log) recall() error {
	const tail = 1 << 20
	text := make([]byte, min(l.size, tail))
	if _, err := l.file.ReadAt(text, l.size-int64(len(text))); err != nil && !errors.Is(err, io.EOF) {
		return &FileError{l.path, cause(err).Error(), err}
	}
	l.torn = len(text) > 0 && text[len(text)-1] != '\n'
	for line := range bytes.Lines(text) {
		var e Entry
		if json.Unmarshal(line, &e) == nil && !e.Time.IsZero() {
			l.remember(e)
		}
	}
	return nil
}

// Write appends an entry. If the disk has to have it before anything else happens, durable is true. An
// entry that cannot be written is in memory all the same, and the error says why.
func (l *Log) Write(e Entry, durable bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.write(e, durable)
}

func (l *Log) write(e Entry, durable bool) error {
	if e.Time.IsZero() {
		e.Time = l.now()
	}
	e.Time = e.Time.UTC().Round(0)
	e = e.bounded()
	l.remember(e)
	err := l.append(e.line(), durable)
	if err == nil {
		l.broken = false
		return nil
	}
	if !l.broken {
		l.log.Error("the audit log cannot be written", "file", l.path, "error", err)
		l.broken = true
	}
	return &AuditError{err}
}

func (l *Log) append(line []byte, durable bool) error {
	if l.file != nil && l.size > 0 && l.size+int64(len(line)) > l.max {
		l.rotate()
	}
	if l.file == nil {
		if err := l.open(); err != nil {
			return err
		}
	}
	if l.torn {
		line = slices.Concat([]byte("\n"), line)
	}
	n, err := l.file.Write(line)
	l.size += int64(n)
	if n > 0 {
		l.torn = n < len(line)
	}
	if err == nil && durable {
		err = l.file.Sync()
	}
	return err //nolint:wrapcheck // it names the file, and becomes an AuditError
}

// rotate begins a new file. If the old one cannot be moved away it is used further.
func (l *Log) rotate() {
	numbered := func(n int) string { return fmt.Sprintf("%s.%d", l.path, n) }
	for n := keptLogs - 1; n >= 1; n-- {
		if err := os.Rename(numbered(n), numbered(n+1)); err != nil && !errors.Is(err, os.ErrNotExist) {
			l.log.Warn("the audit log is not rotated", "file", l.path, "error", err)
			return
		}
	}
	_ = l.file.Close() // each entry that had to be on disk is
	l.file = nil
	if err := os.Rename(l.path, numbered(1)); err != nil {
		l.log.Warn("the audit log is not rotated", "file", l.path, "error", err)
	}
	l.torn = false
}

func (l *Log) remember(e Entry) {
	if len(l.last) >= 2*remembered {
		l.last = slices.Clone(l.last[len(l.last)-remembered:])
	}
	l.last = append(l.last, e)
	l.total++
	close(l.changed)
	l.changed = make(chan struct{})
}

// Last returns the newest entries, at most n and at most a thousand, oldest first. Those that stand for
// several (see [Rule]) are up to a minute late.
func (l *Log) Last(n int) []Entry {
	entries, _, _ := l.Since(0)
	return entries[len(entries)-max(0, min(n, len(entries))):]
}

// Since returns the entries after the first seen ones since the start, oldest first, how many there are
// by now, and a channel that is closed when there are more. Of entries that are too old for the memory
// none is returned.
func (l *Log) Since(seen uint64) (entries []Entry, total uint64, more <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(l.total-min(seen, l.total), uint64(len(l.last)), remembered)
	return slices.Clone(l.last[uint64(len(l.last))-n:]), l.total, l.changed
}

// Close writes what is held back and closes the file.
func (l *Log) Close() error {
	close(l.done)
	l.flusher.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := errors.Join(l.file.Sync(), l.file.Close())
	l.file = nil
	return err
}
