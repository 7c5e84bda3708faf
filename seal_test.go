package roster_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

func TestSealClosesForWriting(t *testing.T) {
	t.Parallel()
	r := roster.New[int](roster.Named("codecs"), quiet())
	r.Register("json", 1)
	sealing := here().next()
	r.Seal()

	late := here().next()
	err := panicOf(t, func() { r.Register("yaml", 2) })
	e := assert.ErrorAs[*roster.SealedError](t, err)
	assert.True(t, errors.Is(err, roster.ErrSealed), "errors.Is ErrSealed")
	assert.Equal(t, e.Registry, "codecs")
	assert.Equal(t, e.Name, "yaml")
	isAt(t, e.Site, late)
	isAt(t, e.Sealed, sealing)
	assert.Contains(t, err.Error(), fmt.Sprint("seal_test.go:", late.line), fmt.Sprint("seal_test.go:", sealing.line))

	for verb, write := range map[string]func() error{
		"TryRegister": func() error { return r.TryRegister("yaml", 2) },
		"a clash":     func() error { return r.TryRegister("json", 2) },
		"Override":    func() error { return r.Override("xml", 2) },
	} {
		assert.True(t, errors.Is(write(), roster.ErrSealed), verb+" is refused")
	}
	// Bad input is reported as such, sealed or not.
	assert.True(t, errors.Is(r.TryRegister("", 2), roster.ErrInvalidName), "a malformed name is a malformed name")

	assert.Equal(t, maps.Collect(r.All()), map[string]int{"json": 1})
	assert.Equal(t, r.Info().Version, uint64(1))
}

func TestSealIsIdempotent(t *testing.T) {
	t.Parallel()
	r := roster.New[int](quiet())
	first := here().next()
	r.Seal()
	r.Seal()
	isAt(t, assert.ErrorAs[*roster.SealedError](t, r.TryRegister("late", 1)).Sealed, first)
}

func TestSealCollectsNoConflictsAfterwards(t *testing.T) {
	t.Parallel()
	r := roster.New[int](quiet(), roster.CollectConflicts())
	r.Seal()
	err := panicOf(t, func() { r.Register("late", 1) })
	assert.True(t, errors.Is(err, roster.ErrSealed), "a late write is no clash to be kept back")
	assert.NoError(t, r.Verify())
}

func TestSealAtFirstUse(t *testing.T) {
	t.Parallel()
	for use, lookUp := range map[string]func(*roster.Registry[int]){
		"a Get":               func(r *roster.Registry[int]) { r.Get("a") },
		"a Lookup":            func(r *roster.Registry[int]) { _, _ = r.Lookup("a") },
		"a Get in vain":       func(r *roster.Registry[int]) { r.Get("none") },
		"a Lookup in vain":    func(r *roster.Registry[int]) { _, _ = r.Lookup("none") },
		"one through a scope": func(r *roster.Registry[int]) { roster.NewScope(r, roster.Unlisted()).Get("a") },
		"one through Only":    func(r *roster.Registry[int]) { roster.Only(r, "a").Get("a") },
	} {
		r := roster.New[int](quiet(), roster.SealAtFirstUse())
		r.Register("a", 1)
		_, _, _ = r.Len(), r.Names(), maps.Collect(r.All())
		assert.NoError(t, r.TryRegister("b", 2)) // listing is no lookup
		lookUp(r)
		assert.True(t, errors.Is(r.TryRegister("c", 3), roster.ErrSealed), use+" closes the registry")
		assert.Equal(t, r.Names(), []string{"a", "b"})
		v, ok := r.Get("b")
		assert.True(t, ok && v == 2, "the entries stay")
	}
}

func TestSealAtFirstUseNamesTheLookup(t *testing.T) {
	t.Parallel()
	r := roster.New[int](quiet(), roster.SealAtFirstUse())
	first := here().next()
	r.Get("none")
	_, _ = r.Lookup("none")
	r.Seal()
	isAt(t, assert.ErrorAs[*roster.SealedError](t, r.TryRegister("late", 1)).Sealed, first)
}

func TestSealExplicitlyBeforeTheFirstUse(t *testing.T) {
	t.Parallel()
	r := roster.New[int](quiet(), roster.SealAtFirstUse())
	sealing := here().next()
	r.Seal()
	r.Get("none")
	isAt(t, assert.ErrorAs[*roster.SealedError](t, r.TryRegister("late", 1)).Sealed, sealing)
}

// Whoever was refused must not be there, whoever was not must be, and no write
// that began after the sealing returned may get in.
func TestSealConcurrentSafe(t *testing.T) {
	t.Parallel()
	const writers, names, rounds = 4, 100, 20
	for name, tc := range map[string]struct {
		opts []roster.RegistryOption
		seal func(*roster.Registry[int])
	}{
		"Seal":           {nil, func(r *roster.Registry[int]) { r.Seal() }},
		"SealAtFirstUse": {[]roster.RegistryOption{roster.SealAtFirstUse()}, func(r *roster.Registry[int]) { r.Get("w0-0") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range rounds {
				r := roster.New[int](append(tc.opts, roster.Unlisted())...)
				var sealed atomic.Bool
				var wg sync.WaitGroup
				accepted := make([][]string, writers)
				for w := range writers {
					wg.Go(func() {
						for i := range names {
							name, late := fmt.Sprintf("w%d-%d", w, i), sealed.Load()
							err := r.TryRegister(name, i)
							if err == nil {
								accepted[w] = append(accepted[w], name)
							}
							if err == nil && late || err != nil && !errors.Is(err, roster.ErrSealed) {
								t.Errorf("%s: late %v, error %v", name, late, err)
							}
							if i == names/2 && w%2 == 0 {
								tc.seal(r)
								sealed.Store(true)
							}
						}
					})
				}
				wg.Wait()
				all := slices.Concat(accepted...)
				slices.Sort(all)
				assert.Equal(t, r.Names(), all)
				assert.Equal(t, r.Info().Version, uint64(len(all)))
			}
		})
	}
}
