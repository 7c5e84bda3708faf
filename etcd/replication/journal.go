package replication

import (
	"slices"
	"sort"
)

// A journal is the order in which keys were last changed: for every key its latest revision.
// Who follows it sees states, not history: a key that changed twice comes once. So it does not
// matter how much of its history etcd has kept. It is not safe for concurrent use.
type journal struct {
	latest map[string]int64 // of every key that is there
	log    []mark           // by revision; marks that are not their key's latest are void
	floor  int64            // removals up to it may have been forgotten
}

// A mark is one change of a key.
type mark struct {
	revision int64
	key      string
	removed  bool
}

// slack is how many void marks a journal tolerates for every valid one, and beyond that.
const slack = 1024

// reset starts over with what there is at a revision.
func (j *journal) reset(revision int64, marks []mark) {
	j.latest = make(map[string]int64, len(marks))
	j.log = marks
	slices.SortFunc(j.log, func(a, b mark) int { return int(a.revision - b.revision) })
	for _, m := range marks {
		j.latest[m.key] = m.revision
	}
	j.floor = revision
}

// add appends a change. The revision is not lower than that of any other.
func (j *journal) add(m mark) {
	j.log = append(j.log, m)
	if m.removed {
		delete(j.latest, m.key)
	} else {
		j.latest[m.key] = m.revision
	}
	if len(j.log) > 2*len(j.latest)+slack {
		j.compact()
	}
}

// compact drops void marks, and the older half of the removals.
func (j *journal) compact() {
	removals := 0
	for _, m := range j.log {
		if m.removed {
			removals++
		}
	}
	drop := removals - slack/2
	kept := make([]mark, 0, len(j.latest)+slack)
	for _, m := range j.log {
		if m.removed {
			if drop > 0 {
				drop--
				j.floor = m.revision
				continue
			}
			kept = append(kept, m)
			continue
		}
		if j.latest[m.key] == m.revision {
			kept = append(kept, m)
		}
	}
	j.log = kept
}

// from is the index of the first mark after a revision.
func (j *journal) from(after int64) int {
	return sort.Search(len(j.log), func(i int) bool { return j.log[i].revision > after })
}

// since calls f with the marks after a revision in order, until it returns false. Void marks
// are left out; a removal is void if the key is there again, and comes again if it was removed
// more than once.
func (j *journal) since(after int64, f func(mark) bool) {
	for _, m := range j.log[j.from(after):] {
		current, there := j.latest[m.key]
		if m.removed == there || (there && current != m.revision) {
			continue
		}
		if !f(m) {
			return
		}
	}
}
