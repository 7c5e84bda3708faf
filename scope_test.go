package roster_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

// parents are all kinds of views that a scope can stand over, each with the
// entries shared=1 and base=2.
func parents(t *testing.T) map[string]roster.View[int] {
	t.Helper()
	fixed := roster.New[int](roster.Named("parent"), quiet())
	hot := roster.NewHot[int](roster.Named("parent"), quiet())
	lazy := roster.NewLazy(func(_ context.Context, name string) (int, error) {
		if v := map[string]int{"shared": 1, "base": 2}[name]; v != 0 {
			return v, nil
		}
		return 0, errOutage
	}, roster.Named("parent"), quiet())
	for name, v := range map[string]int{"shared": 1, "base": 2} {
		fixed.Register(name, v)
		hot.Register(name, v)
		lazy.Get(name)
	}
	middle := roster.NewScope(fixed, quiet(), roster.Named("parent"))
	mixed := roster.New[int](roster.Named("parent"), quiet())
	mixed.Register("base", 2)
	mixed.Register("hidden", 3)
	scoped := roster.NewScope(roster.Only(mixed, "base"), quiet(), roster.Named("parent"))
	scoped.Register("shared", 1)
	pin := hot.Pin()
	t.Cleanup(pin.Release)
	return map[string]roster.View[int]{
		"registry": fixed, "hot": hot, "pin": pin, "lazy": lazy, "scope": middle, "scope over only": scoped,
		"only": roster.Only(hot, "shared", "base"), "foreign": foreign{fixed},
	}
}

// foreign is a view that package roster knows nothing of.
type foreign struct{ view roster.View[int] }

func (f foreign) Name() string                           { return f.view.Name() }
func (f foreign) Get(name string) (int, bool)            { return f.view.Get(name) }
func (f foreign) Lookup(name string) (int, error)        { return f.view.Lookup(name) }
func (f foreign) Names() []string                        { return f.view.Names() }
func (f foreign) All() iter.Seq2[string, int]            { return f.view.All() }
func (f foreign) Len() int                               { return f.view.Len() }
func overlay(parent roster.View[int]) *roster.Scope[int] { return roster.NewScope(parent, quiet()) }

func TestScopeOverlaysItsParent(t *testing.T) {
	t.Parallel()
	for kind, parent := range parents(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := overlay(parent)
			assert.Equal(t, s.Name(), "parent (scope)")
			assert.Equal(t, s.Names(), []string{"base", "shared"})
			assert.Equal(t, s.Len(), 2)

			s.Register("alpha", 10)
			s.Register("middle", 11)
			s.Register("zeta", 12)
			assert.NoError(t, s.Override("shared", 13))
			want := map[string]int{"alpha": 10, "base": 2, "middle": 11, "shared": 13, "zeta": 12}
			assert.Equal(t, s.Names(), slices.Sorted(maps.Keys(want)))
			assert.Equal(t, s.Len(), len(want))
			var names []string
			for name, v := range s.All() {
				names = append(names, name)
				assert.Equal(t, v, want[name])
			}
			assert.Equal(t, names, slices.Sorted(maps.Keys(want)))
			for name, value := range want {
				v, ok := s.Get(name)
				assert.True(t, ok && v == value, name+" is found")
				v, err := s.Lookup(name)
				assert.NoError(t, err)
				assert.Equal(t, v, value)
			}
			for stop := range want { // leaving early, at each place
				for name := range s.All() {
					if name == stop {
						break
					}
				}
			}
			_, ok := s.Get("none")
			assert.True(t, !ok, "none is not found")

			// The parent is as it was.
			assert.Equal(t, maps.Collect(parent.All()), map[string]int{"base": 2, "shared": 1})
			v, _ := parent.Get("shared")
			assert.Equal(t, v, 1)
		})
	}
}

func TestScopeRefusesTheParentsNames(t *testing.T) {
	t.Parallel()
	for kind, parent := range parents(t) {
		s := overlay(parent)
		here := here().next()
		err := panicOf(t, func() { s.Register("shared", 2) })
		clash := assert.ErrorAs[*roster.DuplicateError](t, err)
		assert.True(t, errors.Is(err, roster.ErrDuplicate), "errors.Is ErrDuplicate")
		isAt(t, clash.Refused.Site, here)
		if kind != "foreign" { // which cannot tell
			assert.Equal(t, clash.Existing.Site.Package, "github.com/roster-go/roster_test")
			assert.Contains(t, clash.Existing.Site.File, "scope_test.go")
		}
		assert.Equal(t, clash.Existing.Type, "int")
		assert.True(t, errors.Is(s.TryRegister("shared", 2), roster.ErrDuplicate), kind+": TryRegister refuses as well")
		assert.Equal(t, s.Info().Size, 0)
		v, _ := s.Get("shared")
		assert.Equal(t, v, 1)
		assert.Equal(t, s.Stats().Registrations, []roster.Count{{Name: "shared", Outcome: roster.Duplicate, N: 2}})
	}
}

func TestScopeVerbsCheckTheirInput(t *testing.T) {
	t.Parallel()
	parent := roster.New[*int](roster.Named("parent"), quiet())
	one := new(int)
	parent.Register("one", one)
	s := roster.NewScope(parent, quiet())
	for want, err := range map[error]error{
		roster.ErrInvalidName: errors.Join(s.TryRegister("", one), s.Override("", one)),
		roster.ErrNilValue:    errors.Join(s.TryRegister("two", nil), s.Override("one", nil)),
	} {
		for _, e := range joined(t, err) {
			assert.True(t, errors.Is(e, want), want.Error())
		}
		assert.Equal(t, len(joined(t, err)), 2)
	}
	at := here().next()
	e := assert.ErrorAs[*roster.OverrideError](t, s.Override("onee", one))
	assert.Equal(t, e.Nearest, []string{"one"})
	isAt(t, e.Site, at)
	assert.Equal(t, s.Info().Size, 0)

	s.Register("two", one)
	assert.True(t, errors.Is(s.TryRegister("two", one), roster.ErrDuplicate), "a name is registered once")
	assert.NoError(t, s.Override("one", one))
	assert.True(t, errors.Is(s.Override("one", one), roster.ErrDuplicate), "a name is overridden once")
	assert.True(t, errors.Is(s.Override("two", one), roster.ErrDuplicate), "what is the scope's own is not shadowed by itself")
}

func TestScopeOverrideShowsBothPlaces(t *testing.T) {
	t.Parallel()
	parent := roster.NewHot[int](quiet())
	registered := here().next()
	parent.Register("a", 1)
	s := overlay(parent)
	overridden := here().next()
	assert.NoError(t, s.Override("a", 2))
	entries := slices.Collect(s.Entries())
	assert.Equal(t, len(entries), 1)
	isAt(t, entries[0].Registered, overridden)
	isAt(t, entries[0].Overrides.Site, registered)
	assert.Equal(t, s.Info().Lifecycle, roster.Overlay)
}

func TestScopeShowsItsParentsChanges(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](quiet())
	h.Register("a", 1)
	h.Register("b", 1)
	s := overlay(h)
	inner := overlay(s)
	assert.NoError(t, s.Override("b", 20))
	assert.NoError(t, h.Replace("a", 2))
	assert.NoError(t, h.Replace("b", 2))
	assert.NoError(t, h.TryRegister("c", 2))
	for _, view := range []roster.View[int]{s, inner} {
		assert.Equal(t, maps.Collect(view.All()), map[string]int{"a": 2, "b": 20, "c": 2})
	}
	assert.NoError(t, h.Reload(nil))
	assert.Equal(t, maps.Collect(inner.All()), map[string]int{"b": 20})

	// What the scope registered first is the scope's, whatever the parent gets.
	s.Register("mine", 1)
	h.Register("mine", 2)
	v, _ := s.Get("mine")
	assert.Equal(t, v, 1)
	assert.Equal(t, s.Names(), []string{"b", "mine"})
	assert.Equal(t, maps.Collect(s.All()), map[string]int{"b": 20, "mine": 1})
}

func TestScopeAllIsOfTheTimeOfItsCall(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](quiet())
	h.Register("a", 1)
	s := overlay(h)
	s.Register("b", 1)
	before := s.All()
	s.Register("c", 1)
	assert.NoError(t, h.Reload(nil))
	assert.Equal(t, maps.Collect(before), map[string]int{"a": 1, "b": 1})
	assert.Equal(t, maps.Collect(before), map[string]int{"a": 1, "b": 1}) // and again
}

func TestScopeCountsWhereTheValueIs(t *testing.T) {
	t.Parallel()
	r := roster.New[int](quiet())
	r.Register("theirs", 1)
	s := overlay(r)
	s.Register("ours", 1)
	for range 3 {
		s.Get("theirs")
		_, _ = s.Lookup("ours")
		s.Get("none")
	}
	assert.Equal(t, s.Stats().Lookups, []roster.Count{{Name: "ours", Outcome: roster.Hit, N: 3}})
	assert.Equal(t, r.Stats().Lookups, []roster.Count{
		{Name: "none", Outcome: roster.Miss, N: 3}, {Name: "theirs", Outcome: roster.Hit, N: 3},
	})
	assert.Equal(t, slices.Collect(s.Entries())[0].Hits, uint64(3))
}

func TestScopeListsBothInItsErrors(t *testing.T) {
	t.Parallel()
	r := roster.New[int](roster.Named("codecs"), quiet())
	r.Register("json", 1)
	s := overlay(r)
	s.Register("yaml", 1)
	_, err := s.Lookup("jsom")
	e := assert.ErrorAs[*roster.UnknownError](t, err)
	assert.Equal(t, e.Registry, "codecs (scope)")
	assert.Equal(t, e.Known, []string{"json", "yaml"})
	assert.Equal(t, e.Nearest, []string{"json"})
}

func TestScopePassesOnWhyALookupFailed(t *testing.T) {
	t.Parallel()
	lookupsThatSayWhy(t, func(view roster.View[int]) roster.View[int] { return overlay(view) })
}

func TestScopeSeal(t *testing.T) {
	t.Parallel()
	r := roster.New[int](quiet())
	r.Register("a", 1)
	s := overlay(r)
	sealing := here().next()
	s.Seal()
	for verb, write := range map[string]func() error{
		"TryRegister": func() error { return s.TryRegister("b", 1) },
		"Override":    func() error { return s.Override("a", 1) },
	} {
		e := assert.ErrorAs[*roster.SealedError](t, write())
		isAt(t, e.Sealed, sealing)
		assert.True(t, e.Registry == s.Name(), verb+" names the scope")
	}
	r.Register("b", 1) // the parent is open
	assert.Equal(t, s.Names(), []string{"a", "b"})
}

// A scope takes the options of a registry; none of them may be ignored.
func TestScopeHeedsSealAtFirstUse(t *testing.T) {
	t.Parallel()
	for use, lookUp := range map[string]func(s *roster.Scope[int]){
		"its own name":      func(s *roster.Scope[int]) { s.Get("ours") },
		"its parent's name": func(s *roster.Scope[int]) { _, _ = s.Lookup("theirs") },
		"a name in vain":    func(s *roster.Scope[int]) { s.Get("none") },
	} {
		r := roster.New[int](quiet())
		r.Register("theirs", 1)
		s := roster.NewScope(r, quiet(), roster.SealAtFirstUse())
		s.Register("ours", 1)
		lookUp(s)
		assert.True(t, errors.Is(s.TryRegister("late", 1), roster.ErrSealed), "a lookup of "+use+" closes the scope")
	}
}

func TestScopeHeedsCollectConflicts(t *testing.T) {
	t.Parallel()
	r := roster.New[int](quiet())
	r.Register("theirs", 1)
	s := roster.NewScope(r, quiet(), roster.CollectConflicts())
	defer func() {
		if v := recover(); v != nil {
			t.Errorf("Register panics despite CollectConflicts: %v", v)
		}
	}()
	s.Register("ours", 1)
	s.Register("ours", 2)
	s.Register("theirs", 2)
	verifier, ok := any(s).(interface{ Verify() error })
	assert.True(t, ok, "a scope that collects conflicts reports them")
	assert.Equal(t, len(joined(t, verifier.Verify())), 2)
}

func TestScopeHeedsKeepIdentical(t *testing.T) {
	t.Parallel()
	r := roster.New[int](quiet())
	r.Register("theirs", 1)
	s := roster.NewScope(r, quiet(), roster.KeepIdentical())
	s.Register("theirs", 1)
	s.Register("ours", 1)
	s.Register("ours", 1)
	assert.True(t, errors.Is(s.TryRegister("theirs", 2), roster.ErrDuplicate), "another value is a clash")
	assert.Equal(t, s.Info().Size, 1)
}

// Without a name of its own a scope is called after its parent, whatever the
// parent is called and however deep it stands.
func TestScopesNest(t *testing.T) {
	t.Parallel()
	defer func() {
		if v := recover(); v != nil {
			t.Errorf("NewScope panics over a parent with a good name: %.120v…", v)
		}
	}()
	const depth = 50
	r := roster.New[int](quiet(), roster.Named("base"))
	r.Register("n", -1)
	var view roster.View[int] = r
	for i := range depth {
		s := overlay(view)
		assert.NoError(t, s.Override("n", i))
		view = s
	}
	v, ok := view.Get("n")
	assert.True(t, ok && v == depth-1, "the innermost counts")
	assert.Equal(t, view.Names(), []string{"n"})
	long := roster.New[int](quiet(), roster.Named(strings.Repeat("n", roster.MaxNameLen)))
	assert.True(t, len(overlay(long).Name()) <= roster.MaxNameLen, "a name of the greatest length has a scope")
}

// A view of somebody else's making may do anything in its Get, also write to the
// scope that asks. No user code runs under a lock.
func TestScopeCallsItsParentWithoutALock(t *testing.T) {
	t.Parallel()
	base := roster.New[int](quiet())
	base.Register("a", 1)
	var s *roster.Scope[int]
	s = overlay(writesBack{foreign{base}, func() { _ = s.TryRegister("b", 1) }})
	done := make(chan error, 1)
	go func() { done <- s.Override("a", 2) }()
	assert.Eventually(t, func() bool { return len(done) == 1 }, "Override returns")
	assert.NoError(t, <-done)
}

type writesBack struct {
	foreign
	write func()
}

func (w writesBack) Get(name string) (int, bool) {
	if name == "a" {
		w.write()
	}
	return w.foreign.Get(name)
}

func TestScopeConcurrentSafe(t *testing.T) {
	t.Parallel()
	const workers, rounds = 4, 150
	h := roster.NewHot[int](quiet())
	assert.NoError(t, h.Reload(map[string]int{"left": 0, "right": 0}))
	s := overlay(h)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				name := fmt.Sprintf("%d-%d", w, i)
				s.Register(name, i)
				if v, ok := s.Get(name); !ok || v != i {
					t.Errorf("%s is lost", name)
				}
				seen := maps.Collect(s.All())
				if seen["left"] != seen["right"] || seen[name] != i {
					t.Errorf("torn: %v", seen)
				}
				if names := s.Names(); !slices.IsSorted(names) || len(slices.Compact(names)) != len(names) {
					t.Errorf("names out of order or doubled: %v", names)
				}
			}
		})
	}
	wg.Go(func() {
		for i := range rounds {
			if err := h.Reload(map[string]int{"left": i, "right": i}); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	assert.Equal(t, s.Info().Size, workers*rounds)
}
