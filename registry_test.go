package roster_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

// quiet keeps test registries out of the process-wide directory.
func quiet() roster.Option { return roster.In(roster.NewDirectory()) }

func TestRegistryHoldsWhatWasRegistered(t *testing.T) {
	t.Parallel()
	r := roster.New[int](roster.Named("numbers"), quiet())
	r.Register("two", 2)
	r.Register("one", 1)
	r.Register("zero", 0) // a zero that is a value

	v, ok := r.Get("one")
	assert.Equal(t, v, 1)
	assert.True(t, ok, "one is registered")
	v, ok = r.Get("three")
	assert.Equal(t, v, 0)
	assert.True(t, !ok, "three is not registered")
	v, err := r.Lookup("zero")
	assert.NoError(t, err)
	assert.Equal(t, v, 0)

	assert.Equal(t, r.Name(), "numbers")
	assert.Equal(t, r.Len(), 3)
	assert.Equal(t, r.Names(), []string{"one", "two", "zero"})
	assert.Equal(t, maps.Collect(r.All()), map[string]int{"one": 1, "two": 2, "zero": 0})
}

func TestNamesBelongsToTheCaller(t *testing.T) {
	t.Parallel()
	for _, names := range []func() []string{
		func() func() []string { r := roster.New[int](quiet()); r.Register("a", 1); return r.Names }(),
		func() func() []string { h := roster.NewHot[int](quiet()); h.Register("a", 1); return h.Names }(),
	} {
		names()[0] = "scribbled"
		assert.Equal(t, names(), []string{"a"})
	}
}

func TestDefaultNameIsTheElementType(t *testing.T) {
	t.Parallel()
	assert.Equal(t, roster.New[io.Reader](quiet()).Name(), "io.Reader")
	assert.Equal(t, roster.NewHot[func(string) error](quiet()).Name(), "func(string) error")
}

type codec interface{ Encode() }

type jsonCodec struct{}

func (*jsonCodec) Encode() {}

func TestNilIsRefused(t *testing.T) {
	t.Parallel()
	var typedNil *jsonCodec
	codecs := roster.New[codec](roster.Named("codecs"), quiet())
	for text, register := range map[string]func() error{
		"a nil roster_test.codec": func() error { return codecs.TryRegister("json", nil) },
		"a nil *roster_test.jsonCodec inside the interface roster_test.codec": func() error {
			return codecs.TryRegister("json", typedNil)
		},
		"a nil func()":         func() error { return roster.New[func()](quiet()).TryRegister("json", nil) },
		"a nil map[string]int": func() error { return roster.New[map[string]int](quiet()).TryRegister("json", nil) },
		"a nil chan int":       func() error { return roster.New[chan int](quiet()).TryRegister("json", nil) },
		"a nil *int":           func() error { return roster.New[*int](quiet()).TryRegister("json", nil) },
		"a nil interface {}":   func() error { return roster.New[any](quiet()).TryRegister("json", nil) },
		"a nil func() inside the interface interface {}": func() error {
			var f func()
			return roster.New[any](quiet()).TryRegister("json", f)
		},
	} {
		err := register()
		e := assert.ErrorAs[*roster.NilError](t, err)
		assert.Equal(t, e.What, text)
		assert.True(t, errors.Is(err, roster.ErrNilValue), "errors.Is ErrNilValue")
		assert.Equal(t, filepath.Base(e.Site.File), "registry_test.go")
	}
	assert.Equal(t, codecs.Len(), 0)

	// What is zero but works is a value.
	assert.NoError(t, roster.New[int](quiet()).TryRegister("zero", 0))
	assert.NoError(t, roster.New[struct{}](quiet()).TryRegister("unit", struct{}{}))
	assert.NoError(t, roster.New[[]int](quiet()).TryRegister("empty", nil))
	assert.NoError(t, roster.New[any](quiet()).TryRegister("zero", 0))
	assert.NoError(t, codecs.TryRegister("json", &jsonCodec{}))
}

func TestMalformedNamesAreRefused(t *testing.T) {
	t.Parallel()
	r := roster.New[int](roster.Named("numbers"), quiet())
	for name, fault := range map[string]string{
		"":                       "it is empty",
		strings.Repeat("n", 257): "it has 257 bytes, the limit is 256",
		"a\xff":                  "it is not valid UTF-8",
		" a":                     "it starts or ends with white space",
		"a\n":                    "it starts or ends with white space",
		"a\x00b":                 "it contains U+0000, which does not print",
		"a\u200bb":               "it contains U+200B, which does not print",
	} {
		err := r.TryRegister(name, 1)
		e := assert.ErrorAs[*roster.NameError](t, err)
		assert.Equal(t, e.Fault, fault)
		assert.True(t, errors.Is(err, roster.ErrInvalidName), "errors.Is ErrInvalidName")
		assert.True(t, len(err.Error()) < 400, "a short text even for a long name")
	}
	assert.Equal(t, r.Len(), 0)
	for _, name := range []string{"a", "a b", "a/b.c-d_e", "Ünïcode", strings.Repeat("n", 256)} {
		assert.NoError(t, r.TryRegister(name, 1))
	}
}

func TestRegisterPanicsWithTheTypedError(t *testing.T) {
	t.Parallel()
	r := roster.New[int](roster.Named("numbers"), quiet())
	r.Register("one", 1)
	for want, f := range map[error]func(){
		roster.ErrDuplicate:   func() { r.Register("one", 2) },
		roster.ErrInvalidName: func() { r.Register("", 2) },
		roster.ErrNilValue:    func() { roster.New[*int](quiet()).Register("one", nil) },
	} {
		err, ok := assert.Panics(t, f).(error)
		assert.True(t, ok && errors.Is(err, want), "a panic with "+want.Error())
	}
	v, _ := r.Get("one")
	assert.Equal(t, v, 1) // the first one is kept
}

func TestConstructorRefusesAMalformedName(t *testing.T) {
	t.Parallel()
	err, ok := assert.Panics(t, func() { roster.New[int](roster.Named("a\tb"), quiet()) }).(error)
	assert.True(t, ok && errors.Is(err, roster.ErrInvalidName), "a panic with ErrInvalidName")
	assert.Contains(t, err.Error(), "registry_test.go:")
}

// TestErrorTexts compares the texts people read with a golden file. Run with
// -update to accept a change.
func TestErrorTexts(t *testing.T) {
	t.Parallel()
	r := roster.New[any](roster.Named("drivers"), quiet())
	var b strings.Builder
	note := func(situation string, err error) { fmt.Fprintf(&b, "== %s\n%v\n\n", situation, err) }

	_, err := r.Lookup("postgres")
	note("nothing registered", err)
	r.Register("postgres", 1)
	r.Register("mysql", 2)
	note("name taken", r.TryRegister("postgres", "another"))
	note("empty name", r.TryRegister("", 1))
	note("typed nil", r.TryRegister("sqlite", (*jsonCodec)(nil)))
	_, err = r.Lookup("posgres")
	note("a slip", err)
	_, err = r.Lookup("oracle")
	note("nothing near", err)
	for i := range 30 {
		r.Register(fmt.Sprintf("driver%02d", i), i)
	}
	_, err = r.Lookup("oracle")
	note("many registered", err)

	noteLifecycles(note)

	// Keep what does not depend on where the tree lies.
	text := regexp.MustCompile(`[^ ]*/?registry_test\.go:\d+`).ReplaceAllString(b.String(), "registry_test.go:N")
	text = regexp.MustCompile(`\(github.com/roster-go/roster.*?\)\)?`).ReplaceAllString(text, "(MODULE)")
	golden := filepath.Join("testdata", "errors.golden")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		assert.NoError(t, os.WriteFile(golden, []byte(text), 0o600))
	}
	want, err := os.ReadFile(golden)
	assert.NoError(t, err)
	assert.Equal(t, text, string(want))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// noteLifecycles notes the texts that belong to a lifecycle, a policy or a
// catalogue.
func noteLifecycles(note func(situation string, err error)) {
	r := roster.New[any](roster.Named("drivers"), quiet(), roster.Known(drivers()))
	_, err := r.Lookup("sqlite3")
	note("nothing registered, but known who would", err)
	r.Register("mysql", 1)
	_, err = r.Lookup("postgres")
	note("not registered, but known who would", err)
	_, err = r.Lookup("posgres")
	note("a slip for what is known and not registered", err)

	r.Get("mysql")
	note("override too late", r.Override("mysql", 2))
	must(r.Override("myqsl", 2))
	note("overridden twice", r.Override("myqsl", 3))
	note("override of nothing", r.Verify())
	r.Seal()
	note("a late write", r.TryRegister("oracle", 1))
	note("a late override", r.Override("oracle", 1))
	note("override in a scope of nothing", roster.NewScope(r, quiet()).Override("myslq", 1))
	note("a scope's name taken by its parent", roster.NewScope(r, quiet()).TryRegister("mysql", 1))

	l := roster.NewLazy(func(_ context.Context, name string) (codec, error) {
		if name == "nil" {
			return (*jsonCodec)(nil), nil
		}
		return nil, errors.New("dial tcp 127.0.0.1:5432: connection refused")
	}, roster.Named("tenants"), quiet())
	_, err = l.Lookup("acme")
	note("a load that failed", err)
	_, err = l.Lookup("nil")
	note("a load that returned a nil", err)
	_, err = l.Lookup("")
	note("a lookup of an empty name", err)

	h := roster.NewHot[int](roster.Named("limits"), quiet(), roster.Validate(func(next roster.View[int]) error {
		if free, ok := next.Get("free"); ok && free > 100 {
			return fmt.Errorf("free is %d, the most is 100", free)
		}
		return nil
	}))
	h.Register("free", 10)
	note("refused by a validator", h.Replace("free", 1000))
	lease, err := h.Lease("free")
	must(err)
	pin := h.PinFor(roster.NewOwner(0).For("GET /orders/7"))
	must(h.Replace("free", 20))
	over, cancel := context.WithCancel(context.Background())
	cancel()
	note("stuck", h.Drain(over))
	lease.Release()
	pin.Release()
	_, err = pin.Lookup("free")
	note("a pin after its release", err)
	must(h.Close(context.Background()))
	note("a write after Close", h.Replace("free", 30))
	note("a reload after Close", h.Reload(map[string]int{"free": 30}))
}

func TestLookupMissCarriesWhatIsKnown(t *testing.T) {
	t.Parallel()
	r := roster.New[int](roster.Named("drivers"), quiet())
	for _, name := range []string{"mysql", "postgres", "sqlite"} {
		r.Register(name, 1)
	}
	_, err := r.Lookup("Posgres")
	assert.True(t, errors.Is(err, roster.ErrUnknown), "errors.Is ErrUnknown")
	e := assert.ErrorAs[*roster.UnknownError](t, err)
	assert.Equal(t, *e, roster.UnknownError{
		Registry: "drivers", Name: "Posgres", Total: 3,
		Known: []string{"mysql", "postgres", "sqlite"}, Nearest: []string{"postgres"},
	})
	_, err = r.Lookup(strings.Repeat("x", 1<<20))
	assert.True(t, len(err.Error()) < 400, "a short text even for a long name")
}

// Names that are looked up come from outside. The advice in an error must not
// cost more than a page of memory for each of them.
func TestLookupInVainIsCheapAmongMany(t *testing.T) {
	r := roster.New[int](quiet())
	for i := range 10_000 {
		r.Register(fmt.Sprint("name of a value ", i), i)
	}
	r.Names()
	allocs := testing.AllocsPerRun(3, func() { _, _ = r.Lookup("name of another") })
	assert.True(t, allocs < 100, fmt.Sprint("few allocations for a lookup in vain among 10,000 names, there were ", allocs))
}

// register is a wrapper of the kind libraries put over their registry.
func register(r *roster.Registry[int], name string) { r.Register(name, 1) }

func TestSiteOfARegistration(t *testing.T) {
	t.Parallel()
	r := roster.New[int](roster.Named("numbers"), quiet())
	register(r, "one")
	entry := slices.Collect(entriesOf(r))[0]
	assert.Equal(t, entry.Name, "one")
	assert.Equal(t, entry.Type, "int")
	site := entry.Registered
	// The registry's own package registered it, so the innermost frame counts.
	assert.Equal(t, site.Function, "github.com/roster-go/roster_test.register")
	assert.Equal(t, site.Package, "github.com/roster-go/roster_test")
	assert.Equal(t, site.Module, "github.com/roster-go/roster")
	assert.Equal(t, filepath.Base(site.File), "registry_test.go")
	assert.Contains(t, site.String(), "registry_test.go:", "in package github.com/roster-go/roster_test (github.com/roster-go/roster")
	assert.Contains(t, r.Info().Created.Function, "TestSiteOfARegistration")
}

func TestRegistryAgainstAMap(t *testing.T) {
	t.Parallel()
	r := roster.New[int](quiet())
	model := map[string]int{}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 20_000 {
		name := fmt.Sprint("n", random.IntN(2_000))
		switch random.IntN(4) {
		case 0:
			_, taken := model[name]
			err := r.TryRegister(name, i)
			assert.Equal(t, errors.Is(err, roster.ErrDuplicate), taken)
			if !taken {
				model[name] = i
			}
		case 1:
			assert.Equal(t, r.Len(), len(model))
		default:
			v, ok := r.Get(name)
			want, exists := model[name]
			assert.Equal(t, v, want)
			assert.Equal(t, ok, exists)
		}
	}
	assert.Equal(t, r.Names(), slices.Sorted(maps.Keys(model)))
	assert.Equal(t, maps.Collect(r.All()), model)
}

func TestRegistryConcurrentSafe(t *testing.T) {
	t.Parallel()
	const writers, readers, names = 4, 4, 300
	r := roster.New[int](quiet())
	var wg sync.WaitGroup
	won := make([]int, writers)
	for w := range writers {
		wg.Go(func() {
			for i := range names {
				if r.TryRegister(fmt.Sprint("n", i), w) == nil {
					won[w]++
				}
			}
		})
	}
	for range readers {
		wg.Go(func() {
			for i := range names {
				name := fmt.Sprint("n", i)
				if v, ok := r.Get(name); ok {
					again, _ := r.Get(name)
					if again != v {
						t.Errorf("%s changed from %d to %d", name, v, again)
					}
				}
				last := ""
				for name := range r.All() {
					if name <= last {
						t.Errorf("%q after %q", name, last)
					}
					last = name
				}
			}
		})
	}
	wg.Wait()
	sum := 0
	for _, n := range won {
		sum += n
	}
	assert.Equal(t, sum, names) // every name has exactly one winner
	assert.Equal(t, r.Len(), names)
}

func entriesOf(r roster.Inspector) func(func(roster.EntryInfo) bool) { return r.Entries() }

func FuzzNames(f *testing.F) {
	for _, seed := range []string{"", "a", " a", "a\x00", "\xff", "image.thumbnail", strings.Repeat("x", 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		r := roster.New[int](quiet())
		err := r.TryRegister(name, 1)
		_, found := r.Get(name)
		if (err == nil) != found {
			t.Fatalf("TryRegister(%q) = %v, but Get finds it: %v", name, err, found)
		}
		if err != nil && !errors.Is(err, roster.ErrInvalidName) {
			t.Fatalf("unexpected error %v", err)
		}
		if _, err := r.Lookup(name + "?"); err == nil {
			t.Fatalf("%q? was never registered", name)
		}
	})
}
