package rostertest_test

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/rostertest"
)

// sound returns a registry that keeps every rule, and the hot registry below it.
func sound() (rostertest.Registry, *roster.Hot[any]) {
	h := roster.NewHot[any](quiet())
	var sealed atomic.Pointer[string]
	return rostertest.Registry{
		Register: func(name string, v any) error {
			if place := sealed.Load(); place != nil {
				return fmt.Errorf("sealed at %s", *place)
			}
			return h.TryRegister(name, v)
		},
		Get: h.Get, Names: h.Names, Lookup: h.Lookup, All: h.All,
		Replace: h.Replace, Unregister: h.Unregister, Reload: h.Reload,
		Seal: func() {
			_, file, line, _ := runtime.Caller(1)
			place := fmt.Sprintf("%s:%d", file, line)
			sealed.Store(&place)
		},
		Deadline: 2 * time.Second,
	}, h
}

var errRefused = errors.New("refused")

// mutants are sound registries with one mistake each.
var mutants = []struct {
	mistake string
	mutate  func(r *rostertest.Registry, h *roster.Hot[any])
	want    []string // the rules that it breaks
}{
	{"none", func(*rostertest.Registry, *roster.Hot[any]) {}, nil},
	{"not empty at first", func(_ *rostertest.Registry, h *roster.Hot[any]) { h.Register("default", 1) }, []string{"fresh"}},
	{"samples that are all alike", func(r *rostertest.Registry, _ *roster.Hot[any]) {
		r.Sample = func(int) any { return "same" }
	}, []string{"fresh"}},
	{"a missing function", func(r *rostertest.Registry, _ *roster.Hot[any]) { r.Names = nil }, []string{"fresh"}},
	{"a default for unknown names", func(r *rostertest.Registry, h *roster.Hot[any]) {
		r.Get = func(name string) (any, bool) {
			if v, ok := h.Get(name); ok {
				return v, true
			}
			return h.Get("gzip")
		}
	}, []string{"found"}},
	{"the empty name is ignored", func(r *rostertest.Registry, h *roster.Hot[any]) {
		r.Register = except(r.Register, func(name string, _ any) bool { return name == "" }, accept)
	}, []string{"empty-name"}},
	{"names are trimmed", func(r *rostertest.Registry, h *roster.Hot[any]) {
		register := r.Register
		r.Register = func(name string, v any) error { return register(strings.TrimSpace(name), v) }
	}, []string{"malformed-name"}},
	{"nil is a value", func(r *rostertest.Registry, h *roster.Hot[any]) {
		r.Register = except(r.Register, func(name string, v any) bool { return v == nil && !slices.Contains(h.Names(), name) }, accept)
	}, []string{"nil-value"}},
	{"Replace takes nil", func(r *rostertest.Registry, _ *roster.Hot[any]) {
		r.Replace = except(r.Replace, func(_ string, v any) bool { return v == nil }, accept)
	}, []string{"nil-value"}},
	{"only v == nil is looked for", func(r *rostertest.Registry, _ *roster.Hot[any]) {
		r.Register = except(r.Register, func(_ string, v any) bool {
			return v != nil && reflect.TypeOf(v).Kind() == reflect.Chan && reflect.ValueOf(v).IsNil()
		}, accept)
	}, []string{"typed-nil"}},
	{"zero is taken for nil", func(r *rostertest.Registry, _ *roster.Hot[any]) {
		r.Register = except(r.Register, func(_ string, v any) bool { return v != nil && reflect.ValueOf(v).IsZero() }, refuse)
	}, []string{"zero-value"}},
	{"a duplicate is dropped without an error", func(r *rostertest.Registry, _ *roster.Hot[any]) {
		register := r.Register
		r.Register = func(name string, v any) error {
			if err := register(name, v); !errors.Is(err, roster.ErrDuplicate) {
				return err
			}
			return nil
		}
	}, []string{"duplicate-refused", "one-winner"}},
	{"a duplicate is refused and wins", func(r *rostertest.Registry, h *roster.Hot[any]) {
		r.Register = func(name string, v any) error {
			err := h.TryRegister(name, v)
			if errors.Is(err, roster.ErrDuplicate) {
				_ = h.Replace(name, v)
			}
			return err
		}
		r.Seal = nil
	}, []string{"first-kept", "one-winner"}},
	{"a clash says nothing about places", func(r *rostertest.Registry, h *roster.Hot[any]) {
		r.Register = except(r.Register, taken(h), refuse)
	}, []string{"duplicate-names-both"}},
	{"a clash names the late place twice", func(r *rostertest.Registry, h *roster.Hot[any]) {
		r.Register = except(r.Register, taken(h), func() error {
			_, file, line, _ := runtime.Caller(2)
			return fmt.Errorf("already registered at %s:%d (refused %[1]s:%[2]d)", file, line)
		})
	}, []string{"duplicate-names-both"}},
	{"nil removes", func(r *rostertest.Registry, h *roster.Hot[any]) {
		r.Register = except(r.Register, func(name string, v any) bool { return v == nil && h.Unregister(name) == nil }, accept)
	}, []string{"nil-removes-nothing"}},
	{"names in reverse", func(r *rostertest.Registry, h *roster.Hot[any]) {
		r.Names = func() []string {
			names := h.Names()
			slices.Reverse(names)
			return names
		}
	}, []string{"names-sorted"}},
	{"All in reverse", func(r *rostertest.Registry, h *roster.Hot[any]) {
		r.All = func() iter.Seq2[string, any] {
			entries := maps.Collect(h.All())
			return func(yield func(string, any) bool) {
				for _, name := range slices.Backward(slices.Sorted(maps.Keys(entries))) {
					if !yield(name, entries[name]) {
						return
					}
				}
			}
		}
	}, []string{"names-sorted"}},
	{"Names hands out its own slice", func(r *rostertest.Registry, h *roster.Hot[any]) {
		var mu sync.Mutex
		byVersion := make(map[uint64][]string)
		r.Names = func() []string {
			mu.Lock()
			defer mu.Unlock()
			version := h.Version()
			if byVersion[version] == nil {
				byVersion[version] = h.Names()
			}
			return byVersion[version]
		}
	}, []string{"names-copied"}},
	{"Get remembers what it found", func(r *rostertest.Registry, h *roster.Hot[any]) {
		var remembered sync.Map
		r.Get = func(name string) (any, bool) {
			if v, ok := remembered.Load(name); ok {
				return v, true
			}
			v, ok := h.Get(name)
			if ok {
				remembered.Store(name, v)
			}
			return v, ok
		}
	}, []string{"write-visible"}},
	{"the error of Lookup only suggests", func(r *rostertest.Registry, h *roster.Hot[any]) {
		r.Lookup = lookup(h, func(name string) error {
			return fmt.Errorf("unknown name; near ones: %q", roster.Nearest(name, h.Names()))
		})
	}, []string{"unknown-lists"}},
	{"the error of Lookup only lists", func(r *rostertest.Registry, h *roster.Hot[any]) {
		r.Lookup = lookup(h, func(name string) error {
			return fmt.Errorf("%q is not among %q", name, h.Names())
		})
	}, []string{"unknown-suggests"}},
	{"All holds a lock", func(r *rostertest.Registry, h *roster.Hot[any]) {
		var mu sync.Mutex
		r.All = func() iter.Seq2[string, any] {
			return func(yield func(string, any) bool) {
				mu.Lock()
				defer mu.Unlock()
				h.All()(yield)
			}
		}
		register := r.Register
		r.Register = func(name string, v any) error {
			mu.Lock()
			defer mu.Unlock()
			return register(name, v)
		}
		r.Seal = nil
	}, []string{"iteration-unlocked"}},
	{"All goes on with what is registered meanwhile", func(r *rostertest.Registry, h *roster.Hot[any]) {
		r.All = func() iter.Seq2[string, any] {
			first := h.All()
			return func(yield func(string, any) bool) {
				last := ""
				for name, v := range first {
					if last = name; !yield(name, v) {
						return
					}
				}
				for name, v := range h.All() {
					if name > last && !yield(name, v) {
						return
					}
				}
			}
		}
		r.Reload = nil
	}, []string{"iteration-unlocked"}},
	{"Replace adds", func(r *rostertest.Registry, h *roster.Hot[any]) {
		r.Replace = func(name string, v any) error {
			if err := h.Replace(name, v); !errors.Is(err, roster.ErrUnknown) {
				return err
			}
			return h.TryRegister(name, v)
		}
	}, []string{"replace-adds-nothing"}},
	{"Unregister removes what is not there", func(r *rostertest.Registry, h *roster.Hot[any]) {
		r.Unregister = func(name string) error { _ = h.Unregister(name); return nil }
	}, []string{"unregister-unknown"}},
	{"Reload only adds", func(r *rostertest.Registry, h *roster.Hot[any]) {
		r.Reload = func(entries map[string]any) error {
			all := maps.Collect(h.All())
			maps.Copy(all, entries)
			return h.Reload(all)
		}
	}, []string{"reload-whole", "reload-atomic"}},
	{"Reload copies at the first read", func(r *rostertest.Registry, h *roster.Hot[any]) {
		var mu sync.Mutex
		var pending map[string]any
		flush := func() {
			mu.Lock()
			defer mu.Unlock()
			if pending != nil {
				_ = h.Reload(pending)
				pending = nil
			}
		}
		register := r.Register
		*r = rostertest.Registry{
			Register: func(name string, v any) error { flush(); return register(name, v) },
			Get:      func(name string) (any, bool) { flush(); return h.Get(name) },
			Names:    func() []string { flush(); return h.Names() },
			Reload: func(entries map[string]any) error {
				mu.Lock()
				defer mu.Unlock()
				if err := roster.NewHot[any](quiet()).Reload(entries); err != nil {
					return err
				}
				if pending = entries; pending == nil {
					return h.Reload(nil)
				}
				return nil
			},
		}
	}, []string{"reload-copies"}},
	{"Reload takes what it can", func(r *rostertest.Registry, h *roster.Hot[any]) {
		r.Reload = func(entries map[string]any) error {
			good := maps.Clone(entries)
			maps.DeleteFunc(good, func(name string, v any) bool { return name == "" || v == nil })
			return errors.Join(h.Reload(good), map[bool]error{true: errRefused}[len(good) < len(entries)])
		}
	}, []string{"reload-all-or-nothing"}},
	{"Seal does nothing", func(r *rostertest.Registry, _ *roster.Hot[any]) { r.Seal = func() {} }, []string{"sealed-refuses"}},
	{"a late write is told nothing", func(r *rostertest.Registry, h *roster.Hot[any]) {
		var sealed atomic.Bool
		r.Seal = func() { sealed.Store(true) }
		r.Register = except(r.Register, func(string, any) bool { return sealed.Load() }, refuse)
	}, []string{"sealed-names-place"}},
	{"copy, change, store without compare", func(r *rostertest.Registry, _ *roster.Hot[any]) {
		var published atomic.Pointer[map[string]any]
		published.Store(&map[string]any{})
		*r = rostertest.Registry{
			Register: func(name string, v any) error {
				// A registry of one call knows what is refused.
				if err := roster.New[any](quiet()).TryRegister(name, v); err != nil {
					return err
				}
				next := maps.Clone(*published.Load())
				if next[name] != nil {
					return errors.New("registered at a.go:1 and at b.go:2")
				}
				runtime.Gosched()
				next[name] = v
				published.Store(&next)
				return nil
			},
			Get:   func(name string) (any, bool) { v, ok := (*published.Load())[name]; return v, ok },
			Names: func() []string { return slices.Sorted(maps.Keys(*published.Load())) },
		}
	}, []string{"no-lost-registration", "one-winner"}},
	{"check, then act", func(r *rostertest.Registry, h *roster.Hot[any]) {
		register := r.Register
		r.Register = func(name string, v any) error {
			_, taken := h.Get(name)
			runtime.Gosched()
			if err := register(name, v); taken || !errors.Is(err, roster.ErrDuplicate) {
				return err
			}
			return nil
		}
	}, []string{"one-winner"}},
	{"Get goes through a shared variable", func(r *rostertest.Registry, h *roster.Hot[any]) {
		var last atomic.Pointer[any]
		r.Get = func(name string) (any, bool) {
			v, ok := h.Get(name)
			last.Store(&v)
			runtime.Gosched()
			return *last.Load(), ok
		}
	}, []string{"concurrent-use"}},
	{"Reload goes name by name", func(r *rostertest.Registry, h *roster.Hot[any]) {
		var mu sync.Mutex // no two at a time
		r.Reload = func(entries map[string]any) error {
			if err := roster.NewHot[any](quiet()).Reload(entries); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, name := range h.Names() {
				_ = h.Unregister(name)
			}
			for name, v := range entries {
				_ = h.TryRegister(name, v)
			}
			return nil
		}
	}, []string{"reload-atomic"}},
}

func accept() error { return nil }

func refuse() error { return errRefused }

// except makes a verb do something else for some calls.
func except(verb func(string, any) error, some func(string, any) bool, instead func() error) func(string, any) error {
	return func(name string, v any) error {
		if some(name, v) {
			return instead()
		}
		return verb(name, v)
	}
}

// taken selects calls that are refused for no other reason than a taken name.
func taken(h *roster.Hot[any]) func(string, any) bool {
	return func(name string, v any) bool { return v != nil && slices.Contains(h.Names(), name) }
}

func lookup(h *roster.Hot[any], unknown func(name string) error) func(string) (any, error) {
	return func(name string) (any, error) {
		if v, ok := h.Get(name); ok {
			return v, nil
		}
		return nil, unknown(name)
	}
}

func TestEachMistakeBreaksItsRule(t *testing.T) {
	t.Parallel()
	for _, m := range mutants {
		t.Run(m.mistake, func(t *testing.T) {
			t.Parallel()
			violations := rostertest.Check(func() rostertest.Registry {
				r, h := sound()
				m.mutate(&r, h)
				return r
			})
			if got := broken(violations); !slices.Equal(got, m.want) {
				t.Errorf("got  %q\nwant %q\n%v", got, m.want, violations)
			}
		})
	}
}

func TestEveryRuleCanBeBroken(t *testing.T) {
	t.Parallel()
	var shown []string
	for _, m := range mutants {
		shown = append(shown, m.want...)
	}
	for _, rule := range rostertest.Rules() {
		assert.True(t, slices.Contains(shown, rule.Name), "a mutant breaks "+rule.Name)
		assert.True(t, rule.Why != "", rule.Name+" says why")
	}
}
