package plugin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Bounds of how a folder is followed.
const (
	watchQuiet = 10 * time.Millisecond  // without a change, before the folder is looked at
	watchWait  = 200 * time.Millisecond // at most, while changes go on
	watchPoll  = 5 * time.Second        // for changes that the system did not tell
	watchAgain = 2 * time.Minute        // at most, before a plugin that did not start is tried again
)

// Watch follows a folder of plugins until ctx ends: a descriptor that appears is added, one
// that changes replaces its plugin without a failed call, and one that goes away takes
// its plugin along. What [Host.LoadDir] has added from the folder is taken over. A
// descriptor that cannot be used changes nothing; its error is logged, and it is tried
// again when something in its folder changes. A plugin that did not start is also tried
// again within 10 seconds, and then ever more seldom, every 2 minutes at last. Write descriptors under another name and
// rename them, so that none is read in part.
//
// Only descriptors are followed, not programs: a program that was replaced is taken by
// [Host.Reload], or with a new checksum in its descriptor. The error is that of watching
// the folder at all.
func (h *Host) Watch(ctx context.Context, dir string) error {
	notes, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("plugin: folder of plugins %s: %w", dir, err)
	}
	defer func() { _ = notes.Close() }()
	if err := notes.Add(dir); err != nil {
		return fmt.Errorf("plugin: folder of plugins %s; create it or name another", osFault(dir, err))
	}
	w := &watch{host: h, dir: dir, notes: notes, known: map[string]*watched{}}
	w.takeOver()
	poll := time.NewTicker(watchPoll)
	defer poll.Stop()
	for {
		w.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-h.closing:
			return nil
		case <-poll.C:
		case note, ok := <-notes.Events:
			if !ok {
				return nil
			}
			w.stir(note.Name)
			w.settle(ctx)
		case err := <-notes.Errors: // such as too many changes at once; the next look sees them all
			h.log.Warn("the folder of plugins is looked at anew", "folder", dir, "error", err)
		}
	}
}

// A watch follows one folder.
type watch struct {
	host  *Host
	dir   string
	notes *fsnotify.Watcher
	known map[string]*watched // by path of the descriptor
}

// A watched descriptor is one as it was last seen.
type watched struct {
	text   []byte
	name   string // of the plugin that it has become; empty if it has become none
	failed string // why it has not
	retry  bool   // something near it has changed

	again time.Time     // when a plugin that did not start is tried again; zero if its text is wrong
	wait  time.Duration // from the last attempt to that moment
}

// due says whether what failed may go well by now.
func (k *watched) due(now time.Time) bool {
	return k.failed != "" && (k.retry || !k.again.IsZero() && now.After(k.again))
}

// takeOver notes what is there already.
func (w *watch) takeOver() {
	for _, s := range w.host.Plugins() {
		text, err := os.ReadFile(s.Source)
		if err == nil && slices.Contains(w.paths(), s.Source) {
			w.known[s.Source] = &watched{text: text, name: s.Name}
		}
	}
}

// paths lists the descriptors, and watches the folders that they may be in.
func (w *watch) paths() []string {
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		w.host.log.Warn("the folder of plugins cannot be read, its plugins stay", "folder", w.dir, "error", err)
		return slices.Collect(maps.Keys(w.known))
	}
	paths := descriptorsAt(nil, filepath.Join(w.dir, DescriptorFile))
	for _, entry := range entries {
		folder := filepath.Join(w.dir, entry.Name())
		if info, err := os.Stat(folder); err == nil && info.IsDir() {
			_ = w.notes.Add(folder) // again does no harm; one that is not watched is seen at the next poll
		}
		paths = descriptorsAt(paths, filepath.Join(folder, DescriptorFile))
	}
	return paths
}

// stir has what failed near a path tried again.
func (w *watch) stir(path string) {
	for descriptor, k := range w.known {
		if filepath.Dir(descriptor) == filepath.Dir(path) || filepath.Dir(descriptor) == path {
			k.retry = true
		}
	}
}

// settle waits until changes come no more.
func (w *watch) settle(ctx context.Context) {
	limit := time.NewTimer(watchWait)
	defer limit.Stop()
	for {
		quiet := time.NewTimer(watchQuiet)
		select {
		case note := <-w.notes.Events:
			quiet.Stop()
			w.stir(note.Name)
			continue
		case <-quiet.C:
		case <-limit.C:
		case <-ctx.Done():
		}
		quiet.Stop()
		return
	}
}

// look brings the plugins in line with the folder. Those that are removed go first: a
// descriptor that moves keeps its name.
func (w *watch) look(ctx context.Context) {
	paths := w.paths()
	for path, k := range w.known {
		if !slices.Contains(paths, path) {
			delete(w.known, path)
			w.remove(ctx, k.name, path)
		}
	}
	var working sync.WaitGroup
	for _, path := range paths {
		text, err := os.ReadFile(path)
		k := w.known[path]
		if k == nil {
			k = &watched{}
			w.known[path] = k
		} else if bytes.Equal(text, k.text) && !k.due(time.Now()) && err == nil {
			continue
		}
		if !bytes.Equal(text, k.text) {
			k.wait = 0
		}
		k.text, k.retry = text, false
		working.Go(func() { w.apply(ctx, path, k, text, err) })
	}
	working.Wait()
}

// apply makes a plugin of a descriptor that is new or has changed.
func (w *watch) apply(ctx context.Context, path string, k *watched, text []byte, err error) {
	var d Descriptor
	if err == nil {
		d, err = ParseDescriptor(path, text)
	}
	readable := err == nil
	switch {
	case err != nil:
	case k.name == "":
		err = w.host.enlist(ctx, d)
	case k.name == d.Name:
		err = w.host.Replace(ctx, d)
	default:
		if err = w.host.enlist(ctx, d); err == nil {
			w.remove(ctx, k.name, path)
		}
	}
	k.again = time.Time{}
	if err != nil {
		if readable {
			k.wait = min(max(2*k.wait, watchPoll/2), watchAgain)
			k.again = time.Now().Add(k.wait)
		}
		if reason := err.Error(); ctx.Err() == nil && reason != k.failed {
			k.failed = reason
			w.host.log.Error("a descriptor in the folder of plugins is not taken", "source", path, "error", err)
		}
		return
	}
	k.name, k.failed, k.wait = d.Name, "", 0
}

func (w *watch) remove(ctx context.Context, name, path string) {
	if name == "" {
		return
	}
	s, ok := w.host.plugins.Peek(name)
	if !ok || s.d.Source != path {
		return // somebody else's by now
	}
	w.host.log.Info("the descriptor of a plugin is gone, and so is the plugin", "plugin_name", name, "source", path)
	if err := w.host.Remove(ctx, name); err != nil && !errors.Is(err, context.Canceled) {
		w.host.log.Error("plugin not removed", "plugin_name", name, "error", err)
	}
}
