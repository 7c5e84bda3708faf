package roster_test

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

func TestPinAnswersAsOfItsVersion(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](roster.Named("routes"), quiet())
	assert.NoError(t, h.Reload(map[string]int{"a": 1, "b": 1}))
	p := h.Pin()
	defer p.Release()
	assert.NoError(t, h.Reload(map[string]int{"a": 2, "c": 2}))
	assert.Equal(t, maps.Collect(p.All()), map[string]int{"a": 1, "b": 1})
	assert.Equal(t, p.Names(), []string{"a", "b"})
	assert.Equal(t, p.Len(), 2)
	assert.Equal(t, p.Version(), uint64(1))
	assert.Equal(t, p.Name(), "routes")
	v, err := p.Lookup("b")
	assert.NoError(t, err)
	assert.Equal(t, v, 1)
	_, err = p.Lookup("c")
	assert.Equal(t, assert.ErrorAs[*roster.UnknownError](t, err).Known, []string{"a", "b"})
}

func TestPinReleased(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](roster.Named("routes"), quiet())
	h.Register("a", 1)
	p := h.Pin()
	aCopy := p
	aCopy.Release()
	p.Release()
	next := h.Pin() // uses the same slot, which the released pin must not take from it
	defer next.Release()
	p.Release()
	_, ok := p.Get("a")
	assert.True(t, !ok, "a released pin finds nothing")
	_, err := p.Lookup("a")
	assert.True(t, errors.Is(err, roster.ErrReleased), "and says why")
	assert.Contains(t, err.Error(), "routes", `"a"`, "version 1", "released")
	assert.Equal(t, p.Names(), nil)
	assert.Equal(t, len(maps.Collect(p.All())), 0)
	v, ok := next.Get("a")
	assert.True(t, ok && v == 1, "another pin is not touched")
	assert.Equal(t, len(h.Holders()), 1)
	roster.Pin[int]{}.Release()
}

// An iterator must not hand out values that may be retired meanwhile.
func TestPinReleasedDuringIteration(t *testing.T) {
	t.Parallel()
	h := roster.NewHot[int](quiet())
	assert.NoError(t, h.Reload(map[string]int{"a": 1, "b": 2, "c": 3}))
	p := h.Pin()
	all := p.All()
	seen := 0
	for range all {
		seen++
		p.Release()
	}
	assert.Equal(t, seen, 1)
	for name := range all {
		t.Fatalf("got %q after the release", name)
	}
}

func TestPinFromContext(t *testing.T) {
	t.Parallel()
	h, other := roster.NewHot[int](quiet()), roster.NewHot[int](quiet())
	h.Register("a", 1)
	other.Register("a", 10)
	ctx, release := h.PinContext(t.Context(), roster.NewOwner(0).For("a request"))
	p := other.Pin()
	ctx = p.Context(ctx)
	assert.NoError(t, h.Replace("a", 2))
	assert.NoError(t, other.Replace("a", 20))
	v, _ := h.From(ctx).Get("a")
	assert.Equal(t, v, 1)
	v, _ = other.From(ctx).Get("a")
	assert.Equal(t, v, 10)
	v, _ = h.From(t.Context()).Get("a")
	assert.Equal(t, v, 2)
	assert.Equal(t, h.Holders()[0].Label, "a request")
	release()
	p.Release()
	_, ok := h.From(ctx).Get("a")
	assert.True(t, !ok, "a context outlives its pin, which finds nothing then")
	assert.Equal(t, len(h.Holders())+len(other.Holders()), 0)
}

func TestOldVersionsAreCollected(t *testing.T) {
	t.Parallel()
	const versions = 20
	h := roster.NewHot[*[1 << 16]byte](quiet())
	h.Register("a", new([1 << 16]byte))
	collected := make(chan int, versions+1)
	func() { // no pin and no lease stays on the stack
		var pins []roster.Pin[*[1 << 16]byte]
		var leases []roster.Lease[*[1 << 16]byte]
		for i := range versions {
			v := new([1 << 16]byte)
			runtime.AddCleanup(v, func(i int) { collected <- i }, i)
			assert.NoError(t, h.Replace("a", v))
			pins = append(pins, h.Pin())
			l, err := h.Lease("a")
			assert.NoError(t, err)
			leases = append(leases, l)
		}
		assert.NoError(t, h.Replace("a", new([1 << 16]byte)))
		for i := range versions {
			pins[i].Release()
			leases[i].Release()
		}
	}()
	done := 0
	assert.Eventually(t, func() bool {
		runtime.GC()
		for {
			select {
			case <-collected:
				done++
			default:
				return done == versions
			}
		}
	}, "the values of versions that nobody holds are collected")
	runtime.KeepAlive(h)
}

// Ten thousand reloads with names of their own leave nothing behind, whether
// they take effect or fail.
func TestReloadsDoNotGrowTheHeap(t *testing.T) {
	// Not parallel: it measures the heap.
	h := roster.NewHot[*device](quiet(), retireDevices(t))
	padding := strings.Repeat("-", 200)
	reload := func(from, to int) {
		for i := from; i < to; i++ {
			entries := make(map[string]*device)
			for j := range 3 {
				entries[fmt.Sprint("name", i, padding, j)] = newDevice(i)
			}
			p := h.Pin()
			assert.NoError(t, h.Reload(entries))
			p.Release()
			err := h.Update(func(d *roster.Draft[*device]) error {
				d.Register(fmt.Sprint("dropped", i, padding), newDevice(i))
				return errGivenUp
			})
			assert.True(t, errors.Is(err, errGivenUp), "the update fails")
		}
		drained(t, h)
	}
	heap := func() uint64 {
		var least uint64
		for range 4 { // cleanups let go of more after a collection
			runtime.GC()
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			if least == 0 || stats.HeapAlloc < least {
				least = stats.HeapAlloc
			}
		}
		return least
	}
	const warm, reloads, tolerated = 1000, 10_000, 1 << 20
	reload(0, warm)
	before := heap()
	reload(warm, warm+reloads)
	after := heap()
	if after > before+tolerated {
		t.Fatalf("the heap grew from %d to %d bytes", before, after)
	}
	assert.Equal(t, h.Len(), 3)
	assert.Equal(t, len(h.Holders()), 0)
}
