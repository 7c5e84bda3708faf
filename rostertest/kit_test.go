package rostertest_test

import (
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/rostertest"
)

// quiet keeps the registries of tests out of the process's directory.
func quiet() roster.Option { return roster.In(roster.NewDirectory()) }

func TestRegistryConforms(t *testing.T) {
	t.Parallel()
	rostertest.Run(t, func() rostertest.Registry {
		r := roster.New[any](quiet())
		return rostertest.Registry{
			Register: r.TryRegister, Get: r.Get, Names: r.Names, Lookup: r.Lookup, All: r.All, Seal: r.Seal,
		}
	})
}

func TestHotConforms(t *testing.T) {
	t.Parallel()
	rostertest.Run(t, func() rostertest.Registry {
		h := roster.NewHot[any](quiet())
		return rostertest.Registry{
			Register: h.TryRegister, Get: h.Get, Names: h.Names, Lookup: h.Lookup, All: h.All,
			Replace: h.Replace, Unregister: h.Unregister, Reload: h.Reload,
		}
	})
}

func TestScopeConforms(t *testing.T) {
	t.Parallel()
	rostertest.Run(t, func() rostertest.Registry {
		s := roster.NewScope(roster.New[any](quiet()), quiet())
		return rostertest.Registry{
			Register: s.TryRegister, Get: s.Get, Names: s.Names, Lookup: s.Lookup, All: s.All, Seal: s.Seal,
		}
	})
}

// A Register that panics refuses as well as one that returns an error.
func TestPanickingRegisterConforms(t *testing.T) {
	t.Parallel()
	assert.Equal(t, broken(rostertest.Check(func() rostertest.Registry {
		r := roster.New[any](quiet())
		return rostertest.Registry{
			Register: func(name string, v any) error { r.Register(name, v); return nil },
			Get:      r.Get, Names: r.Names, Lookup: r.Lookup, All: r.All, Seal: r.Seal,
		}
	})), nil)
}

type encoder interface{ Encode(v any) string }

type upper struct{ prefix string }

func (u upper) Encode(any) string { return u.prefix }

// The kit works with a registry of one type, whichever kind of type it is.
func TestTypedRegistriesConform(t *testing.T) {
	t.Parallel()
	t.Run("interface", func(t *testing.T) {
		t.Parallel()
		rostertest.Run(t, func() rostertest.Registry {
			return typed(nullable[encoder], func(i int) any { return upper{string(rune(i))} })
		})
	})
	t.Run("interface of pointers", func(t *testing.T) {
		t.Parallel()
		rostertest.Run(t, func() rostertest.Registry {
			return typed(nullable[encoder], func(i int) any { return &upper{string(rune(i))} })
		})
	})
	t.Run("number", func(t *testing.T) {
		t.Parallel()
		rostertest.Run(t, func() rostertest.Registry {
			return typed(func(v any) int { return v.(int) }, func(i int) any { return i })
		})
	})
	t.Run("slice", func(t *testing.T) {
		t.Parallel()
		rostertest.Run(t, func() rostertest.Registry {
			return typed(func(v any) []int { return v.([]int) }, func(i int) any { return []int{i} })
		})
	})
	t.Run("function", func(t *testing.T) {
		t.Parallel()
		rostertest.Run(t, func() rostertest.Registry {
			r := typed(nullable[func() int], func(i int) any { return func() int { return i } })
			r.Same = func(a, b any) bool { return a.(func() int)() == b.(func() int)() }
			return r
		})
	})
}

// nullable lets nil through to the registry.
func nullable[T any](v any) T {
	t, _ := v.(T)
	return t
}

// typed adapts a registry with elements of one type.
func typed[T any](as func(any) T, sample func(i int) any) rostertest.Registry {
	h := roster.NewHot[T](quiet())
	return rostertest.Registry{
		Register: func(name string, v any) error { return h.TryRegister(name, as(v)) },
		Get:      func(name string) (any, bool) { return h.Get(name) },
		Lookup:   func(name string) (any, error) { return h.Lookup(name) },
		Names:    h.Names,
		Replace:  func(name string, v any) error { return h.Replace(name, as(v)) },
		Reload: func(entries map[string]any) error {
			set := make(map[string]T)
			for name, v := range entries {
				set[name] = as(v)
			}
			return h.Reload(set)
		},
		Unregister: h.Unregister,
		Sample:     sample,
	}
}

// broken are the names of the violated rules, in order.
func broken(violations []rostertest.Violation) []string {
	var names []string
	for _, v := range violations {
		names = append(names, v.Rule.Name)
	}
	return names
}
