package roster_test

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"sync"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

func TestOnlyShowsWhatIsAllowed(t *testing.T) {
	t.Parallel()
	r := roster.New[int](roster.Named("numbers"), quiet())
	for i, name := range []string{"one", "two", "three"} {
		r.Register(name, i+1)
	}
	view := roster.Only(r, "three", "one", "four", "one")
	assert.Equal(t, view.Name(), "numbers")
	assert.Equal(t, view.Names(), []string{"one", "three"})
	assert.Equal(t, view.Len(), 2)
	assert.Equal(t, maps.Collect(view.All()), map[string]int{"one": 1, "three": 3})
	v, ok := view.Get("one")
	assert.True(t, ok && v == 1, "one is allowed")
	v, err := view.Lookup("three")
	assert.NoError(t, err)
	assert.Equal(t, v, 3)
	v, ok = view.Get("two")
	assert.True(t, !ok && v == 0, "two is not")

	r.Register("four", 4) // allowed before it was there
	assert.Equal(t, view.Names(), []string{"four", "one", "three"})

	assert.Equal(t, roster.Only(r).Len(), 0)
	assert.Equal(t, len(maps.Collect(roster.Only(r).All())), 0)
	view.Names()[0] = "scribbled"
	assert.Equal(t, view.Names(), []string{"four", "one", "three"})
	for name := range view.All() {
		assert.Equal(t, name, "four")
		break
	}
}

// Whether a name is kept back or does not exist, the view answers the same.
func TestOnlyDoesNotTellWhatItHides(t *testing.T) {
	t.Parallel()
	r := roster.New[int](roster.Named("numbers"), roster.Known(roster.Catalogue{"hidden": {{Import: "example.com/hidden"}}}), quiet())
	r.Register("shown", 1)
	r.Register("hiddem", 1) // near
	view := roster.Only(r, "shown", "allowed")
	hidden := roster.New[int](roster.Named("numbers"), quiet())
	hidden.Register("shown", 1)
	for _, name := range []string{"hiddem", "hidden", "hidde"} {
		_, err := view.Lookup(name)
		_, want := hidden.Lookup(name)
		assert.Equal(t, err.Error(), want.Error())
		e := assert.ErrorAs[*roster.UnknownError](t, err)
		assert.Equal(t, *e, *assert.ErrorAs[*roster.UnknownError](t, want))
	}
	_, err := view.Lookup("allowed")
	e := assert.ErrorAs[*roster.UnknownError](t, err)
	assert.Equal(t, e.Known, []string{"shown"})
	assert.Equal(t, e.Total, 1)
}

// A view that could be turned back into what it was made of would be a
// formality. Its methods are those of View and no others, whatever is inside.
func TestOnlyCannotBeEscaped(t *testing.T) {
	t.Parallel()
	hot := roster.NewHot[int](quiet())
	pin := hot.Pin()
	defer pin.Release()
	load := func(context.Context, string) (int, error) { return 1, nil }
	want := methodsOf(reflect.TypeFor[roster.View[int]]())
	assert.Equal(t, len(want), 6)
	for name, inside := range map[string]roster.View[int]{
		"registry": roster.New[int](quiet()),
		"hot":      hot,
		"pin":      pin,
		"lazy":     roster.NewLazy(load, quiet()),
		"scope":    roster.NewScope(hot, quiet()),
		"only":     roster.Only(hot, "a", "b"),
	} {
		view := roster.Only(inside, "a")
		assert.Equal(t, methodsOf(reflect.TypeOf(view)), want)
		_, isPinner := view.(roster.Pinner)
		_, isInspector := view.(roster.Inspector)
		assert.True(t, !isPinner && !isInspector, name+": nothing but a View")
		fields := reflect.TypeOf(view).Elem()
		for field := range fields.Fields() {
			assert.True(t, !field.IsExported(), name+": what is inside cannot be reached")
		}
	}
	// Twice restricted is what both lists have.
	hot.Register("a", 1)
	hot.Register("b", 1)
	assert.Equal(t, roster.Only(roster.Only(hot, "a"), "a", "b").Names(), []string{"a"})
}

func methodsOf(t reflect.Type) []string {
	var names []string
	for m := range t.Methods() {
		if m.IsExported() {
			names = append(names, m.Name)
		}
	}
	return names
}

func TestOnlyCountsAtItsSource(t *testing.T) {
	t.Parallel()
	r := roster.New[int](quiet())
	r.Register("a", 1)
	r.Register("b", 1)
	view := roster.Only(r, "a", "none")
	view.Get("a")
	_, _ = view.Lookup("a")
	view.Get("b") // does not reach the registry
	view.Get("none")
	assert.Equal(t, r.Stats().Lookups, []roster.Count{
		{Name: "a", Outcome: roster.Hit, N: 2}, {Name: "none", Outcome: roster.Miss, N: 1},
	})
}

// What an allowed name's lookup fails of must reach the one who looked: that
// the pin was released, that the load failed, which import is missing.
func TestOnlyPassesOnWhyALookupFailed(t *testing.T) {
	t.Parallel()
	lookupsThatSayWhy(t, func(view roster.View[int]) roster.View[int] { return roster.Only(view, "name") })
}

var errOutage = errors.New("the database is down")

// lookupsThatSayWhy checks that a view made by wrap answers with the reason the
// view inside has.
func lookupsThatSayWhy(t *testing.T, wrap func(roster.View[int]) roster.View[int]) {
	t.Helper()
	hot := roster.NewHot[int](quiet())
	hot.Register("name", 1)
	released := hot.Pin()
	released.Release()
	lazy := roster.NewLazy(func(context.Context, string) (int, error) { return 0, errOutage }, quiet())
	known := roster.New[int](quiet(), roster.Known(roster.Catalogue{"name": {{Import: "example.com/provider"}}}))

	_, err := wrap(released).Lookup("name")
	if !errors.Is(err, roster.ErrReleased) {
		t.Errorf("over a released pin: want ErrReleased, got: %v", err)
	}
	_, err = wrap(lazy).Lookup("name")
	if !errors.Is(err, errOutage) {
		t.Errorf("over a lazy registry: want the error of the load, got: %v", err)
	}
	_, err = wrap(known).Lookup("name")
	if e := assert.ErrorAs[*roster.UnknownError](t, err); len(e.Providers) != 1 {
		t.Errorf("over a registry with a catalogue: want the import line, got: %v", err)
	}
}

func TestOnlyConcurrentSafe(t *testing.T) {
	t.Parallel()
	const reloads = 300
	h := roster.NewHot[int](quiet())
	assert.NoError(t, h.Reload(map[string]int{"left": 0, "right": 0, "hidden": 0}))
	view := roster.Only(h, "left", "right")
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				seen := maps.Collect(view.All())
				if len(seen) != 2 || seen["left"] != seen["right"] {
					t.Errorf("torn: %v", seen)
					return
				}
				if _, ok := view.Get("hidden"); ok {
					t.Error("hidden was found")
					return
				}
			}
		})
	}
	for i := range reloads {
		assert.NoError(t, h.Reload(map[string]int{"left": i, "right": i, "hidden": i}))
	}
	close(done)
	wg.Wait()
}
