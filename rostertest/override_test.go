package rostertest_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/rostertest"
)

// A writable registry is either lifecycle that is shared by tests.
type writable interface {
	roster.View[string]
	roster.Inspector
	TryRegister(name, v string) error
}

// shared returns registries of each lifecycle with two entries.
func shared(t *testing.T) map[string]writable {
	t.Helper()
	sealed := roster.New[string](quiet())
	all := map[string]writable{
		"startup-only": roster.New[string](quiet()),
		"sealed":       sealed,
		"hot":          roster.NewHot[string](quiet()),
		"scope":        roster.NewScope(roster.New[string](quiet()), quiet()),
	}
	for _, r := range all {
		assert.NoError(t, r.TryRegister("json", "JSON"))
		assert.NoError(t, r.TryRegister("xml", "XML"))
	}
	sealed.Seal()
	return all
}

// registrations are the entries without what lookups change.
func registrations(r roster.Inspector) []roster.EntryInfo {
	entries := slices.Collect(r.Entries())
	for i := range entries {
		entries[i].Hits = 0
	}
	return entries
}

func TestOverrideLastsAsLongAsTheTest(t *testing.T) {
	for lifecycle, r := range shared(t) {
		t.Run(lifecycle, func(t *testing.T) {
			before, counted := registrations(r), r.Stats().Registrations
			t.Run("test", func(t *testing.T) {
				rostertest.Override(t, r, "json", "fake")
				rostertest.Override(t, r, "yaml", "new")
				assert.Equal(t, maps.Collect(r.All()), map[string]string{"json": "fake", "xml": "XML", "yaml": "new"})
				assert.Equal(t, r.Names(), []string{"json", "xml", "yaml"})
				assert.Equal(t, r.Len(), 3)
				v, err := r.Lookup("json")
				assert.NoError(t, err)
				assert.Equal(t, v, "fake")
				assert.Equal(t, registrations(r)[0].Registered.Function,
					"github.com/roster-go/roster/rostertest_test.TestOverrideLastsAsLongAsTheTest.func1.1")
			})
			assert.Equal(t, registrations(r), before)
			assert.Equal(t, r.Stats().Registrations, counted)
			_, err := r.Lookup("yaml")
			assert.True(t, errors.Is(err, roster.ErrUnknown), "a name that was only overridden is gone")
		})
	}
}

func TestOverrideAgainBelow(t *testing.T) {
	for lifecycle, r := range shared(t) {
		t.Run(lifecycle, func(t *testing.T) {
			rostertest.Override(t, r, "json", "outer")
			t.Run("below", func(t *testing.T) {
				rostertest.Override(t, r, "json", "inner")
				rostertest.Override(t, r, "json", "innermost")
				assert.Equal(t, get(t, r, "json"), "innermost")
			})
			assert.Equal(t, get(t, r, "json"), "outer")
		})
		assert.Equal(t, get(t, r, "json"), "JSON")
	}
}

// The value of a test stays although one that was put below it ends first.
func TestOverridesThatEndInTheOrderTheyBegan(t *testing.T) {
	for lifecycle, r := range shared(t) {
		before := registrations(r)
		t.Run(lifecycle, func(outer *testing.T) {
			outer.Run("below", func(inner *testing.T) {
				rostertest.Override(inner, r, "json", "inner")
				rostertest.Override(outer, r, "json", "outer")
			})
			assert.Equal(outer, get(outer, r, "json"), "outer")
		})
		assert.Equal(t, registrations(r), before)
	}
}

func TestParallelTestsBelowAnOverrideSeeIt(t *testing.T) {
	r := shared(t)["sealed"]
	t.Run("group", func(t *testing.T) {
		rostertest.Override(t, r, "json", "fake")
		for _, name := range []string{"a", "b"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				assert.Equal(t, get(t, r, "json"), "fake")
			})
		}
	})
	assert.Equal(t, get(t, r, "json"), "JSON")
}

func TestOverrideRestoresAfterAFailure(t *testing.T) {
	r := shared(t)["startup-only"]
	out := run(t, func(rec *recorder) {
		rostertest.Override(rec, r, "json", "fake")
		rec.Fatalf("the test fails")
	})
	assert.Equal(t, out, "the test fails")
	assert.Equal(t, get(t, r, "json"), "JSON")
}

func TestOverrideRefusesWhatRegistrationRefuses(t *testing.T) {
	r := roster.New[encoder](roster.Named("encoders"), quiet())
	out := run(t, func(rec *recorder) { rostertest.Override(rec, r, " json", encoder(upper{})) })
	assert.Contains(t, out, `rostertest: Override: roster: encoders: cannot register " json": it starts or ends with white space`)
	out = run(t, func(rec *recorder) { rostertest.Override(rec, r, "json", encoder((*upper)(nil))) })
	assert.Contains(t, out, `rostertest: Override: roster: encoders: "json"`, "a nil *rostertest_test.upper inside the interface")
	out = run(t, func(rec *recorder) { rostertest.Override(rec, r, "json", nil) })
	assert.Contains(t, out, `rostertest: Override: roster: encoders: "json"`)
	assert.Equal(t, r.Len(), 0)
}

func TestOverrideRefusesViewsThatAreNoRegistries(t *testing.T) {
	h := roster.NewHot[string](quiet())
	pin := h.Pin()
	defer pin.Release()
	out := run(t, func(rec *recorder) { rostertest.Override(rec, roster.View[string](pin), "json", "fake") })
	assert.Contains(t, out, "rostertest: Override: roster: a roster.Pin[string] is not a registry whose values can be overridden")
}

func BenchmarkOverride(b *testing.B) {
	r := roster.New[string](quiet())
	r.Register("json", "JSON")
	b.Run("fake", func(b *testing.B) {
		rostertest.Override(b, r, "json", "fake")
		for b.Loop() {
			if v, _ := r.Get("json"); v != "fake" {
				b.Fatalf("json = %q", v)
			}
		}
	})
	if v, _ := r.Get("json"); v != "JSON" {
		b.Fatalf("after the benchmark, json = %q", v)
	}
}

func FuzzOverride(f *testing.F) {
	r := roster.New[string](quiet())
	r.Register("json", "JSON")
	rostertest.Override(f, r, "json", "fake")
	f.Add("value")
	f.Fuzz(func(t *testing.T, value string) {
		t.Run("one", func(t *testing.T) {
			rostertest.Override(t, r, "json", value)
			assert.Equal(t, get(t, r, "json"), value)
		})
		assert.Equal(t, get(t, r, "json"), "fake")
	})
}

func get(tb testing.TB, r roster.View[string], name string) string {
	tb.Helper()
	v, ok := r.Get(name)
	assert.True(tb, ok, name+" is registered")
	return v
}

func TestOverrideOfALazyRegistry(t *testing.T) {
	loaded := 0
	l := roster.NewLazy(func(context.Context, string) (string, error) {
		loaded++
		return "loaded", nil
	}, quiet())
	t.Run("test", func(t *testing.T) {
		rostertest.Override(t, l, "json", "fake")
		assert.Equal(t, get(t, l, "json"), "fake")
	})
	assert.Equal(t, loaded, 0)
	assert.Equal(t, get(t, l, "json"), "loaded")
}

func TestOverrideShadowsTheParentOfAScope(t *testing.T) {
	parent := roster.New[string](quiet())
	parent.Register("json", "JSON")
	s := roster.NewScope(parent, quiet())
	t.Run("test", func(t *testing.T) {
		rostertest.Override(t, s, "json", "fake")
		assert.Equal(t, get(t, s, "json"), "fake")
		assert.Equal(t, get(t, parent, "json"), "JSON")
	})
	assert.Equal(t, get(t, s, "json"), "JSON")
}

// Retiring goes by who may still see a value, which an override must not upset.
func TestOverrideRetiresNothing(t *testing.T) {
	var retired []string
	h := roster.NewHot[*upper](quiet(), roster.OnRetire(func(name string, v *upper) error {
		retired = append(retired, name+" "+v.prefix)
		return nil
	}))
	h.Register("json", &upper{"original"})
	t.Run("test", func(t *testing.T) {
		rostertest.Override(t, h, "json", &upper{"fake"})
		rostertest.Override(t, h, "yaml", &upper{"fake"})
		assert.NoError(t, h.Drain(t.Context()))
	})
	assert.NoError(t, h.Drain(t.Context()))
	assert.Equal(t, retired, nil)
	assert.NoError(t, h.Unregister("json"))
	assert.NoError(t, h.Drain(t.Context()))
	assert.Equal(t, retired, []string{"json original"})
}
