package replica

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
)

// A Dot names one write: the Count-th event of one incarnation of a region. No two writes ever
// have the same dot; see [Incarnation] for how that survives a restored backup.
type Dot struct {
	Region string `json:"region"` // a region's id: its name, or its name and an incarnation
	Count  uint64 `json:"count"`  // from 1
}

// A Write is what one region once said about a key.
type Write struct {
	Dot     Dot    `json:"dot"`
	Time    uint64 `json:"time"` // Lamport: higher than that of every write that this one supersedes
	Deleted bool   `json:"deleted,omitempty"`
	Value   []byte `json:"value,omitempty"` // shared: not to be modified; empty if Deleted
}

// A Context is what is known, per region: every dot up to the count, be its write still there
// or superseded. A region that is missing counts as zero.
type Context map[string]uint64

// Covers tells whether the dot is known.
func (c Context) Covers(d Dot) bool { return d.Count <= c[d.Region] }

// Includes tells whether everything that other knows is known to c.
func (c Context) Includes(other Context) bool {
	for region, count := range other {
		if count > c[region] {
			return false
		}
	}
	return true
}

// Join returns what c and other know together. It shares nothing with them.
func (c Context) Join(other Context) Context {
	joined := make(Context, max(len(c), len(other)))
	maps.Copy(joined, c)
	for region, count := range other {
		joined[region] = max(joined[region], count)
	}
	return joined
}

// Clone returns a copy that shares nothing with c. It is never nil.
func (c Context) Clone() Context {
	clone := make(Context, len(c))
	maps.Copy(clone, c)
	return clone
}

// An Entry is what a region knows of one key: the writes that no known write supersedes, at
// most one for each region, and the context of all it ever knew. More than one write means
// that regions wrote concurrently; [Entry.Winner] is what readers get.
//
// Entries are values: every operation returns a new one and leaves its operands as they were.
// The zero Entry with a key is one that nobody ever wrote.
//
// This is a dotted version vector set (Almeida, Baquero, Gonçalves, Preguiça, Fonte: "Scalable
// and Accurate Causality Tracking for Eventually Consistent Stores", DAIS 2014).
type Entry struct {
	Key     string  `json:"key"`
	Writes  []Write `json:"writes,omitempty"` // sorted by region
	Context Context `json:"context,omitempty"`
}

// Fresh returns the entry of a key that a region does not have stored, although it knows
// everything up to known: whatever it knew of the key was deleted, and collected since. A store
// that collects tombstones starts from here instead of from a zero Entry, for what it writes
// itself and for what it merges; otherwise an old copy of the deleted entry would come back.
func Fresh(key string, known Context) Entry {
	return Entry{Key: key, Context: known.Clone()}
}

// Put returns the entry after region wrote value. The write supersedes everything in e.
// Its dot is the one after the last of that region in e; see [Entry.PutAt].
func (e Entry) Put(region string, value []byte) Entry {
	return e.PutAt(Dot{Region: region, Count: e.Context[region] + 1}, value)
}

// Delete returns the entry after region deleted it. The deletion supersedes everything in e.
// It is a write like any other and stays as a tombstone; see [Entry.Tombstone].
func (e Entry) Delete(region string) Entry {
	return e.DeleteAt(Dot{Region: region, Count: e.Context[region] + 1})
}

// PutAt is [Entry.Put] with a dot that the caller chose, for stores that count their writes
// across all keys. It panics if e knows the dot already, for the write would be lost in every
// merge.
func (e Entry) PutAt(dot Dot, value []byte) Entry {
	return e.add(Write{Dot: dot, Value: value})
}

// DeleteAt is [Entry.Delete] with a dot that the caller chose; see [Entry.PutAt].
func (e Entry) DeleteAt(dot Dot) Entry {
	return e.add(Write{Dot: dot, Deleted: true})
}

func (e Entry) add(w Write) Entry {
	if e.Context.Covers(w.Dot) {
		panic("replica: " + e.Key + ": a dot of " + w.Dot.Region + " is used twice: count on from the entry's context")
	}
	for _, old := range e.Writes {
		w.Time = max(w.Time, old.Time)
	}
	w.Time = min(w.Time+1, MaxCount) // a peer who lies about the time cannot make it overflow
	context := e.Context.Clone()
	context[w.Dot.Region] = w.Dot.Count
	return Entry{Key: e.Key, Writes: []Write{w}, Context: context}
}

// Merge returns what a and b say together: a write stays if both have it, or if one has it and
// the other never knew it. Merge is commutative, associative and idempotent, so that entries may
// be merged in any order, in any grouping and any number of times. It panics if the entries
// have different keys.
func Merge(a, b Entry) Entry {
	if a.Key != b.Key {
		panic("replica: entries of the keys " + a.Key + " and " + b.Key + " were merged")
	}
	merged := Entry{Key: a.Key, Context: a.Context.Join(b.Context)}
	i, j := 0, 0
	for i < len(a.Writes) || j < len(b.Writes) {
		switch order := compareHeads(a.Writes[i:], b.Writes[j:]); {
		case order < 0:
			if !b.Context.Covers(a.Writes[i].Dot) {
				merged.Writes = append(merged.Writes, a.Writes[i])
			}
			i++
		case order > 0:
			if !a.Context.Covers(b.Writes[j].Dot) {
				merged.Writes = append(merged.Writes, b.Writes[j])
			}
			j++
		default:
			merged.Writes = append(merged.Writes, sameDot(a.Writes[i], b.Writes[j]))
			i, j = i+1, j+1
		}
	}
	return merged
}

// compareHeads orders the first writes of two lists by dot; an empty list comes last.
func compareHeads(a, b []Write) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return cmp.Or(cmp.Compare(a[0].Dot.Region, b[0].Dot.Region), cmp.Compare(a[0].Dot.Count, b[0].Dot.Count))
}

// sameDot is a, and b is the same write. If a peer lies and they differ, all regions still
// have to choose the same one.
func sameDot(a, b Write) Write {
	if order := cmp.Or(rank(a, b), bytes.Compare(a.Value, b.Value)); order < 0 {
		return b
	}
	return a
}

// Winner returns the write that readers get, and whether there is one. It may be a deletion.
// Of concurrent writes a deletion wins, then the higher Lamport time, then the region whose
// name sorts last.
func (e Entry) Winner() (Write, bool) {
	if len(e.Writes) == 0 {
		return Write{}, false
	}
	return slices.MaxFunc(e.Writes, rank), true
}

// rank orders writes by who wins.
func rank(a, b Write) int {
	if a.Deleted != b.Deleted {
		if a.Deleted {
			return 1
		}
		return -1
	}
	return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Dot.Region, b.Dot.Region), cmp.Compare(a.Dot.Count, b.Dot.Count))
}

// Live returns the value that readers get, and false if the entry is deleted or was never
// written.
func (e Entry) Live() (value []byte, ok bool) {
	w, ok := e.Winner()
	return w.Value, ok && !w.Deleted
}

// Conflicts returns the conflict record: the values that were written concurrently with the
// winner and lost, sorted by region. They are gone as soon as a later write supersedes them,
// because who wrote that had seen them.
func (e Entry) Conflicts() []Write {
	winner, _ := e.Winner()
	var lost []Write
	for _, w := range e.Writes {
		if !w.Deleted && w.Dot != winner.Dot {
			lost = append(lost, w)
		}
	}
	return lost
}

// Tombstone tells whether the entry is deletions only. It must be kept until every region
// knows its context.
func (e Entry) Tombstone() bool {
	for _, w := range e.Writes {
		if !w.Deleted {
			return false
		}
	}
	return len(e.Writes) > 0
}

// Equal tells whether both hold the same writes and know the same.
func (e Entry) Equal(other Entry) bool {
	return e.Key == other.Key && maps.Equal(e.Context, other.Context) && e.SameWrites(other)
}

// SameWrites tells whether both hold the same writes, and so say the same to readers and to
// [Digest]. What they know of superseded writes may differ.
func (e Entry) SameWrites(other Entry) bool {
	return slices.EqualFunc(e.Writes, other.Writes, func(a, b Write) bool {
		return a.Dot == b.Dot && a.Time == b.Time && a.Deleted == b.Deleted && bytes.Equal(a.Value, b.Value)
	})
}
