package roster_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

var errTaken = errors.New("a length is taken")

// byLength is an index of words by their lengths, no two of which may be the same.
type byLength map[int]word

type word struct {
	name  string
	value int
	tally roster.Tally
}

// buildByLength goes on from the last index by what the change tells, so that a
// change that told too little would show.
func buildByLength(last byLength, next *roster.Edition[int]) (byLength, error) {
	if next.Afresh() != (last == nil) {
		return nil, fmt.Errorf("afresh is %v with the last index %v", next.Afresh(), last)
	}
	words := byLength{}
	maps.Copy(words, last)
	change := next.Change()
	for _, name := range change.Removed {
		delete(words, len(name))
	}
	for _, name := range append(change.Added, change.Replaced...) {
		if old, taken := words[len(name)]; taken && old.name != name {
			return nil, fmt.Errorf("%w: %s at %s and %s at %s", errTaken,
				old.name, next.Claim(old.name).Site.Function, name, next.Claim(name).Site.Function)
		}
		v, err := next.Lookup(name)
		if err != nil {
			return nil, err
		}
		words[len(name)] = word{name, v, next.Tally(name)}
	}
	return words, nil
}

// agree checks an index against the registry it belongs to.
func agree(t *testing.T, r *roster.Indexed[int, byLength]) {
	t.Helper()
	got := map[string]int{}
	for length, w := range r.Index() {
		assert.Equal(t, len(w.name), length)
		got[w.name] = w.value
	}
	assert.Equal(t, got, maps.Collect(r.All()))
}

func TestIndexedIsPublishedWithItsVersion(t *testing.T) {
	t.Parallel()
	r := roster.NewIndexed(buildByLength, quiet())
	assert.Equal(t, len(r.Index()), 0)
	r.Register("a", 1)
	r.Register("bb", 2)
	agree(t, r)
	pin := r.Pin()
	assert.NoError(t, r.Replace("bb", 22))
	agree(t, r)
	assert.Equal(t, r.IndexOf(pin)[2].value, 2)
	assert.NoError(t, r.Unregister("a"))
	agree(t, r)
	assert.NoError(t, r.Reload(map[string]int{"xyz": 3, "bb": 22}))
	agree(t, r)
	assert.NoError(t, r.Update(func(d *roster.Draft[int]) error {
		return cmp.Or(d.Unregister("xyz"), d.Register("abc", 4))
	}))
	agree(t, r)
	assert.Equal(t, len(r.IndexOf(pin)), 2)
	pin.Release()
	assert.Equal(t, len(r.IndexOf(pin)), 0)
	assert.NoError(t, r.Close(t.Context()))
	assert.Equal(t, len(r.Index()), 0)
}

func TestIndexRefusesAWrite(t *testing.T) {
	t.Parallel()
	var retired []string
	r := roster.NewIndexed(buildByLength, quiet(), roster.OnRetire(func(name string, _ int) error {
		retired = append(retired, name)
		return nil
	}))
	r.Register("abc", 1)
	before := r.Index()
	for what, write := range map[string]func() error{
		"register": func() error { return r.TryRegister("xyz", 2) },
		"reload":   func() error { return r.Reload(map[string]int{"abc": 1, "xyz": 2}) },
		"update":   func() error { return r.Update(func(d *roster.Draft[int]) error { return d.Register("xyz", 2) }) },
	} {
		err := write()
		assert.True(t, errors.Is(err, errTaken), what+" returns the error of build")
		assert.True(t, strings.Contains(fmt.Sprint(err), "TestIndexRefusesAWrite"), what+" knows the places of both")
		assert.Equal(t, r.Names(), []string{"abc"})
		assert.Equal(t, len(r.Index()), len(before))
	}
	assert.Equal(t, r.Version(), uint64(1))
	assert.NoError(t, r.Drain(t.Context()))
	assert.Equal(t, retired, []string{"xyz", "xyz"}) // of the two transactions; what Register refuses stays the caller's
	r.Register("four", 4)
	assert.Equal(t, r.Stats().Registrations, []roster.Count{
		{Name: "abc", Outcome: roster.Success, N: 1},
		{Name: "four", Outcome: roster.Success, N: 1},
	})
}

func TestIndexOfTheEmptyRegistryMustNotFail(t *testing.T) {
	t.Parallel()
	defer func() { assert.Equal(t, recover(), any(errTaken)) }()
	roster.NewIndexed(func(int, *roster.Edition[int]) (int, error) { return 0, errTaken }, quiet())
}

func TestTallyCountsForItsName(t *testing.T) {
	t.Parallel()
	r := roster.NewIndexed(buildByLength, quiet())
	r.Register("one", 1)
	kept := r.Index()[3].tally
	kept.Hit()
	r.Missed("absent")
	r.Get("one")
	// So many names come and go that the registry numbers its counters anew.
	for i := range 1000 {
		name := strings.Repeat("n", 10+i%200)
		r.Register(name, i)
		r.Index()[len(name)].tally.Hit()
		assert.NoError(t, r.Unregister(name))
	}
	kept.Hit() // by somebody who still reads the first index
	r.Index()[3].tally.Hit()
	runtime.GC()
	agree(t, r)
	sum := map[roster.Outcome]uint64{}
	for _, c := range r.Stats().Lookups {
		if c.Name == "one" {
			assert.Equal(t, c.N, uint64(4))
		}
		sum[c.Outcome] += c.N
	}
	assert.Equal(t, sum, map[roster.Outcome]uint64{roster.Hit: 1004, roster.Miss: 1})
	uncounted := roster.NewIndexed(buildByLength, quiet(), roster.Uncounted())
	uncounted.Register("one", 1)
	uncounted.Index()[3].tally.Hit()
	uncounted.Missed("absent")
	assert.Equal(t, len(uncounted.Stats().Lookups), 0)
}

func TestIndexedConcurrentSafe(t *testing.T) {
	t.Parallel()
	r := roster.NewIndexed(buildByLength, quiet())
	var readers, writers sync.WaitGroup
	stop := make(chan struct{})
	var hits [2]uint64
	for i := range hits {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				pin := r.Pin()
				index, view := r.IndexOf(pin), maps.Collect(pin.All())
				if len(index) != len(view) {
					t.Errorf("an index of %d words with a version of %d", len(index), len(view))
				}
				for _, w := range index {
					if view[w.name] != w.value {
						t.Errorf("%q is %d in the index and %d in the version", w.name, w.value, view[w.name])
					}
					w.tally.Hit()
					hits[i]++
				}
				pin.Release()
			}
		})
	}
	for seed := range uint64(2) {
		writers.Go(func() {
			random := rand.New(rand.NewPCG(seed, 0))
			for i := range 3000 {
				name := strings.Repeat(string(rune('a'+seed)), 1+random.IntN(240))
				switch random.IntN(4) {
				case 0:
					_ = r.Unregister(name)
				case 1:
					_ = r.Replace(name, i)
				default:
					_ = r.TryRegister(name, i)
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	agree(t, r)
	var counted uint64
	for _, c := range r.Stats().Lookups {
		counted += c.N
	}
	assert.Equal(t, counted, hits[0]+hits[1])
}

func TestIndexIsReadWithoutAllocation(t *testing.T) {
	r := roster.NewIndexed(buildByLength, quiet())
	r.Register("one", 1)
	allocs := testing.AllocsPerRun(100, func() { r.Index()[3].tally.Hit() })
	assert.Equal(t, allocs, 0.0)
}
