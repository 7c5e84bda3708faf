package roster

import (
	"errors"
	"iter"
	"slices"
	"strings"
)

// Only returns a view of those entries of v whose names are listed: an
// allow-list. The names need not be registered yet. What is not on the list
// cannot be told from what is not registered, and whoever has the view cannot
// get at v through it.
func Only[T any](v View[T], names ...string) View[T] {
	o := &only[T]{view: v, allowed: make(map[string]bool, len(names))}
	for _, name := range names {
		o.allowed[strings.Clone(name)] = true
	}
	return o
}

type only[T any] struct {
	view    View[T]
	allowed map[string]bool // never changed
}

func (o *only[T]) Name() string { return o.view.Name() }

func (o *only[T]) Get(name string) (v T, ok bool) {
	if !o.allowed[name] {
		return v, false
	}
	return o.view.Get(name)
}

func (o *only[T]) Lookup(name string) (v T, err error) {
	c := core{name: o.view.Name()}
	if !o.allowed[name] {
		return v, c.unknown(name, o.Names(), callersOf(0))
	}
	v, err = o.view.Lookup(name)
	if full, ok := errors.AsType[*UnknownError](err); ok { // it lists what is not allowed
		mine := c.unknown(name, o.Names(), callersOf(0))
		mine.early, mine.Suggested, mine.Providers = full.early, full.Suggested, full.Providers
		return v, mine
	}
	return v, err
}

func (o *only[T]) Names() []string {
	return slices.DeleteFunc(o.view.Names(), func(name string) bool { return !o.allowed[name] })
}

func (o *only[T]) All() iter.Seq2[string, T] {
	all := o.view.All()
	return func(yield func(string, T) bool) {
		for name, v := range all {
			if o.allowed[name] && !yield(name, v) {
				return
			}
		}
	}
}

func (o *only[T]) Len() int { return len(o.Names()) }

func (o *only[T]) peek(name string) *entry[T] {
	if !o.allowed[name] {
		return nil
	}
	return peek(o.view, name)
}
