package roster

import (
	"fmt"
	"iter"
	"maps"
	"math/bits"
	"slices"
)

// A Draft is the next version of a [Hot] registry while [Hot.Update] writes it.
// It is a [View] of itself: reads see what was written to it. Nobody else sees
// any of it until Update publishes it, and nothing is counted.
//
// A Draft is for the function it was handed to: it is not safe for concurrent
// use, and when that function has returned, its writes fail with [ErrReleased]
// and its reads answer from the version that was current then.
type Draft[T any] struct {
	h     *Hot[T]
	site  callers
	base  *version[T]
	next  version[T]
	owned map[int]uint64 // chunks of next that are not shared with base: a bit for each place written to
	given []given[T]     // values written to the draft, for the case that it is dropped
	over  bool
}

type given[T any] struct {
	name  string
	value T
	entry *entry[T] // what it became, or nil if it was refused
}

var _ View[int] = (*Draft[int])(nil)

// draft begins the next version. The caller holds h.mu.
func (h *Hot[T]) draft(site callers) *Draft[T] {
	base := h.current()
	d := &Draft[T]{
		h: h, site: site, base: base, next: *base,
		owned: make(map[int]uint64),
	}
	d.next.used = h.used
	d.next.chunks = slices.Clone(base.chunks)
	d.next.number++
	d.next.tenure = new(tenure)
	return d
}

// set makes e, which may be nil, the entry of name.
func (d *Draft[T]) set(name string, e *entry[T]) {
	v := &d.next
	n, known := v.find(name)
	if !known {
		v.roll, n = v.with(name)
		if n/chunkSize == len(v.chunks) {
			v.chunks = append(v.chunks, new(chunk[T]))
			d.owned[n/chunkSize] = 0
		}
	}
	i := n / chunkSize
	written, own := d.owned[i]
	if !own {
		c := *v.chunks[i]
		v.chunks[i] = &c
	}
	d.owned[i] = written | 1<<(n%chunkSize)
	old := v.at(n)
	switch {
	case old == nil && e != nil:
		v.live++
		v.order = new(order)
	case old != nil && e == nil:
		v.live--
		v.order = new(order)
	}
	v.chunks[i].set(n%chunkSize, e)
}

func (d *Draft[T]) register(name string, v T, site callers) error {
	if err := d.check(name, v, site); err != nil {
		return err
	}
	if existing := d.next.entry(name); existing != nil {
		n, _ := d.next.find(name)
		d.h.counts.duplicated(name, n)
		return duplicate(d.h.core, name, existing, v, site)
	}
	d.put(name, v, site)
	return nil
}

func (d *Draft[T]) replace(name string, v T, site callers) error {
	if err := d.check(name, v, site); err != nil {
		return err
	}
	if d.next.entry(name) == nil {
		return d.h.unknown(name, d.next.sorted(), site)
	}
	d.put(name, v, site)
	return nil
}

func (d *Draft[T]) unregister(name string, site callers) error {
	if d.over {
		return d.released(name)
	}
	if d.next.entry(name) == nil {
		return d.h.unknown(name, d.next.sorted(), site)
	}
	d.set(name, nil)
	return nil
}

// check takes note of the value and refuses bad input.
func (d *Draft[T]) check(name string, v T, site callers) error {
	if d.over {
		return d.released(name)
	}
	d.take(name, v)
	return check(d.h.core, name, v, site)
}

// take remembers a value that was handed over, if there is something to be done
// with it when it does not become part of the registry.
func (d *Draft[T]) take(name string, v T) {
	if d.h.drain.retire != nil {
		d.given = append(d.given, given[T]{name: name, value: v})
	}
}

// put makes a new entry of a value that was just taken.
func (d *Draft[T]) put(name string, v T, site callers) {
	e := newEntry(v, site, d.next.number)
	if n := len(d.given); n > 0 {
		d.given[n-1].entry = e
	}
	d.set(name, e)
}

func (d *Draft[T]) released(name string) error {
	return fmt.Errorf("roster: %s: %q written to a draft after its Update had ended: %w",
		d.h.name, shortened(name), ErrReleased)
}

// Register adds v under a name that is not taken. Its errors are those of
// [Hot.TryRegister].
func (d *Draft[T]) Register(name string, v T) error {
	return d.register(name, v, callersOf(0).within(d.site))
}

// Replace gives a registered name a new value. Its errors are those of
// [Hot.Replace].
func (d *Draft[T]) Replace(name string, v T) error {
	return d.replace(name, v, callersOf(0).within(d.site))
}

// Unregister removes a name. Its errors are those of [Hot.Unregister].
func (d *Draft[T]) Unregister(name string) error {
	return d.unregister(name, callersOf(0).within(d.site))
}

// Name is the registry's own name.
func (d *Draft[T]) Name() string { return d.h.name }

// Get returns the value the draft has under name and whether there is one.
func (d *Draft[T]) Get(name string) (T, bool) {
	if e := d.next.entry(name); e != nil {
		return e.value, true
	}
	var none T
	return none, false
}

// Lookup is [Draft.Get] with an error, an [*UnknownError].
func (d *Draft[T]) Lookup(name string) (T, error) {
	v, ok := d.Get(name)
	if !ok {
		return v, d.h.unknown(name, d.next.sorted(), callersOf(0))
	}
	return v, nil
}

// Names lists the names in the draft in sorted order. The slice is the
// caller's.
func (d *Draft[T]) Names() []string { return slices.Clone(d.next.sorted()) }

// All yields the entries that the draft has at the call, in sorted order.
func (d *Draft[T]) All() iter.Seq2[string, T] {
	names, entries := d.next.sorted(), make(map[string]T, d.next.live)
	for _, name := range names {
		entries[name] = d.next.entry(name).value
	}
	return func(yield func(string, T) bool) {
		for _, name := range names {
			if !yield(name, entries[name]) {
				return
			}
		}
	}
}

// Len is the number of entries.
func (d *Draft[T]) Len() int { return d.next.live }

// reload makes entries the whole content.
func (d *Draft[T]) reload(entries map[string]T, site callers) {
	var added []string
	for name, v := range entries {
		switch old := d.next.entry(name); {
		case old == nil:
			added = append(added, name)
		case !same(old.value, v):
			d.take(name, v)
			d.put(name, v, site)
		}
	}
	slices.Sort(added)
	for _, name := range added {
		d.take(name, entries[name])
		d.put(name, entries[name], site)
	}
	for n, name := range d.base.names {
		if _, keep := entries[name]; !keep && d.base.has(n) {
			d.set(name, nil)
		}
	}
}

// written yields the ordinals that were written to, in order, and the entry that
// each had before, which may be nil.
func (d *Draft[T]) written(yield func(n int, old *entry[T]) bool) {
	for _, i := range slices.Sorted(maps.Keys(d.owned)) {
		for places := d.owned[i]; places != 0; places &= places - 1 {
			n := i*chunkSize + bits.TrailingZeros64(places)
			var old *entry[T]
			if i < len(d.base.chunks) {
				old = d.base.at(n)
			}
			if !yield(n, old) {
				return
			}
		}
	}
}
