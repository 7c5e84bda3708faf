package roster

import (
	"iter"
	"runtime"
	"sync/atomic"
	"time"
)

// A version is one state of a [Hot] registry. It never changes. What belongs to
// a name is kept in chunks by ordinal, so that the next version shares all but
// the chunks it changed; names that were removed stay on the roll without an
// entry, so that their ordinals keep counting for them.
type version[T any] struct {
	roll
	hits   *hits // nil if lookups are not counted
	chunks []*chunk[T]
	live   int // entries
	order  *order
	number uint64
	tenure *tenure
	era    *era
	built  any // the index of an [Indexed] registry

	under suspensions // what the version lacks because it is suspended
	whole *version[T] // the version with all of it; nil if it is this one
	turns uint64      // how often suspensions changed before it was published
}

// chunkSize is the number of ordinals in a chunk, as many as a word has bits.
const chunkSize = 64

type chunk[T any] struct {
	present uint64 // a bit for each ordinal that has an entry
	values  [chunkSize]T
	entries [chunkSize]*entry[T]
}

// A tenure tells those who hold a version that it is over.
type tenure struct {
	over  atomic.Bool // a later version was published
	ended time.Time   // when that happened; set before over

	// released counts the holders that let go after it was over. When it reaches
	// enough, all holders that the last sweep saw are gone.
	released, enough atomic.Int64
}

// An era is a period in which ordinals mean the same names. When nothing refers
// to it any more, nobody counts by its ordinals any more.
type era struct{ _ *era }

func newVersion[T any]() *version[T] {
	return &version[T]{roll: newRoll(), order: new(order), tenure: new(tenure), era: new(era)}
}

// get finds name and counts that it did, or did not.
func (v *version[T]) get(c *core, name string) (value T, ok bool) {
	n, ok := v.find(name)
	if !ok || !v.has(n) {
		c.missed(v.under, name)
		return value, false
	}
	if v.hits == nil {
		return v.chunks[n/chunkSize].values[n%chunkSize], true
	}
	hit := v.hits.cell(n)
	value = v.chunks[n/chunkSize].values[n%chunkSize]
	hit.Add(1)
	runtime.KeepAlive(v) // its era must not end before the hit is counted
	return value, true
}

// found is get for those who look elsewhere when a name is not found: it counts
// no miss.
func (v *version[T]) found(name string) (value T, ok bool) {
	n, ok := v.find(name)
	if !ok || !v.has(n) {
		return value, false
	}
	if v.hits != nil {
		v.hits.cell(n).Add(1)
		runtime.KeepAlive(v)
	}
	return v.at(n).value, true
}

func (v *version[T]) has(n int) bool {
	return v.chunks[n/chunkSize].present>>(n%chunkSize)&1 != 0
}

// entry returns the entry of name, or nil.
func (v *version[T]) entry(name string) *entry[T] {
	if n, ok := v.find(name); ok {
		return v.at(n)
	}
	return nil
}

func (v *version[T]) at(n int) *entry[T] { return v.chunks[n/chunkSize].entries[n%chunkSize] }

func (v *version[T]) sorted() []string { return v.order.of(&v.roll, v.has) }

func (v *version[T]) all() iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for _, name := range v.sorted() {
			if !yield(name, v.entry(name).value) {
				return
			}
		}
	}
}

// compacted returns v without the names that have no entry, and the ordinals
// in v of the names that stay.
func (v *version[T]) compacted() (next *version[T], was []int) {
	next = newVersion[T]()
	next.number, next.live, next.tenure = v.number, v.live, v.tenure
	for n, name := range v.names {
		if !v.has(n) {
			continue
		}
		var i int
		next.roll, i = next.with(name)
		if i%chunkSize == 0 {
			next.chunks = append(next.chunks, new(chunk[T]))
		}
		next.chunks[i/chunkSize].set(i%chunkSize, v.at(n))
		was = append(was, n)
	}
	if v.hits != nil {
		next.hits = (*hits)(nil).wideEnough(len(was))
	}
	return next, was
}

// set puts e at place i, or clears the place if e is nil.
func (c *chunk[T]) set(i int, e *entry[T]) {
	var v T
	if e != nil {
		v = e.value
		c.present |= 1 << i
	} else {
		c.present &^= 1 << i
	}
	c.values[i], c.entries[i] = v, e
}
