package roster

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"
)

// A Change tells what one version of a [Hot] registry changed.
type Change struct {
	Version uint64
	At      time.Time

	// Names in sorted order. A reload lists only what differs: a value that is
	// the same as before is in none of them.
	Added, Replaced, Removed []string

	// Missed is how many versions before this one are no longer known, and this
	// one as well if it names nothing. If it is not zero, compare with the registry
	// itself: start over from Names.
	Missed uint64

	by   callers
	home string
}

// By is the place that wrote the version.
func (c Change) By() Site { return c.by.site(c.home) }

// A registry remembers its last changes for those who follow them: no more than
// maxChanges, and no more than maxChangedNames names in them.
const (
	maxChanges      = 1024
	maxChangedNames = 1 << 16
)

// feed is the memory of a registry's changes.
type feed struct {
	mu    sync.Mutex // guards the fields below; publishing and following take it, lookups do not
	log   []Change   // consecutive versions, oldest first
	names int        // in log
	last  uint64     // version of the latest change
	more  chan struct{}
}

func (c Change) size() int { return len(c.Added) + len(c.Replaced) + len(c.Removed) }

// publish appends a change and wakes the followers.
func (f *feed) publish(c Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, c)
	f.names += c.size()
	f.last = c.Version
	drop := 0
	for len(f.log)-drop > maxChanges || f.names > maxChangedNames {
		f.names -= f.log[drop].size()
		drop++
	}
	clear(f.log[:drop])
	f.log = f.log[drop:] // moving the rest down would cost as much as all of it, at every write
	if f.more != nil {
		close(f.more)
		f.more = nil
	}
}

// after returns the changes later than version that are still known, how many
// are not, and a channel that is closed when there are more.
func (f *feed) after(version uint64) (changes []Change, missed uint64, more <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.more == nil {
		f.more = make(chan struct{})
	}
	if version >= f.last {
		return nil, 0, f.more
	}
	oldest := f.last + 1 // of what the log has
	if len(f.log) > 0 {
		oldest = f.log[0].Version
	}
	if version+1 < oldest {
		missed = oldest - version - 1
		version = oldest - 1
	}
	return slices.Clone(f.log[version+1-oldest:]), missed, f.more
}

// Changes yields every change of the registry after the given version, in
// order, and waits for more until ctx is done. To follow a registry without a
// gap, take its version first and then read it:
//
//	version := h.Version()
//	for name, v := range h.All() { … }
//	for change := range h.Changes(ctx, version) { … }
//
// A change may then already be in what was read; none is lost. The registry
// remembers its last 1,024 changes, fewer if they name more than 65,536 names.
// A follower who falls behind that is told: the next change he gets has a
// Missed that is not zero. Any number of followers may follow; each goes at his
// own pace and holds no one up.
func (h *Hot[T]) Changes(ctx context.Context, after uint64) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		for version := after; ; {
			changes, missed, more := h.feed.after(version)
			for i, c := range changes {
				if i == 0 {
					c.Missed = missed
				}
				c.Added, c.Replaced, c.Removed = slices.Clone(c.Added), slices.Clone(c.Replaced), slices.Clone(c.Removed)
				if ctx.Err() != nil || !yield(c) {
					return
				}
				version = c.Version
			}
			if len(changes) == 0 && missed > 0 {
				// Even the last change was too large to remember.
				version += missed
				if !yield(Change{Version: version, Missed: missed, home: h.home()}) {
					return
				}
				continue
			}
			select {
			case <-more:
			case <-ctx.Done():
				return
			}
		}
	}
}
