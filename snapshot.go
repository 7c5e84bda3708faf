package roster

import (
	"iter"
	"maps"
	"slices"
	"time"
)

// An entry is one value under one name. It never changes; a replacement is a
// new entry that counts on with the same counter.
type entry[T any] struct {
	value   T
	hits    counter
	site    callers
	at      time.Time
	version uint64
}

// A snapshot is one version of a registry. It never changes.
type snapshot[T any] struct {
	index   map[string]*entry[T]
	names   []string // sorted
	version uint64
}

func newSnapshot[T any](index map[string]*entry[T], version uint64) *snapshot[T] {
	return &snapshot[T]{index: index, names: slices.Sorted(maps.Keys(index)), version: version}
}

// get counts a hit or a miss.
func (s *snapshot[T]) get(name string, counts *stats) (T, bool) {
	if e, ok := s.index[name]; ok {
		e.hits.add()
		return e.value, true
	}
	counts.past.misses.add(name, 1)
	var none T
	return none, false
}

func (s *snapshot[T]) all() iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for _, name := range s.names {
			if !yield(name, s.index[name].value) {
				return
			}
		}
	}
}
