package kill

import (
	"cmp"
	"slices"
)

// A journal has the orders that stand in the order in which the hub learned them. Streams are
// somewhere in it, so that a slow one is no more than far behind.
type journal struct {
	entries []journalEntry    // by seq
	known   map[Target]uint64 // the seq of each target
	head    uint64
	changed chan struct{}       // closed when there is more
	encoded map[uint64]sendable // what follows a place, for as long as nothing is added
}

type journalEntry struct {
	seq   uint64
	order Order
}

type sendable struct {
	lines []byte
	upTo  uint64
}

// add appends the order, and drops the one for its target that no longer stands.
func (j *journal) add(o Order) {
	if old, known := j.known[o.Target]; known {
		at, _ := j.find(old)
		j.entries = slices.Delete(j.entries, at, at+1)
	}
	if j.known == nil {
		j.known = make(map[Target]uint64)
	}
	j.head++
	j.known[o.Target] = j.head
	j.entries = append(j.entries, journalEntry{j.head, o})
	j.encoded = nil
}

// find is where the entry with the seq is, or would be.
func (j *journal) find(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(j.entries, seq, func(e journalEntry, seq uint64) int { return cmp.Compare(e.seq, seq) })
}

func (j *journal) wake() {
	close(j.changed)
	j.changed = make(chan struct{})
}

// after is what a stream at the place has to send to be at the head. All that are at one place
// share the bytes.
func (j *journal) after(place uint64) sendable {
	if s, ok := j.encoded[place]; ok {
		return s
	}
	at, _ := j.find(place + 1)
	var orders []Order
	for _, e := range j.entries[at:] {
		orders = append(orders, e.order)
	}
	s := sendable{upTo: j.head}
	all := batches(orders)
	for i, m := range all {
		if i == len(all)-1 {
			m.Seq = j.head // the others are acknowledged with the last
		}
		s.lines = append(s.lines, m.line()...)
	}
	if j.encoded == nil {
		j.encoded = make(map[uint64]sendable)
	}
	j.encoded[place] = s
	return s
}
