package roster_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

// A kind makes a registry of each lifecycle with options that all of them take,
// and looks something up in it.
type kind struct {
	name string
	make func(opts ...roster.Option) roster.Inspector
	use  func(roster.Inspector) // a lookup that finds, and one that does not
}

func kinds() []kind {
	lookUp := func(i roster.Inspector) {
		view, _ := i.(roster.View[int])
		view.Get("a")
		view.Get("none")
	}
	return []kind{
		{"registry", func(opts ...roster.Option) roster.Inspector {
			r := roster.New[int](as[roster.RegistryOption](opts)...)
			r.Register("a", 1)
			return r
		}, lookUp},
		{"hot", func(opts ...roster.Option) roster.Inspector {
			h := roster.NewHot[int](as[roster.HotOption](opts)...)
			h.Register("a", 1)
			return h
		}, lookUp},
		{"lazy", func(opts ...roster.Option) roster.Inspector {
			return roster.NewLazy(func(_ context.Context, name string) (int, error) {
				if name != "a" {
					return 0, errors.New("no such thing")
				}
				return 1, nil
			}, as[roster.LazyOption](opts)...)
		}, lookUp},
		{"scope", func(opts ...roster.Option) roster.Inspector {
			s := roster.NewScope(roster.New[int](roster.Unlisted()), as[roster.RegistryOption](opts)...)
			s.Register("a", 1)
			return s
		}, lookUp},
	}
}

func as[O any](opts []roster.Option) []O {
	list := make([]O, len(opts))
	for i, o := range opts {
		list[i], _ = o.(O)
	}
	return list
}

func TestUncountedCountsNoLookups(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		counted := k.make(roster.Unlisted())
		k.use(counted)
		registrations := []roster.Count{{Name: "a", Outcome: roster.Success, N: 1}}
		assert.Equal(t, counted.Stats().Registrations, registrations)
		if k.name != "scope" { // which counts a miss at its parent
			assert.Equal(t, counted.Stats().Lookups, []roster.Count{
				{Name: "a", Outcome: roster.Hit, N: 1}, {Name: "none", Outcome: roster.Miss, N: 1},
			})
		}

		uncounted := k.make(roster.Unlisted(), roster.Uncounted())
		k.use(uncounted)
		assert.Equal(t, uncounted.Stats().Registrations, registrations)
		assert.Equal(t, len(uncounted.Stats().Lookups), 0)
		for e := range uncounted.Entries() {
			assert.Equal(t, e.Hits, uint64(0))
		}
	}
}

func TestListedWhereTheOptionsSay(t *testing.T) {
	t.Parallel()
	count := func(d *roster.Directory, name string) int {
		return len(slices.DeleteFunc(d.Registries(), func(i roster.Inspector) bool { return i.Name() != name }))
	}
	for _, k := range kinds() {
		d, name := roster.NewDirectory(), t.Name()+" "+k.name
		for where, tc := range map[string]struct {
			opts              []roster.Option
			processWide, ours int
		}{
			"nothing said":          {nil, 1, 0},
			"In":                    {[]roster.Option{roster.In(d)}, 0, 1},
			"In nil":                {[]roster.Option{roster.In(nil)}, 1, 0},
			"In, then In nil":       {[]roster.Option{roster.In(d), roster.In(nil)}, 0, 1},
			"Unlisted":              {[]roster.Option{roster.Unlisted()}, 0, 0},
			"Unlisted, whatever In": {[]roster.Option{roster.Unlisted(), roster.In(d)}, 0, 0},
		} {
			unique := name + " " + where
			r := k.make(append(tc.opts, roster.Named(unique))...)
			assert.True(t, count(roster.DefaultDirectory(), unique) == tc.processWide, unique+": in the process-wide directory")
			assert.True(t, count(d, unique) == tc.ours, unique+": in the directory given")
			runtime.KeepAlive(r)
		}
	}
}

func TestTheLastNameCounts(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		assert.Equal(t, k.make(roster.Unlisted(), roster.Named("first"), roster.Named("last")).Name(), "last")
	}
}

func TestEveryConstructorRefusesAMalformedName(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		for _, name := range []string{"", " x", "a\nb", strings.Repeat("n", roster.MaxNameLen+1)} {
			err := panicOf(t, func() { k.make(roster.Unlisted(), roster.Named(name)) })
			e := assert.ErrorAs[*roster.NameError](t, err)
			assert.True(t, e.Site.File != "", k.name+": the place is known")
			assert.True(t, len(err.Error()) < 400, k.name+": a short text even for a long name")
		}
	}
}

func TestInfoNamesThePlaceOfCreation(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		created := k.make(roster.Unlisted()).Info().Created
		assert.Equal(t, created.Package, "github.com/roster-go/roster_test")
		assert.Contains(t, created.File, "option_test.go")
	}
}

// An element type that nobody named may have a very long text.
func TestDefaultNameOfALongTypeIsAName(t *testing.T) {
	t.Parallel()
	type long = struct {
		AnonymousFieldNumberOne, AnonymousFieldNumberTwo, AnonymousFieldNumberThree map[string]map[string]map[string]int
		AnonymousFieldNumberFour, AnonymousFieldNumberFive                          func(int, int) (map[string]string, error)
	}
	defer func() {
		if v := recover(); v != nil {
			t.Errorf("NewHot without a name panics: %.100v…", v)
		}
	}()
	name := roster.NewHot[long](quiet()).Name()
	assert.True(t, name != "" && len(name) <= roster.MaxNameLen, "a constructor without options works for every type")
}

// An option for another element type is a mistake in the program. The panic
// must say which option and which registry, and both types.
func TestOptionsForAnotherElementType(t *testing.T) {
	t.Parallel()
	for text, f := range map[string]func(){
		"OnRetire": func() {
			roster.NewHot[string](quiet(), roster.Named("limits"), roster.OnRetire(func(string, int) error { return nil }))
		},
		"OnRetire of a lazy registry": func() {
			load := func(context.Context, string) (string, error) { return "", nil }
			roster.NewLazy(load, quiet(), roster.Named("limits"), roster.OnRetire(func(string, int) error { return nil }))
		},
		"Validate": func() {
			roster.NewHot[string](quiet(), roster.Named("limits"), roster.Validate(func(roster.View[int]) error { return nil }))
		},
	} {
		said := fmt.Sprint(assert.Panics(t, f))
		assert.Contains(t, said, "roster", "int", "string") // both types
		option, _, _ := strings.Cut(text, " ")
		assert.Contains(t, said, "limits", option)
	}
}

func TestNilFunctionsInOptions(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](quiet(), roster.OnRetire[int](nil), roster.ReportStuck(0, nil))
	h.Register("a", 1)
	assert.NoError(t, h.Unregister("a"))
	assert.NoError(t, h.Drain(t.Context()))
}

// Without a load function no lookup can ever succeed: the mistake is in the
// call of NewLazy and shows best there.
func TestNewLazyRefusesNoLoadFunction(t *testing.T) {
	t.Parallel()
	said := fmt.Sprint(assert.Panics(t, func() { roster.NewLazy[int](nil, quiet()) }))
	assert.Contains(t, said, "load")
}
