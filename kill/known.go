package kill

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// knownRuntime is a runtime in the hub's file.
type knownRuntime struct {
	ID     string    `json:"id"`
	Boot   string    `json:"boot,omitempty"`
	Region string    `json:"region,omitempty"`
	Seen   time.Time `json:"seen"`
	Left   bool      `json:"left,omitempty"`
}

// knownFile keeps the list of runtimes on disk, so that a hub that restarts knows whom to miss. It
// is written as a whole, by one goroutine for all who ask at the same time.
type knownFile struct {
	path     string
	snapshot func() []knownRuntime

	mu      sync.Mutex // guards the fields below
	wanted  uint64     // the latest change
	written uint64     // the latest one on disk
	err     error      // of the latest write
	round   chan struct{}
	wake    chan struct{}
}

func newKnownFile(path string, snapshot func() []knownRuntime) *knownFile {
	return &knownFile{path: path, snapshot: snapshot, round: make(chan struct{}), wake: make(chan struct{}, 1)}
}

// readKnown reads the list. Lines that cannot be read are left out: such a runtime is known
// again as soon as it connects.
func readKnown(path string) ([]knownRuntime, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("kill: read the list of known runtimes: %w", err)
	}
	var known []knownRuntime
	for line := range bytes.Lines(text) {
		var k knownRuntime
		if err := json.Unmarshal(line, &k); err == nil && k.ID != "" {
			known = append(known, k)
		}
	}
	return known, nil
}

// changed notes that the list has changed, and returns the number of the change.
func (f *knownFile) changed() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wanted++
	select {
	case f.wake <- struct{}{}:
	default:
	}
	return f.wanted
}

// wait returns when the change is on disk, or cannot be put there.
func (f *knownFile) wait(ctx context.Context, change uint64) error {
	if f.path == "" {
		return nil
	}
	tried := 0
	for {
		f.mu.Lock()
		written, err, round := f.written, f.err, f.round
		f.mu.Unlock()
		switch {
		case written >= change:
			return nil
		case err != nil && tried > 0:
			return err
		}
		tried++
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-round:
		}
	}
}

// status is the error of the latest attempt to write.
func (f *knownFile) status() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// run writes the list whenever it has changed, until ctx ends, and once more then.
func (f *knownFile) run(ctx context.Context) {
	if f.path == "" {
		return
	}
	for {
		select {
		case <-ctx.Done():
			f.save()
			return
		case <-f.wake:
		}
		if !f.save() {
			select {
			case f.wake <- struct{}{}: // try again
			default:
			}
			pause(ctx, rewriteInterval)
		}
	}
}

func (f *knownFile) save() (ok bool) {
	f.mu.Lock()
	change := f.wanted
	f.mu.Unlock()
	var text []byte
	for _, k := range f.snapshot() {
		text = append(append(text, encode(k)...), '\n')
	}
	err := replaceFile(f.path, text)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
	if err == nil {
		f.written = change
	}
	close(f.round)
	f.round = make(chan struct{})
	return err == nil
}

// replaceFile writes a file that is either the old one or the new one, whenever the machine stops.
func replaceFile(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("kill: make the folder of the list of known runtimes: %w", err)
	}
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("kill: write the list of known runtimes: %w", err)
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err == nil {
		err = syncFolder(path)
	}
	if err != nil {
		return fmt.Errorf("kill: write the list of known runtimes: %w", err)
	}
	return nil
}
