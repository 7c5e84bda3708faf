package roster_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

// joined are the errors that errors.Join joined.
func joined(t *testing.T, err error) []error {
	t.Helper()
	all, ok := err.(interface{ Unwrap() []error })
	assert.True(t, ok, "joined errors")
	return all.Unwrap()
}

func TestCollectConflictsReportsAllOfThem(t *testing.T) {
	t.Parallel()
	r := roster.New[any](roster.Named("codecs"), roster.CollectConflicts(), quiet())
	assert.NoError(t, r.Verify())
	kept := here().next()
	r.Register("yaml", 1)
	r.Register("json", 1)
	refused := here().next()
	r.Register("yaml", "two")
	r.Register("json", "two")
	r.Register("yaml", 3.0)
	r.Register("xml", 1)

	assert.Equal(t, maps.Collect(r.All()), map[string]any{"json": 1, "xml": 1, "yaml": 1}) // the first stays
	faults := joined(t, r.Verify())
	got := make([]string, len(faults))
	for i, err := range faults {
		assert.True(t, errors.Is(err, roster.ErrDuplicate), "errors.Is ErrDuplicate")
		clash := assert.ErrorAs[*roster.DuplicateError](t, err)
		got[i] = clash.Name + " " + clash.Refused.Type
	}
	assert.Equal(t, got, []string{"json string", "yaml string", "yaml float64"}) // by name, then as they came
	clash := assert.ErrorAs[*roster.DuplicateError](t, faults[1])
	isAt(t, clash.Existing.Site, kept)
	isAt(t, clash.Refused.Site, refused)
	assert.Equal(t, len(joined(t, r.Verify())), 3) // asking does not forget
}

func TestCollectConflictsKeepsOnlyClashesBack(t *testing.T) {
	t.Parallel()
	r := roster.New[*int](roster.CollectConflicts(), quiet())
	one := 1
	r.Register("one", &one)
	for want, f := range map[error]func(){
		roster.ErrInvalidName: func() { r.Register("", &one) },
		roster.ErrNilValue:    func() { r.Register("two", nil) },
	} {
		assert.True(t, errors.Is(panicOf(t, f), want), "a panic with "+want.Error())
	}
	// TryRegister tells its caller, who has been told then.
	assert.True(t, errors.Is(r.TryRegister("one", &one), roster.ErrDuplicate), "TryRegister returns the clash")
	assert.NoError(t, r.Verify())
}

func TestCollectConflictsConcurrentSafe(t *testing.T) {
	t.Parallel()
	const writers, names = 8, 50
	r := roster.New[int](roster.CollectConflicts(), quiet())
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range names {
				r.Register(fmt.Sprint("n", i), w)
				_ = r.Verify()
			}
		})
	}
	wg.Wait()
	assert.Equal(t, r.Len(), names)
	assert.Equal(t, len(joined(t, r.Verify())), (writers-1)*names)
}

func TestKeepIdentical(t *testing.T) {
	t.Parallel()
	one, other := new(1), new(1)
	f := func() {}
	type pair struct{ a, b any }
	for what, tc := range map[string]struct {
		first, second any
		identical     bool
	}{
		"one pointer":                             {one, one, true},
		"two pointers to equal values":            {one, other, false},
		"equal numbers":                           {1, 1, true},
		"different numbers":                       {1, 2, false},
		"equal numbers of two types":              {1, int64(1), false},
		"equal structs":                           {pair{1, "x"}, pair{1, "x"}, true},
		"a function":                              {f, f, false},
		"a slice":                                 {[]int{1}, []int{1}, false},
		"a map":                                   {map[int]int{}, map[int]int{}, false},
		"a struct with a function inside":         {pair{1, f}, pair{1, f}, false},
		"an array with a slice inside":            {[1]any{[]int{}}, [1]any{[]int{}}, false},
		"a struct that only at times is a slice":  {pair{[]int{}, 1}, pair{1, 1}, false},
		"a struct that only afterwards is a func": {pair{1, 1}, pair{f, 1}, false},
	} {
		r := roster.New[any](roster.KeepIdentical(), quiet())
		first := here().next()
		r.Register("name", tc.first)
		err := r.TryRegister("name", tc.second)
		assert.True(t, (err == nil) == tc.identical, fmt.Sprintf("%s: identical is %v", what, tc.identical))
		if err != nil {
			assert.True(t, errors.Is(err, roster.ErrDuplicate), what+" is a clash")
		}
		entry := slices.Collect(r.Entries())[0]
		isAt(t, entry.Registered, first)
		assert.Equal(t, r.Info().Version, uint64(1)) // nothing was written
	}
}

func TestKeepIdenticalIsNotTheDefault(t *testing.T) {
	t.Parallel()
	r := roster.New[int](quiet())
	r.Register("one", 1)
	assert.True(t, errors.Is(r.TryRegister("one", 1), roster.ErrDuplicate), "the same value again is a clash")
}

func TestOverrideWinsInBothOrders(t *testing.T) {
	t.Parallel()
	type step func(r *roster.Registry[string]) place
	register := func(r *roster.Registry[string]) place {
		at := here().next()
		r.Register("json", "stock")
		return at
	}
	override := func(r *roster.Registry[string]) place {
		at := here().next()
		if err := r.Override("json", "fast"); err != nil {
			t.Error(err)
		}
		return at
	}
	for order, steps := range map[string][2]step{
		"registered first": {register, override},
		"overridden first": {override, register},
	} {
		r := roster.New[string](roster.Named("codecs"), quiet())
		r.Register("xml", "stock")
		var registered, overridden place
		for _, s := range steps {
			if at := s(r); at.line == register(roster.New[string](quiet())).line {
				registered = at
			} else {
				overridden = at
			}
		}
		v, err := r.Lookup("json")
		assert.NoError(t, err)
		assert.True(t, v == "fast", order+": the override wins")
		assert.NoError(t, r.Verify())
		assert.Equal(t, r.Names(), []string{"json", "xml"})
		assert.Equal(t, maps.Collect(r.All()), map[string]string{"json": "fast", "xml": "stock"})

		entries := slices.Collect(r.Entries())
		isAt(t, entries[0].Registered, overridden)
		assert.True(t, entries[0].Overrides != nil, order+": the entry says what it stands in for")
		isAt(t, entries[0].Overrides.Site, registered)
		assert.Equal(t, entries[0].Overrides.Type, "string")
		assert.True(t, entries[1].Overrides == nil, "an ordinary entry stands in for nothing")
		assert.Equal(t, r.Info().Version, uint64(3))
	}
}

func TestOverrideTwiceIsAClash(t *testing.T) {
	t.Parallel()
	for order, prepare := range map[string]func(*roster.Registry[string]){
		"nothing registered":   func(*roster.Registry[string]) {},
		"registered":           func(r *roster.Registry[string]) { r.Register("json", "stock") },
		"registered meanwhile": nil,
	} {
		r := roster.New[string](quiet())
		if prepare != nil {
			prepare(r)
		}
		first := here().next()
		assert.NoError(t, r.Override("json", "one"))
		if prepare == nil {
			r.Register("json", "stock")
		}
		second := here().next()
		clash := assert.ErrorAs[*roster.DuplicateError](t, r.Override("json", "two"))
		isAt(t, clash.Existing.Site, first)
		isAt(t, clash.Refused.Site, second)
		v, _ := r.Get("json")
		assert.True(t, v == "one", order+": the first override stays")
	}
}

func TestOverriddenNameIsStillRegisteredOnce(t *testing.T) {
	t.Parallel()
	r := roster.New[string](roster.CollectConflicts(), quiet())
	assert.NoError(t, r.Override("json", "fast"))
	first := here().next()
	r.Register("json", "stock")
	second := here().next()
	r.Register("json", "again")
	clash := assert.ErrorAs[*roster.DuplicateError](t, joined(t, r.Verify())[0])
	// The two that clash are the registrations: the override is not to blame.
	isAt(t, clash.Existing.Site, first)
	isAt(t, clash.Refused.Site, second)
	v, _ := r.Get("json")
	assert.Equal(t, v, "fast")
}

func TestOverrideAfterALookupIsRefused(t *testing.T) {
	t.Parallel()
	r := roster.New[string](roster.Named("codecs"), quiet())
	registered := here().next()
	r.Register("json", "stock")
	r.Register("xml", "stock")
	for range 3 {
		r.Get("json")
	}
	r.Get("yaml") // in vain: nobody holds a value
	late := here().next()
	err := r.Override("json", "fast")
	e := assert.ErrorAs[*roster.OverrideError](t, err)
	assert.Equal(t, e.Lookups, uint64(3))
	isAt(t, e.Existing.Site, registered)
	isAt(t, e.Site, late)
	assert.Contains(t, err.Error(), "3 times", fmt.Sprint("conflict_test.go:", registered.line), fmt.Sprint("conflict_test.go:", late.line))
	v, _ := r.Get("json")
	assert.Equal(t, v, "stock")

	assert.NoError(t, r.Override("xml", "fast"))
	assert.NoError(t, r.Override("yaml", "fast"))

	// Without counts nobody knows of the lookup.
	uncounted := roster.New[string](roster.Uncounted(), quiet())
	uncounted.Register("json", "stock")
	uncounted.Get("json")
	assert.NoError(t, uncounted.Override("json", "fast"))
}

func TestOverrideOfNothingIsReported(t *testing.T) {
	t.Parallel()
	r := roster.New[string](roster.Named("codecs"), quiet())
	r.Register("json", "stock")
	dangling := here().next()
	assert.NoError(t, r.Override("jsom", "fast"))
	assert.NoError(t, r.Override("zzz", "fast"))
	faults := joined(t, r.Verify())
	assert.Equal(t, len(faults), 2)
	e := assert.ErrorAs[*roster.OverrideError](t, faults[0])
	assert.Equal(t, e.Name, "jsom")
	assert.Equal(t, e.Nearest, []string{"json"})
	assert.Equal(t, e.Lookups, uint64(0))
	isAt(t, e.Site, dangling)
	assert.Contains(t, faults[0].Error(), `did you mean "json"?`)
	assert.Equal(t, assert.ErrorAs[*roster.OverrideError](t, faults[1]).Name, "zzz")

	r.Register("jsom", "stock") // it was only early
	assert.Equal(t, len(joined(t, r.Verify())), 1)
}

func TestOverrideChecksItsInput(t *testing.T) {
	t.Parallel()
	r := roster.New[*int](quiet())
	assert.True(t, errors.Is(r.Override("", new(1)), roster.ErrInvalidName), "a malformed name")
	assert.True(t, errors.Is(r.Override("one", nil), roster.ErrNilValue), "a nil value")
	assert.Equal(t, r.Len(), 0)
}

// Whatever the order of packages, the outcome is one.
func TestOverrideDoesNotDependOnTheOrder(t *testing.T) {
	t.Parallel()
	register := func(r *roster.Registry[string]) { r.Register("a", "stock") }
	override := func(r *roster.Registry[string]) { _ = r.Override("a", "fast") }
	clash := func(r *roster.Registry[string]) { r.Register("a", "second") }
	other := func(r *roster.Registry[string]) { r.Register("b", "stock") }
	var outcomes []string
	permute([]func(*roster.Registry[string]){register, override, clash, other}, func(order []func(*roster.Registry[string])) {
		r := roster.New[string](roster.CollectConflicts(), quiet())
		for _, step := range order {
			step(r)
		}
		var text strings.Builder
		for name, v := range r.All() {
			fmt.Fprint(&text, name, "=", v, " ")
		}
		fmt.Fprint(&text, len(joined(t, r.Verify())), " conflicts")
		outcomes = append(outcomes, text.String())
	})
	assert.Equal(t, len(outcomes), 24)
	assert.Equal(t, slices.Compact(outcomes), []string{"a=fast b=stock 1 conflicts"})
}

// permute calls f with every order of list.
func permute[T any](list []T, f func([]T)) {
	if len(list) < 2 {
		f(list)
		return
	}
	for i := range list {
		rest := slices.Delete(slices.Clone(list), i, i+1)
		permute(rest, func(order []T) { f(append([]T{list[i]}, order...)) })
	}
}

func TestOverrideConcurrentSafe(t *testing.T) {
	t.Parallel()
	const rounds = 200
	for range rounds {
		r := roster.New[string](roster.Unlisted())
		var wg sync.WaitGroup
		var refused error
		wg.Go(func() { r.Register("json", "stock") })
		wg.Go(func() { refused = r.Override("json", "fast") })
		wg.Go(func() { r.Get("json") })
		wg.Wait()
		v, _ := r.Get("json")
		want := "fast"
		if refused != nil {
			e := assert.ErrorAs[*roster.OverrideError](t, refused)
			assert.Equal(t, e.Lookups, uint64(1))
			want = "stock"
		}
		assert.Equal(t, v, want)
	}
}
