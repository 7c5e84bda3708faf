package roster

import (
	"context"
	"fmt"
	"iter"
	"slices"
)

// A Pin is a [View] of one version of a [Hot] registry. Whatever is written to
// the registry meanwhile, a pin answers the same, but for names that are
// suspended (see [Directory.Suspend]), and no value it can see is retired before
// it is released. Pin a version where a request enters, resolve
// from the pin until the request is done, and release it then.
//
// A Pin is a small value that may be copied; all copies are one pin, which is
// released once. It is safe for concurrent use. After the release a lookup finds
// nothing, and Lookup says why ([ErrReleased]).
type Pin[T any] struct {
	h     *Hot[T]
	v     *version[T]
	hold  *hold[T]
	state uint64
}

var _ View[int] = Pin[int]{}

// Pin pins the current version. Finding out the calling place, which a report
// of stuck pins names, takes most of its time; where that matters use
// [Hot.PinFor].
func (h *Hot[T]) Pin() Pin[T] { return h.PinFor(&Owner{site: callersOf(0)}) }

// PinFor pins the current version for an owner.
func (h *Hot[T]) PinFor(owner *Owner) Pin[T] {
	hold, state := h.drain.hold()
	if hold.owner.Load() != owner {
		hold.owner.Store(owner)
	}
	if hold.lease.Load() != nil {
		hold.lease.Store(nil)
		h.drain.dropped()
	}
	for {
		v := h.current()
		if old := hold.version.Swap(v); old != nil && old != v {
			h.drain.left(old.tenure)
		}
		if h.current() == v {
			return Pin[T]{h: h, v: v, hold: hold, state: state}
		}
	}
}

// Release lets the pin go. Releasing it again does nothing.
func (p Pin[T]) Release() {
	if p.hold != nil && p.hold.letGo(p.state) && p.v.tenure.over.Load() {
		p.hold.version.CompareAndSwap(p.v, nil) // so that a free hold does not keep it in memory
		p.h.drain.left(p.v.tenure)
	}
}

func (p Pin[T]) held() bool { return p.hold.state.Load() == p.state }

// Name is the registry's own name.
func (p Pin[T]) Name() string { return p.h.name }

// Version is the number of the version that is pinned.
func (p Pin[T]) Version() uint64 { return p.v.number }

// Get returns the value that the pinned version has under name and whether
// there is one.
func (p Pin[T]) Get(name string) (v T, ok bool) {
	if !p.held() {
		return v, false
	}
	if under := p.under(); under != nil && under[name] != nil {
		p.h.missed(under, name)
		return v, false
	}
	return p.v.get(p.h.core, name)
}

// Lookup is [Pin.Get] with an error: an [*UnknownError], a
// [*SuspendedError], or one that is [ErrReleased].
func (p Pin[T]) Lookup(name string) (v T, err error) {
	if !p.held() {
		return v, fmt.Errorf("roster: %s: %q looked up in version %d: %w",
			p.h.name, shortened(name), p.v.number, ErrReleased)
	}
	if under := p.under(); under != nil && under[name] != nil {
		return v, p.h.suspended(under, name)
	}
	v, ok := p.v.get(p.h.core, name)
	if !ok {
		return v, p.h.unknown(name, p.Names(), callersOf(0))
	}
	return v, nil
}

// Names lists the names of the pinned version in sorted order, none after the
// release. The slice is the caller's.
func (p Pin[T]) Names() []string {
	if !p.held() {
		return nil
	}
	names, under := slices.Clone(p.v.sorted()), p.under()
	return slices.DeleteFunc(names, func(name string) bool { return under[name] != nil })
}

// All yields the entries of the pinned version in sorted order, until the
// release.
func (p Pin[T]) All() iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for name, v := range p.v.all() {
			if !p.held() || p.under()[name] == nil && !yield(name, v) {
				return
			}
		}
	}
}

// Len is the number of entries of the pinned version.
func (p Pin[T]) Len() int { return p.v.without(p.under(), p.v.turns).live }

// pinKey is the key of a registry's pin in a context.
type pinKey[T any] struct{ h *Hot[T] }

// Context returns a context that carries the pin, so that [Hot.From] finds it.
func (p Pin[T]) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, pinKey[T]{p.h}, p)
}

// From returns the view of the registry that ctx carries: the version pinned for
// the request, or the registry itself if none is.
func (h *Hot[T]) From(ctx context.Context) View[T] {
	if p, ok := ctx.Value(pinKey[T]{h}).(Pin[T]); ok {
		return p
	}
	return h
}

// A Pinner can pin its current version for a request; every [Hot] is one. It
// lets middleware pin registries of different element types.
type Pinner interface {
	// PinContext returns a context that carries a pin for owner, and the
	// function that releases it.
	PinContext(ctx context.Context, owner *Owner) (context.Context, func())
}

var _ Pinner = (*Hot[int])(nil)

// PinContext pins the current version for owner and returns a context that
// carries the pin, for [Hot.From], and the function that releases it.
func (h *Hot[T]) PinContext(ctx context.Context, owner *Owner) (context.Context, func()) {
	p := h.PinFor(owner)
	return p.Context(ctx), p.Release
}
