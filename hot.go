package roster

import (
	"errors"
	"iter"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Hot registry is the lifecycle for entries that change while the program
// runs: they can be replaced, removed, and reloaded as a whole while readers
// carry on. Create one with [NewHot].
//
// Every write publishes a new version atomically: a reader sees all of it or
// nothing. Writers take turns, so the last of several concurrent reloads wins
// and none is torn. Readers never lock. Removing or replacing a value does not
// stop whoever already holds it; with [OnRetire] or [CloseRetired] the registry
// tells when the last pin and the last lease that could see the value are gone.
type Hot[T any] struct {
	*core
	validators []func(View[T]) error
	build      func(last any, next *Edition[T]) (any, error) // the index of an [Indexed] registry, or nil

	published atomic.Pointer[version[T]] // never nil
	feed      feed
	drain     drain[T]

	closed atomic.Pointer[callers] // who closed the registry, or nil; written under mu

	mu   sync.Mutex // serialises writers and guards used; readers do not take it
	used int        // index cells in use, also for names of drafts that were dropped
}

// NewHot creates an empty hot registry and lists it in the process's directory
// (see [In]). A registry that is no longer referenced leaves the directory by
// itself.
func NewHot[T any](opts ...HotOption) *Hot[T] {
	s := newSettings[T]()
	for _, opt := range opts {
		opt.forHot(&s)
	}
	h := newHot[T](newCore[T](&s), &s)
	if !s.unlisted {
		list(s.directory, h, h.core)
	}
	return h
}

func newHot[T any](c *core, s *settings) *Hot[T] {
	h := &Hot[T]{core: c}
	for _, validate := range s.validate {
		h.validators = append(h.validators, typed[func(View[T]) error](c, "Validate", validate))
	}
	h.published.Store(newVersion[T]())
	h.drain.init(h, s)
	return h
}

// Register adds v under a name that is not taken and panics with the error of
// [Hot.TryRegister] if that fails.
func (h *Hot[T]) Register(name string, v T) {
	site := callersOf(0)
	if err := h.write(name, site, func(d *Draft[T]) error { return d.register(name, v, site) }); err != nil {
		panic(err)
	}
}

// TryRegister adds v under a name that is not taken. Its errors are those of
// [Registry.TryRegister], with [*SealedError] after [Hot.Close], and a
// [*ValidationError]. A refused value stays the caller's. Use [Hot.Replace] to
// change a name's value.
func (h *Hot[T]) TryRegister(name string, v T) error {
	site := callersOf(0)
	return h.write(name, site, func(d *Draft[T]) error { return d.register(name, v, site) })
}

// Replace gives a registered name a new value. The error is a
// [*NameError] or a [*NilError] for bad input, an [*UnknownError] if the name
// is not registered, a [*ValidationError], or a [*SealedError] after
// [Hot.Close]; the registry is then as it was, and v stays the caller's.
func (h *Hot[T]) Replace(name string, v T) error {
	site := callersOf(0)
	return h.write(name, site, func(d *Draft[T]) error { return d.replace(name, v, site) })
}

// Unregister removes a name. The error is an [*UnknownError] if it is not
// registered, a [*ValidationError], or a [*SealedError] after [Hot.Close].
func (h *Hot[T]) Unregister(name string) error {
	site := callersOf(0)
	return h.write(name, site, func(d *Draft[T]) error { return d.unregister(name, site) })
}

// write publishes what change does to a draft.
func (h *Hot[T]) write(name string, site callers, change func(*Draft[T]) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.shut(name, site); err != nil {
		return err
	}
	d := h.draft(site)
	defer d.end()
	if err := change(d); err != nil {
		return err
	}
	return h.publish(d)
}

// Reload makes entries the whole content of the registry, in one step. The map
// is copied and stays the caller's. A value that is the same as before keeps
// its entry. If any name is malformed, any value nil, or a validator refuses,
// nothing changes, and the error joins a [*NameError] or [*NilError] for each
// fault, sorted by name, or is a [*ValidationError]; it is a [*SealedError]
// after [Hot.Close].
//
// A reload is a transaction and takes the values over: if it fails and the
// registry retires values (see [OnRetire]), those that are new to it are
// retired at once, so that nothing leaks. A value that was retired must not be
// given to the registry again.
func (h *Hot[T]) Reload(entries map[string]T) error {
	site := callersOf(0)
	entries = maps.Clone(entries) // the caller may write to his while we wait for our turn
	var bad []string
	for name, v := range entries {
		if checkName(name) != "" || nilness(v) != "" {
			bad = append(bad, name)
		}
	}
	slices.Sort(bad)
	faults := make([]error, len(bad))
	for i, name := range bad {
		faults[i] = check(h.core, name, entries[name], site)
	}
	return h.transact(site, func(d *Draft[T]) error {
		if len(faults) == 0 {
			d.reload(entries, site)
			return nil
		}
		for name, v := range entries {
			d.take(name, v)
		}
		return errors.Join(faults...)
	})
}

// Update runs f on a draft of the next version and publishes it in one step if
// f returns nil. If f returns an error or panics, or a validator refuses the
// result, nothing changes.
//
// An update is a transaction and takes over every value that f writes to the
// draft: if it fails and the registry retires values (see [OnRetire]), those
// that are new to the registry are retired at once, so that nothing leaks.
//
// Other writers wait while f runs; readers do not. A write to the registry
// itself from within f would wait for ever: f writes to the draft.
func (h *Hot[T]) Update(f func(*Draft[T]) error) error { return h.transact(callersOf(0), f) }

func (h *Hot[T]) transact(site callers, f func(*Draft[T]) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	begun := time.Now()
	d := h.draft(site)
	published := false
	defer func() {
		d.end()
		h.counts.past.reloadTimes.add(time.Since(begun))
		if !published {
			h.counts.past.failedReloads.Add(1)
			h.drain.discard(d.given, d.base)
		}
	}()
	if err := f(d); err != nil {
		return err
	}
	if err := h.shut("", site); err != nil {
		return err
	}
	if err := h.publish(d); err != nil {
		return err
	}
	published = true
	h.counts.past.reloads.Add(1)
	return nil
}

// end takes note of what a draft leaves behind, published or not.
func (d *Draft[T]) end() {
	d.over = true
	current := d.h.current()
	switch {
	case current != d.base: // published
	case &d.next.index[0] == &current.index[0]:
		d.h.used = d.next.used
	default: // the draft filled the index up before it made a larger one
		d.h.used = indexCapacity(cellsPerBucket * len(current.index))
	}
	d.next, d.owned = *current, nil // the memory behind the names of a dropped draft is used again
}

// publish makes a draft the current version if the validators agree. The caller
// holds h.mu.
func (h *Hot[T]) publish(d *Draft[T]) error {
	diff := d.diff()
	if diff.change.size() == 0 {
		h.drain.discard(d.given, d.base)
		return nil
	}
	for _, validate := range h.validators {
		if err := validate(struct{ View[T] }{d}); err != nil { // no more than a view
			return &ValidationError{Registry: h.name, Err: err, Site: d.site.site(h.home())}
		}
	}
	d.widen()
	if err := h.index(&d.next, d.base, &diff.change); err != nil {
		return err
	}
	h.commit(d, diff)
	return nil
}

// A diff is what a draft changes.
type diff[T any] struct {
	change Change
	dead   []grave[T] // entries that are gone
}

func (d *Draft[T]) diff() diff[T] {
	df := diff[T]{change: Change{Version: d.next.number, At: time.Now(), by: d.site, home: d.h.home()}}
	c := &df.change
	for n, old := range d.written {
		e, name := d.next.at(n), d.next.names[n]
		switch {
		case e == old: // for example added and removed again
			continue
		case old == nil:
			c.Added = append(c.Added, name)
			continue
		case e == nil:
			c.Removed = append(c.Removed, name)
		default:
			c.Replaced = append(c.Replaced, name)
		}
		df.dead = append(df.dead, grave[T]{name: name, entry: old, died: d.next.number})
	}
	slices.Sort(c.Added)
	slices.Sort(c.Replaced)
	slices.Sort(c.Removed)
	return df
}

// commit makes a draft the current version. The caller holds h.mu.
func (h *Hot[T]) commit(d *Draft[T], df diff[T]) {
	if df.change.size() == 0 {
		return
	}
	next := &d.next
	h.counts.extend(next.names, next.hits)
	for n, old := range d.written {
		e := next.at(n)
		if e == nil || e == old {
			continue
		}
		h.drain.adopt(e)
		if old == nil {
			h.counts.registered(next.names, next.hits, n)
			h.early.registered(next.names[n], e.site)
		}
	}
	h.install(d, df)
	for _, names := range [][]string{df.change.Added, df.change.Replaced} {
		for _, name := range names {
			loaded(h.core, name, h.peek(name))
		}
	}
}

// widen makes counters for names that are new in d.
func (d *Draft[T]) widen() {
	if d.h.counted {
		d.next.hits = d.next.hits.wideEnough(len(d.next.names))
	}
}

// install makes a draft the current version, without counting what is new in it. The
// caller holds h.mu.
func (h *Hot[T]) install(d *Draft[T], df diff[T]) {
	next := d.next
	current := h.renumbered(&next)
	h.drain.discard(d.given, current)
	h.put(current)
	h.used = current.used
	d.base.tenure.ended = df.change.At
	d.base.tenure.over.Store(true)
	h.feed.publish(df.change)
	h.drain.bury(d.base.tenure, df.dead)
}

// maxDormant is how many names without an entry a roll keeps, if it has not
// even more with one.
const maxDormant = 100

// renumbered leaves out names without an entry when there are too many. The
// caller holds h.mu.
func (h *Hot[T]) renumbered(v *version[T]) *version[T] {
	if len(v.names)-v.live <= max(maxDormant, v.live) {
		return v
	}
	next, was := v.compacted()
	if err := h.index(next, v, nil); err != nil {
		return v // its index is as good as before
	}
	old := h.counts.renumber(next.names, next.hits, was)
	runtime.AddCleanup(v.era, h.counts.settle, old)
	return next
}

// shut refuses a write after Close. The caller holds h.mu.
func (h *Hot[T]) shut(name string, site callers) error {
	closed := h.closed.Load()
	if closed == nil {
		return nil
	}
	home := h.home()
	return &SealedError{Registry: h.name, Name: name, Site: site.site(home), Sealed: closed.site(home), how: "closed"}
}

// Get returns the value registered under name and whether there is one.
func (h *Hot[T]) Get(name string) (T, bool) {
	return h.published.Load().get(h.core, name)
}

// Lookup is [Hot.Get] with an error, an [*UnknownError], that lists what is
// registered, which names come close, and what to import, or a
// [*SuspendedError].
func (h *Hot[T]) Lookup(name string) (T, error) {
	v := h.published.Load()
	value, ok := v.get(h.core, name)
	if !ok {
		if err := v.under.refusal(name); err != nil {
			return value, err
		}
		return value, h.unknown(name, v.sorted(), callersOf(0))
	}
	return value, nil
}

// Peek returns what the registry has under name, suspended or not, and counts
// nothing. It is for the bookkeeping of whoever writes the registry; a value that is
// suspended is not to be given out.
func (h *Hot[T]) Peek(name string) (v T, ok bool) { return valueIn(h.current(), name) }

// Names lists the registered names in sorted order. The slice is the caller's.
func (h *Hot[T]) Names() []string { return slices.Clone(h.published.Load().sorted()) }

// All yields the entries of the version current at the call, in sorted order.
func (h *Hot[T]) All() iter.Seq2[string, T] { return h.published.Load().all() }

// Len is the number of entries.
func (h *Hot[T]) Len() int { return h.published.Load().live }

// Version counts the writes that took effect. It starts at 0.
func (h *Hot[T]) Version() uint64 { return h.published.Load().number }

// Generation grows with everything that changes what lookups give: with each write
// that takes effect, and each suspension and resumption of a name. Whoever keeps
// something that he derived from the registry compares it.
func (h *Hot[T]) Generation() uint64 {
	v := h.published.Load()
	return v.number + v.turns
}
