package roster

import (
	"iter"
	"runtime"
	"slices"
)

// An Indexed registry is a [Hot] one with an index: what a program needs to find
// entries in another way than by their names, such as a tree of routes or a trie
// of subjects. The index is built from every version before it is published and
// becomes current together with it, in one step. Create one with [NewIndexed].
//
// Reading the index takes no lock. It is shared by all readers and never changes.
// It has entries that are suspended as well: whoever finds an entry through the
// index asks [Hot.Suspended] before he gives it out.
type Indexed[T, X any] struct{ *Hot[T] }

// NewIndexed creates an empty hot registry whose index build makes. Its options
// are those of [NewHot].
//
// Build gets the index of the version before and the version that is to come. It
// must leave last as it is, since readers use it, but what it returns may share
// memory with it. An error of build refuses the write, which returns that very
// error, and nothing changes. Validators run first. Build runs while the write
// holds the registry's lock: other writers wait, and a write from within build
// would wait for ever.
//
// NewIndexed calls build for the first, empty version and panics if that fails.
func NewIndexed[T, X any](build func(last X, next *Edition[T]) (X, error), opts ...HotOption) *Indexed[T, X] {
	s := newSettings[T]()
	for _, opt := range opts {
		opt.forHot(&s)
	}
	h := newHot[T](newCore[T](&s), &s)
	h.build = func(last any, next *Edition[T]) (any, error) {
		lastIndex, _ := last.(X) // zero when there is none to go on from
		return build(lastIndex, next)
	}
	first := h.published.Load()
	if err := h.index(first, first, nil); err != nil {
		panic(err)
	}
	if !s.unlisted {
		list(s.directory, h, h.core)
	}
	return &Indexed[T, X]{h}
}

// Index is the index of the current version.
func (r *Indexed[T, X]) Index() X {
	x, _ := r.published.Load().built.(X)
	return x
}

// IndexOf is the index of a pinned version, and the zero X after the release.
func (r *Indexed[T, X]) IndexOf(p Pin[T]) X {
	var none X
	if !p.held() {
		return none
	}
	x, _ := p.v.built.(X)
	return x
}

// Missed counts a lookup through the index that found nothing, under what was
// looked for. What it finds is counted with [Tally.Hit].
func (r *Indexed[T, X]) Missed(name string) { r.missed(nil, name) }

// An Edition is the version of a registry that an index is built for. It is a
// [View] of that version whose reads are not counted.
type Edition[T any] struct {
	h      *Hot[T]
	base   *version[T]
	v      *version[T]
	change *Change // nil if the index is to be built from everything
}

var _ View[int] = (*Edition[int])(nil)

// index builds the index of v, which follows base by change. The caller holds
// h.mu, or is the only one who knows h.
func (h *Hot[T]) index(v, base *version[T], change *Change) error {
	if h.build == nil {
		return nil
	}
	var last any
	if change != nil {
		last = base.built
	}
	built, err := h.build(last, &Edition[T]{h: h, base: base, v: v, change: change})
	if err != nil {
		return err
	}
	v.built = built
	return nil
}

// Afresh tells that there is no index to go on from: the last one is the zero X,
// and everything counts as added. It is so for the first version, and whenever
// the registry has numbered its counters anew because many names were removed.
func (e *Edition[T]) Afresh() bool { return e.change == nil }

// Change is what differs from the version that the last index was built for.
func (e *Edition[T]) Change() Change {
	if e.change == nil {
		return Change{Version: e.v.number, Added: e.Names()}
	}
	c := *e.change
	c.Added, c.Replaced, c.Removed = slices.Clone(c.Added), slices.Clone(c.Replaced), slices.Clone(c.Removed)
	return c
}

// Previous is the value that the version before had under name.
func (e *Edition[T]) Previous(name string) (v T, ok bool) {
	if e.change == nil {
		return v, false
	}
	return valueIn(e.base, name)
}

// Claim tells the type of an entry and the place that registered it, for the
// text of an error. It is the zero Claim if name is not registered. Finding the
// place out takes microseconds.
func (e *Edition[T]) Claim(name string) Claim {
	if entry := e.v.entry(name); entry != nil {
		return entry.claim(e.h.home())
	}
	return Claim{}
}

// Tally returns the counter of the lookups that find name. An index keeps it
// beside what it finds. It counts nothing if name is not registered or the
// registry is [Uncounted].
func (e *Edition[T]) Tally(name string) Tally {
	n, ok := e.v.find(name)
	if !ok || e.v.hits == nil {
		return Tally{}
	}
	return Tally{hits: e.v.hits, ordinal: n, era: e.v.era}
}

// A Tally counts the lookups of one entry that an index found by other means than
// its name. It is a small value that may be copied, and is safe for concurrent
// use. The zero Tally counts nothing.
type Tally struct {
	hits    *hits
	ordinal int
	era     *era // must not end before the last hit is counted
}

// Hit counts one lookup that found the entry.
func (t Tally) Hit() {
	if t.hits == nil {
		return
	}
	t.hits.cell(t.ordinal).Add(1)
	runtime.KeepAlive(t.era)
}

// Name is the registry's own name.
func (e *Edition[T]) Name() string { return e.h.name }

// Get returns the value of name in the version that is to come.
func (e *Edition[T]) Get(name string) (T, bool) { return valueIn(e.v, name) }

// Lookup is [Edition.Get] with an error, an [*UnknownError].
func (e *Edition[T]) Lookup(name string) (T, error) {
	v, ok := e.Get(name)
	if !ok {
		return v, e.h.unknown(name, e.v.sorted(), callersOf(0))
	}
	return v, nil
}

// Names lists the names of the version that is to come in sorted order. The
// slice is the caller's.
func (e *Edition[T]) Names() []string { return slices.Clone(e.v.sorted()) }

// All yields the entries of the version that is to come in sorted order.
func (e *Edition[T]) All() iter.Seq2[string, T] { return e.v.all() }

// Len is the number of entries.
func (e *Edition[T]) Len() int { return e.v.live }

func valueIn[T any](v *version[T], name string) (value T, ok bool) {
	if entry := v.entry(name); entry != nil {
		return entry.value, true
	}
	return value, false
}
