package roster_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

func TestHotReload(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](quiet())
	entries := map[string]int{"a": 1, "b": 2}
	assert.NoError(t, h.Reload(entries))
	entries["a"] = 99 // the registry has its own copy
	entries["c"] = 3
	assert.Equal(t, maps.Collect(h.All()), map[string]int{"a": 1, "b": 2})
	assert.NoError(t, h.Reload(map[string]int{"b": 20, "z": 26}))
	assert.Equal(t, h.Names(), []string{"b", "z"})
	assert.Equal(t, h.Version(), uint64(2))
	assert.NoError(t, h.Reload(nil))
	assert.Equal(t, h.Len(), 0)
}

func TestHotReloadRefusesAllOrNothing(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[*int](quiet())
	one := 1
	h.Register("one", &one)
	err := h.Reload(map[string]*int{"ok": &one, "": &one, "none": nil})
	assert.True(t, errors.Is(err, roster.ErrInvalidName), "the malformed name is reported")
	assert.True(t, errors.Is(err, roster.ErrNilValue), "the nil value is reported as well")
	assert.Equal(t, h.Names(), []string{"one"})
	assert.Equal(t, h.Version(), uint64(1))
	assert.Equal(t, h.Stats().Reloads, []roster.Count{{Outcome: roster.Invalid, N: 1}})
}

func TestHotVerbs(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](roster.Named("routes"), quiet())
	h.Register("a", 1)
	assert.True(t, errors.Is(h.TryRegister("a", 2), roster.ErrDuplicate), "Register does not replace")
	assert.True(t, errors.Is(h.Replace("b", 2), roster.ErrUnknown), "Replace does not add")
	assert.True(t, errors.Is(h.Unregister("b"), roster.ErrUnknown), "Unregister wants a registered name")
	assert.NoError(t, h.Replace("a", 2))
	v, err := h.Lookup("a")
	assert.NoError(t, err)
	assert.Equal(t, v, 2)
	assert.NoError(t, h.Unregister("a"))
	_, err = h.Lookup("a")
	assert.True(t, errors.Is(err, roster.ErrUnknown), "a is gone")
	assert.Equal(t, h.Version(), uint64(3)) // only what took effect counts
	assert.True(t, errors.Is(h.Replace("", 1), roster.ErrInvalidName), "Replace checks the name")
}

func TestAViewOfOneVersionDoesNotChange(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](quiet())
	assert.NoError(t, h.Reload(map[string]int{"a": 1, "b": 1}))
	before := h.All()
	assert.NoError(t, h.Reload(map[string]int{"c": 2}))
	assert.Equal(t, maps.Collect(before), map[string]int{"a": 1, "b": 1})
}

func TestHotAgainstAMap(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](quiet())
	model := map[string]int{}
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 20_000 {
		name := fmt.Sprint("n", random.IntN(50))
		_, exists := model[name]
		switch random.IntN(6) {
		case 0:
			assert.Equal(t, h.TryRegister(name, i) == nil, !exists)
			if !exists {
				model[name] = i
			}
		case 1:
			assert.Equal(t, h.Replace(name, i) == nil, exists)
			if exists {
				model[name] = i
			}
		case 2:
			assert.Equal(t, h.Unregister(name) == nil, exists)
			delete(model, name)
		case 3:
			if random.IntN(20) == 0 {
				model = map[string]int{name: i, "fixed": i}
				assert.NoError(t, h.Reload(model))
			}
		default:
			v, ok := h.Get(name)
			assert.Equal(t, ok, exists)
			assert.Equal(t, v, model[name])
		}
	}
	assert.Equal(t, h.Names(), slices.Sorted(maps.Keys(model)))
	assert.Equal(t, maps.Collect(h.All()), model)
}

// Every reload sets both names to the same number: a reader that sees two
// numbers in one version saw a torn reload.
func TestHotReloadConcurrentSafe(t *testing.T) {
	t.Parallel()
	const writers, reloads = 3, 400
	h := roster.NewHot[int](quiet())
	assert.NoError(t, h.Reload(map[string]int{"left": -1, "right": -1})) // no reload below is the same as the one before
	var done atomic.Bool
	var readers, writing sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for !done.Load() {
				seen := slices.Collect(maps.Values(maps.Collect(h.All())))
				if len(seen) != 2 || seen[0] != seen[1] {
					t.Errorf("torn reload: %v", seen)
					return
				}
			}
		})
	}
	for w := range writers {
		writing.Go(func() {
			for i := range reloads {
				n := w*reloads + i
				if err := h.Reload(map[string]int{"left": n, "right": n}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	done.Store(true)
	readers.Wait()
	assert.Equal(t, h.Version(), uint64(writers*reloads+1))
}
