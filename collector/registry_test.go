package collector_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/collector"
	"github.com/roster-go/roster/internal/assert"
)

// quiet keeps test registries out of the process-wide directory.
func quiet() collector.Option {
	return collector.With(roster.Named("status"), roster.In(roster.NewDirectory()))
}

// gauges yields a number under each of its names.
type gauges struct {
	names []string
	value int
}

func (g *gauges) Describe() []collector.Desc { return describe(g.names...) }

func (g *gauges) Collect(_ context.Context, emit func(string, int)) error {
	for _, name := range g.names {
		emit(name, g.value)
	}
	return nil
}

func describe(names ...string) []collector.Desc {
	descs := make([]collector.Desc, len(names))
	for i, name := range names {
		descs[i] = collector.Desc{Name: name, Help: "help for " + name}
	}
	return descs
}

func gauge(value int, names ...string) *gauges { return &gauges{names: names, value: value} }

// line is the line of the caller, for comparison with a site.
func line() int {
	_, _, n, _ := runtime.Caller(1) //nolint:dogsled // the line is all that is asked for
	return n
}

// atLine checks that a site is a line of this test file.
func atLine(t *testing.T, site roster.Site, want int) {
	t.Helper()
	assert.Equal(t, filepath.Base(site.File), "registry_test.go")
	assert.Equal(t, site.Package, "github.com/roster-go/roster/collector_test")
	assert.Equal(t, site.Line, want)
}

// values gathers what must come without an error.
func values(t *testing.T, r *collector.Registry[int]) map[string]int {
	t.Helper()
	results, err := r.Gather(t.Context())
	assert.NoError(t, err)
	return byName(results)
}

func byName(results []collector.Result[int]) map[string]int {
	found := make(map[string]int, len(results))
	for _, result := range results {
		found[result.Name] = result.Value
	}
	return found
}

func TestRegisterDescribesAndGatherCollects(t *testing.T) {
	t.Parallel()
	r := collector.New[int](quiet())
	assert.NoError(t, r.Register(gauge(2, "b", "c")))
	r.MustRegister(gauge(1, "a"), gauge(3, "d"))

	assert.Equal(t, r.Name(), "status")
	assert.Equal(t, r.Names(), []string{"a", "b", "c", "d"})
	assert.Equal(t, r.Describe(), describe("a", "b", "c", "d"))
	results, err := r.Gather(t.Context())
	assert.NoError(t, err)
	want := make([]collector.Result[int], 4)
	for i, v := range []int{1, 2, 2, 3} {
		want[i] = collector.Result[int]{Desc: r.Describe()[i], Value: v}
	}
	assert.Equal(t, results, want)
}

func TestTheRegistryIsAViewOfItsCollectors(t *testing.T) {
	t.Parallel()
	r := collector.New[int](quiet())
	g := gauge(1, "depth", "age")
	r.MustRegister(g)
	assert.Equal(t, r.Len(), 2)
	for name, c := range r.All() {
		assert.True(t, c == g, name+" is described by it")
	}
	c, ok := r.Get("age")
	assert.True(t, ok && c == g, "age is described by it")
	_, err := r.Lookup("dept")
	assert.Equal(t, assert.ErrorAs[*roster.UnknownError](t, err).Nearest, []string{"depth"})
}

func TestAnEmptyRegistryGathersNothing(t *testing.T) {
	t.Parallel()
	r := collector.New[int](quiet())
	assert.Equal(t, values(t, r), map[string]int{})
	assert.Equal(t, len(r.Describe()), 0)
}

func TestTheSameCollectorTwice(t *testing.T) {
	t.Parallel()
	r := collector.New[int](quiet())
	first := gauge(1, "b", "a")
	assert.NoError(t, r.Register(first))
	kept := line() - 1
	err := r.Register(first)
	refused := line() - 1

	e := assert.ErrorAs[*collector.AlreadyRegisteredError[int]](t, err)
	assert.True(t, e.Existing == first, "the registered collector is at hand")
	assert.True(t, errors.Is(err, roster.ErrDuplicate), "errors.Is ErrDuplicate")
	atLine(t, e.Clash.Existing.Site, kept)
	atLine(t, e.Clash.Refused.Site, refused)
	assert.Equal(t, values(t, r), map[string]int{"a": 1, "b": 1})

	// Also if it describes something else by now.
	first.names = []string{"z"}
	assert.ErrorAs[*collector.AlreadyRegisteredError[int]](t, r.Register(first))
	assert.Equal(t, r.Names(), []string{"a", "b"})
}

func TestAConflictRegistersNothing(t *testing.T) {
	t.Parallel()
	own := roster.NewDirectory()
	r := collector.New[int](collector.With(roster.Named("status"), roster.In(own)))
	assert.NoError(t, r.Register(gauge(1, "b")))
	kept := line() - 1
	r.MustRegister(gauge(2, "d"))
	version := own.Registries()[0].Info().Version
	other := constant{"a", "b", "c", "d"}
	err := r.Register(&other)
	refused := line() - 1

	joined, ok := err.(interface{ Unwrap() []error })
	assert.True(t, ok && len(joined.Unwrap()) == 2, "an error for each name that is taken")
	e := assert.ErrorAs[*roster.DuplicateError](t, joined.Unwrap()[0])
	assert.Equal(t, e.Registry, "status")
	assert.Equal(t, e.Name, "b")
	assert.Equal(t, e.Existing.Type, "*collector_test.gauges")
	assert.Equal(t, e.Refused.Type, "*collector_test.constant")
	atLine(t, e.Existing.Site, kept)
	atLine(t, e.Refused.Site, refused)
	assert.Equal(t, assert.ErrorAs[*roster.DuplicateError](t, joined.Unwrap()[1]).Name, "d")

	assert.Equal(t, r.Names(), []string{"b", "d"})
	assert.Equal(t, own.Registries()[0].Info().Version, version)
	assert.Equal(t, values(t, r), map[string]int{"b": 1, "d": 2})
	assert.True(t, !r.Unregister(&other), "it was not registered")
	assert.NoError(t, r.Register(gauge(3, "a", "c"))) // the names it did not get are free
}

// constant yields the length of each of its names. It cannot be compared.
type constant []string

func (c constant) Describe() []collector.Desc { return describe(c...) }

func (c constant) Collect(_ context.Context, emit func(string, int)) error {
	for _, name := range c {
		emit(name, len(name))
	}
	return nil
}

// holder can be compared, or not, as what it holds.
type holder struct {
	name string
	held any
}

func (h holder) Describe() []collector.Desc { return describe(h.name) }

func (h holder) Collect(_ context.Context, emit func(string, int)) error {
	emit(h.name, 1)
	return nil
}

func TestCollectorsThatCannotBeCompared(t *testing.T) {
	t.Parallel()
	for _, c := range []collector.Collector[int]{
		constant{"a"}, holder{"a", []int{1}}, holder{"a", func() {}}, holder{"a", map[int]int{}}, holder{"a", math.NaN()},
	} {
		r := collector.New[int](quiet())
		assert.NoError(t, r.Register(c))
		err := r.Register(c)
		assert.ErrorAs[*roster.DuplicateError](t, err)
		assert.True(t, !errors.As(err, new(*collector.AlreadyRegisteredError[int])), "it is not known to be the same")
		assert.True(t, !r.Unregister(c), "it is not recognised")
		assert.Equal(t, values(t, r), map[string]int{"a": 1})
	}

	// One that compares equal is the same.
	r := collector.New[int](quiet())
	assert.NoError(t, r.Register(holder{"a", 1}))
	assert.ErrorAs[*collector.AlreadyRegisteredError[int]](t, r.Register(holder{"a", 1}))
	assert.True(t, !r.Unregister(holder{"a", 2}), "that is another one")
	assert.True(t, r.Unregister(holder{"a", 1}), "that is the same one")
	assert.True(t, !r.Unregister(nil), "nil is not registered")
}

// panicky panics when it is asked what it is.
type panicky struct{}

func (panicky) Describe() []collector.Desc                              { panic("no configuration yet") }
func (panicky) Collect(context.Context, func(name string, v int)) error { return nil }

func TestFaultyDescriptions(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		collector collector.Collector[int]
		fault     string
		is        error
	}{
		"nil":       {nil, "it is nil", roster.ErrNilValue},
		"typed nil": {(*gauges)(nil), "it is nil", roster.ErrNilValue},
		"nil slice": {constant(nil), "it describes nothing", nil},
		"no names":  {gauge(1), "it describes nothing", nil},
		"twice":     {gauge(1, "a", "b", "a"), `it describes "a" twice`, nil},
		"panic":     {panicky{}, "its Describe panicked", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := roster.NewDirectory()
			r := collector.New[int](collector.With(roster.Named("status"), roster.In(own)))
			err := r.Register(test.collector)
			at := line() - 1
			e := assert.ErrorAs[*collector.DescriptionError](t, err)
			assert.Contains(t, e.Fault, test.fault)
			assert.Equal(t, e.Registry, "status")
			atLine(t, e.Site, at)
			assert.True(t, errors.Is(err, collector.ErrDescription), "errors.Is ErrDescription")
			if test.is != nil {
				assert.True(t, errors.Is(err, test.is), "errors.Is "+test.is.Error())
			}
			assert.Equal(t, own.Registries()[0].Stats().Registrations, []roster.Count{{Name: "", Outcome: roster.Invalid, N: 1}})
			assert.Equal(t, r.Names(), []string{})
		})
	}
	assert.Contains(t, collector.New[int](quiet()).Register(panicky{}).Error(), "no configuration yet", "registry_test.go")
}

func TestMalformedNamesAreRefused(t *testing.T) {
	t.Parallel()
	r := collector.New[int](quiet())
	err := r.Register(gauge(1, "fine", " spaced"))
	at := line() - 1
	e := assert.ErrorAs[*roster.NameError](t, err)
	assert.Equal(t, e.Name, " spaced")
	atLine(t, e.Site, at)
	assert.Equal(t, r.Names(), []string{})
}

func TestMustRegisterPanicsWithTheTypedError(t *testing.T) {
	t.Parallel()
	r := collector.New[int](quiet())
	g := gauge(1, "a")
	var err error
	func() {
		defer func() { err, _ = recover().(error) }()
		r.MustRegister(g, gauge(2, "b"), g, gauge(3, "c"))
	}()
	at := line() - 2
	e := assert.ErrorAs[*collector.AlreadyRegisteredError[int]](t, err)
	atLine(t, e.Clash.Existing.Site, at)
	atLine(t, e.Clash.Refused.Site, at)
	assert.Equal(t, r.Names(), []string{"a", "b"})
}

func TestUnregisterFreesAllNames(t *testing.T) {
	t.Parallel()
	r := collector.New[int](quiet())
	old := gauge(1, "a", "b")
	r.MustRegister(old)
	assert.True(t, r.Unregister(old), "it was registered")
	assert.True(t, !r.Unregister(old), "it was not any more")
	assert.Equal(t, values(t, r), map[string]int{})
	r.MustRegister(gauge(2, "b", "c"), seven("a"))
	assert.Equal(t, values(t, r), map[string]int{"a": 7, "b": 2, "c": 2})
}

func seven(name string) collector.Collector[int] {
	return collector.Func(name, "", func(context.Context) (int, error) { return 7, nil })
}

// early was registered while the package initialised, on the thread that init
// functions are bound to.
var (
	early     = collector.New[int](quiet())
	errEarly  = early.Register(gauge(1, "a", "b"))
	earlyLine = line() - 1
)

func TestTheDirectoryKnowsWhoRegisteredWhat(t *testing.T) {
	t.Parallel()
	assert.NoError(t, errEarly)
	own := roster.NewDirectory()
	r := collector.New[int](collector.With(roster.Named("status"), roster.In(own)))
	r.MustRegister(gauge(1, "a"))
	at := line() - 1

	listed := own.Registries()[0]
	assert.Equal(t, listed.Info().Name, "status")
	assert.Equal(t, listed.Info().Type, "collector.Collector[int]")
	entry := slices.Collect(listed.Entries())[0]
	assert.Equal(t, entry.Name, "a")
	assert.Equal(t, entry.Type, "*collector_test.gauges")
	atLine(t, entry.Registered, at)

	clash := assert.ErrorAs[*roster.DuplicateError](t, early.Register(gauge(2, "b")))
	atLine(t, clash.Existing.Site, earlyLine)
}
