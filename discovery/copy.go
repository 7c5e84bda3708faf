package discovery

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// KeepCopy makes the view keep a copy of what it shows in a file, so that a program can
// start, and call what it called before, while the store is away. [View.Run] reads the
// copy first. What it holds is shown at once, and stale since it was last confirmed; it
// counts as [View.Ready] when the source reports that it has no contact. The first Sync
// replaces it.
//
// The copy is written at most once a second, and so seldom that writing takes a twentieth
// of the time, but once a minute in any case: of a great view that changes all the time the
// copy may be older than the view by 20 times what it takes to write it. It is written to a
// new file that then takes the place of the old one, and read only if its checksum is
// right. What a write that was cut off has left beside it is removed when the view starts.
// A copy that cannot be read or
// written changes nothing else: [ViewStatus] says why. It is readable for its owner alone,
// and belongs to one view: two processes that share a path replace each other's copies.
//
// The file is JSON, one value in a line: first a header with the format's version, the
// store's revision, the number of instances and the SHA-256 of the rest, then the
// instances; one that the view holds back, see [Protect], with the time when it expired. Its
// modification time is when the view was last known to be current.
func KeepCopy(path string) ViewOption {
	return func(s *viewSettings) { s.copy = path }
}

// A CopyError reports a copy on disk that could not be read or written.
type CopyError struct {
	Path string
	Err  error
}

func (e *CopyError) Error() string {
	return fmt.Sprintf("discovery: the copy of the view in %s cannot be used, the view works without it: %v", e.Path, e.Err)
}

// Unwrap returns why.
func (e *CopyError) Unwrap() error { return e.Err }

var (
	errCopyDamaged = errors.New("it is damaged: its checksum does not match its content")
	errCopyFormat  = errors.New("it is not a copy of a view, or of a format that this program does not know")
	errFromCopy    = errors.New("discovery: started from the copy on disk; the store has not answered yet")
)

// A diskCopy is the file of a view. View.mu guards its fields.
type diskCopy struct {
	path      string
	serving   bool              // the view shows what was read from the file
	dirty     bool              // the file differs from the view
	confirmed time.Time         // the modification time that the file was given
	notBefore time.Time         // when it may be written next
	held      map[Key]time.Time // as the file has it: held instances and when they expired
	err       error             // of the latest attempt to read or to write
}

func newDiskCopy(path string) *diskCopy { return &diskCopy{path: path} }

const (
	copyFormat = 1
	// confirmInterval is how often the time of an unchanged file is renewed.
	confirmInterval = 10 * time.Second
	// writePause is how many times the duration of a write passes before the next, and
	// maxWritePause the most that passes.
	writePause    = 20
	maxWritePause = time.Minute
)

// A copyEntry is an instance in the file.
type copyEntry struct {
	Instance

	Expired time.Time `json:"expired,omitzero"` // set if the store no longer had it and the view held it back
}

type copyHeader struct {
	Format    int    `json:"roster_view"`
	Revision  int64  `json:"revision"`
	Instances int    `json:"instances"`
	SHA256    string `json:"sha256"`
}

// restore shows what the file holds, unless the view has been synchronised.
func (v *View) restore() {
	now := time.Now()
	removeLeftovers(v.copy.path, now)
	entries, at, err := readCopy(v.copy.path)
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.synced:
		return
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		v.copy.err = &CopyError{v.copy.path, err}
		return
	}
	next := make(map[string][]Instance)
	held := make(map[Key]expired)
	for _, entry := range entries { // as they were written: sorted by service and id
		instance := entry.Instance
		if !entry.Expired.IsZero() {
			if !v.guard.keeps(entry.Expired, now) {
				continue // the store no longer had it
			}
			held[instance.Key()] = expired{instance, entry.Expired}
		}
		if v.admit(instance.Validate()) {
			next[instance.Service] = append(next[instance.Service], instance)
		}
	}
	v.publish(next)
	v.guard.restore(held)
	v.copy.serving, v.copy.dirty = true, false
	v.stale, v.staleSince, v.err = true, at, errFromCopy
}

// removeLeftovers removes new files beside path whose writers were cut off. One that is
// younger than a minute may have a writer still: two processes that share a path.
func removeLeftovers(path string, now time.Time) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return // reading and writing the copy tells
	}
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasPrefix(name, filepath.Base(path)+".") || !strings.HasSuffix(name, newSuffix) {
			continue
		}
		if info, err := entry.Info(); err == nil && now.Sub(info.ModTime()) > time.Minute {
			_ = os.Remove(filepath.Join(filepath.Dir(path), name)) // it does no harm
		}
	}
}

// newSuffix ends the name of a file that is being written.
const newSuffix = ".new"

func readCopy(path string) ([]copyEntry, time.Time, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, time.Time{}, err //nolint:wrapcheck // a CopyError says what was attempted
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, time.Time{}, err //nolint:wrapcheck // likewise
	}
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	var header copyHeader
	if err := json.Unmarshal(first, &header); err != nil || header.Format != copyFormat {
		return nil, time.Time{}, errCopyFormat
	}
	if sum := sha256.Sum256(rest); hex.EncodeToString(sum[:]) != header.SHA256 {
		return nil, time.Time{}, errCopyDamaged
	}
	entries := make([]copyEntry, 0, max(0, min(header.Instances, len(rest))))
	decoder := json.NewDecoder(bytes.NewReader(rest))
	for decoder.More() {
		var entry copyEntry
		if err := decoder.Decode(&entry); err != nil { //nolint:musttag // the names of the fields are the format
			return nil, time.Time{}, fmt.Errorf("%w: %w", errCopyFormat, err)
		}
		entries = append(entries, entry)
	}
	return entries, info.ModTime(), nil
}

// save writes the file if the view has changed, and otherwise notes in it, now and then or
// if the view ends, that the view is current.
func (v *View) save(last bool) {
	c := v.copy
	if c == nil {
		return
	}
	v.mu.Lock()
	now := time.Now()
	held := v.guard.heldSince()
	current, dirty := v.synced && !v.stale, c.dirty || !maps.Equal(held, c.held)
	if dirty && !last && now.Before(c.notBefore) {
		v.mu.Unlock()
		return
	}
	var content map[string][]Instance
	revision, count := v.revision, v.instances
	at := now // when it was last known to be current
	if v.stale {
		at = v.staleSince
	}
	if v.synced && dirty {
		content = maps.Clone(v.services)
		c.dirty = false
	}
	touch := content == nil && current && (last || now.Sub(c.confirmed) >= confirmInterval)
	v.mu.Unlock()

	var err error
	switch {
	case content != nil:
		err = writeCopy(c.path, at, copyHeader{Format: copyFormat, Revision: revision, Instances: count}, content, held)
	case touch:
		err = os.Chtimes(c.path, now, now)
	default:
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if content != nil {
		c.held = held
		c.notBefore = time.Now().Add(min(writePause*time.Since(now), maxWritePause))
	}
	if err != nil {
		c.err, c.dirty = &CopyError{c.path, err}, true // try again
		return
	}
	c.err, c.confirmed = nil, at
}

// writeCopy writes the file beside the old one and puts it in its place.
func writeCopy(path string, at time.Time, header copyHeader, content map[string][]Instance, held map[Key]time.Time) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err //nolint:wrapcheck // a CopyError says what was attempted
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	for _, service := range slices.Sorted(maps.Keys(content)) {
		for _, instance := range content[service] {
			if err := encoder.Encode(copyEntry{instance, held[instance.Key()]}); err != nil { //nolint:musttag // likewise
				return err //nolint:wrapcheck // likewise
			}
		}
	}
	sum := sha256.Sum256(body.Bytes())
	header.SHA256 = hex.EncodeToString(sum[:])
	first, err := json.Marshal(header)
	if err != nil {
		return err //nolint:wrapcheck // likewise
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*"+newSuffix) // for the owner alone
	if err != nil {
		return err //nolint:wrapcheck // likewise
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreNotExist(os.Remove(file.Name())))
		}
	}()
	buffered := bufio.NewWriter(file)
	_, _ = buffered.Write(append(first, '\n')) // Flush tells
	_, _ = buffered.Write(body.Bytes())
	if err := errors.Join(buffered.Flush(), file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Chtimes(file.Name(), at, at); err != nil {
		return err //nolint:wrapcheck // likewise
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err //nolint:wrapcheck // likewise
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename survive a crash of the machine, where the system can do that.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err //nolint:wrapcheck // a CopyError says what was attempted
	}
	_ = dir.Sync()     // not every file system has it
	return dir.Close() //nolint:wrapcheck // likewise
}

func ignoreNotExist(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
