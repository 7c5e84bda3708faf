package strong

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// A View is the whole store as it was at one version. It never changes; [Store.View] gives
// the next one. Reading it is reading a map.
type View struct {
	content *content
	asOf    time.Time // zero if nothing was proven
	lost    time.Time // zero while there is contact
	err     error     // why there is none
}

// A content is what views of one version share.
type content struct {
	version Version
	entries map[string]Entry
	keys    func() []string // sorted
}

func newContent(version Version, entries map[string]Entry) *content {
	return &content{version: version, entries: entries, keys: sync.OnceValue(func() []string {
		return slices.Sorted(maps.Keys(entries))
	})}
}

// changed is the content after changes.
func (c *content) changed(version Version, changes []Change) *content {
	if len(changes) == 0 {
		next := *c
		next.version = version
		return &next
	}
	entries := maps.Clone(c.entries)
	for _, change := range changes {
		if change.Removed {
			delete(entries, change.Key)
		} else {
			entries[change.Key] = change.Entry
		}
	}
	return newContent(version, entries)
}

// Get gives the entry of a key.
func (v *View) Get(key string) (entry Entry, found bool) {
	entry, found = v.content.entries[key]
	return entry, found
}

// List yields the entries whose keys start with prefix, sorted by key. The first List of a
// version sorts its keys.
func (v *View) List(prefix string) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		keys := v.content.keys()
		from, _ := slices.BinarySearch(keys, prefix)
		for _, key := range keys[from:] {
			if !strings.HasPrefix(key, prefix) || !yield(v.content.entries[key]) {
				return
			}
		}
	}
}

// Len is how many entries there are.
func (v *View) Len() int { return len(v.content.entries) }

// Version is the version of the store that the view shows; 0 if there was none to show yet.
func (v *View) Version() Version { return v.content.version }

// AsOf is the latest time, on this process's monotonic clock, of which it is proven that
// everything acknowledged by then is in the view. It is the zero time if nothing is proven.
func (v *View) AsOf() time.Time { return v.asOf }

// Lost is when contact to the quorum was lost, and the zero time while there is contact.
func (v *View) Lost() time.Time { return v.lost }

// Err says why there is no contact to the quorum and the view may be outdated, or is nil
// while there is contact.
func (v *View) Err() error { return v.err }
