package roster

import (
	"slices"
	"sync/atomic"
)

// A roll is a set of names, numbered from 0 in the order they came: the frozen
// index of a registry. It answers with a name's number, its ordinal; what
// belongs to the name is kept in slices by ordinal.
//
// A roll never changes. [roll.with] returns a longer one, which shares the
// memory of the shorter: new names go behind the end of what the shorter one
// looks at, and only the longest roll may be lengthened. Any number of
// goroutines may read any of them meanwhile.
//
// The hash index is open addressing over buckets of two cells. A cell holds an
// ordinal and, in the bits that leaves over, a tag from the hash; a lookup reads
// one bucket and then the packed name of one ordinal, both from dense arrays,
// where Go's map reads a group of control bytes, a string header and the string.
// Two cells are looked at together because a branch on which of them it is would
// be mispredicted half of the time.
type roll struct {
	index    []atomic.Uint64 // buckets; a cell is 0 or 1+ordinal in the bits of ordinals and a tag in the others
	ordinals uint32          // mask
	used     int             // cells of index that are not free
	keys     [][2]uint64     // first two words of each packed name
	rest     [][2]uint64     // last two words; shorter than keys if the last names are short
	names    []string
}

var freeIndex = make([]atomic.Uint64, 1)

func newRoll() roll { return roll{index: freeIndex} }

// find returns the ordinal of name.
func (r *roll) find(name string) (ordinal int, ok bool) {
	p, hash := pack(name)
	index, ordinals := r.index, r.ordinals
	tag := uint32(hash >> 32)
	for i := hash; ; i++ {
		bucket := index[i&uint64(len(index)-1)].Load()
		first, second := uint32(bucket), uint32(bucket>>32)
		cell := first
		if (first^tag)&^ordinals != 0 {
			cell = second // a conditional move
		}
		for (cell^tag)&^ordinals == 0 {
			n := int(cell&ordinals) - 1
			if uint(n) < uint(len(r.keys)) { // otherwise the cell is free, or a later roll's
				key := &r.keys[n]
				if key[0] == p.w0 && key[1] == p.w1 && (len(name) <= half || r.equalRest(n, name, p)) {
					return n, true
				}
			}
			if cell == second {
				break
			}
			cell = second
		}
		if second == 0 {
			return 0, false
		}
	}
}

func (r *roll) equalRest(n int, name string, p packed) bool {
	return n < len(r.rest) && r.rest[n] == [2]uint64{p.w2, p.w3} &&
		(len(name) <= maxExact || r.names[n] == name)
}

// with returns r with one more name, which r must not have, and the ordinal of
// that name.
func (r *roll) with(name string) (roll, int) {
	p, hash := pack(name)
	next := *r
	n := len(r.names)
	next.names = append(next.names, name)
	next.keys = append(next.keys, [2]uint64{p.w0, p.w1})
	if len(name) > half {
		next.rest = append(next.rest, make([][2]uint64, n-len(r.rest))...)
		next.rest = append(next.rest, [2]uint64{p.w2, p.w3})
	}
	if r.used+1 > indexCapacity(cellsPerBucket*len(r.index)) {
		next.reindex()
	} else {
		next.enter(n, hash)
	}
	return next, n
}

// enter puts ordinal n into the index. A bucket is written while readers of
// shorter rolls probe: they see an ordinal beyond their end, or none.
func (r *roll) enter(n int, hash uint64) {
	cell := uint64(uint32(hash>>32)&^r.ordinals | uint32(n+1))
	r.used++
	for i := hash; ; i++ {
		bucket := &r.index[i&uint64(len(r.index)-1)]
		switch b := bucket.Load(); {
		case b == 0:
			bucket.Store(cell)
			return
		case b>>32 == 0:
			bucket.Store(b | cell<<32)
			return
		}
	}
}

// reindex builds an index of the right size for all names.
func (r *roll) reindex() {
	size := minIndex
	for indexCapacity(size) < len(r.names) {
		size *= 2
	}
	r.index = make([]atomic.Uint64, size/cellsPerBucket)
	r.ordinals = uint32(size - 1)
	r.used = 0
	for n, name := range r.names {
		_, hash := pack(name)
		r.enter(n, hash)
	}
}

const (
	cellsPerBucket = 2

	minIndex   = 64
	smallIndex = 1 << 16 // cells: 256 KiB, which a processor's own cache holds
)

// indexCapacity is how many cells of an index may be in use. A sparse index
// has fewer collisions, each of which costs a mispredicted branch; an index too
// large for the processor's cache costs more than it saves.
func indexCapacity(size int) int {
	switch {
	case size < minIndex:
		return 0
	case size <= smallIndex:
		return size * 3 / 8
	default:
		return size * 3 / 4
	}
}

// sortedNames returns the names that keep accepts, in order.
func (r *roll) sortedNames(keep func(ordinal int) bool) []string {
	sorted := make([]string, 0, len(r.names))
	for n, name := range r.names {
		if keep(n) {
			sorted = append(sorted, name)
		}
	}
	slices.Sort(sorted)
	return sorted
}
