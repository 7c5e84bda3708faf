package roster

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/roster-go/roster/internal/assert"
)

// awkwardNames returns names of every length up to 300 bytes, several of those
// lengths where the packed form changes, that differ from each other in one
// place: at the front, in the middle or at the end.
func awkwardNames() []string {
	random := rand.New(rand.NewPCG(5, 6))
	seen := make(map[string]bool)
	var names []string
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	filler := strings.Repeat("configuration.of.the.", 15)
	for length := 1; length <= 300; length++ {
		add(filler[:length])
	}
	for _, length := range []int{1, 2, 3, 4, 5, 7, 8, 9, 14, 15, 16, 17, 23, 24, 30, 31, 32, 33, 255, 256} {
		for _, place := range []int{0, 1, length / 2, length - 2, length - 1} {
			if place < 0 || place >= length {
				continue
			}
			for _, letter := range "abcXYZ09é" {
				add(filler[:place] + string(letter) + filler[place:length-1])
			}
		}
		for range 20 {
			name := make([]byte, length)
			for i := range name {
				name[i] = "ab"[random.IntN(2)]
			}
			add(string(name))
		}
	}
	random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

// answers fails the test unless r has exactly the names of want, by ordinal, and
// none of others.
func (r *roll) answers(t *testing.T, want, others []string) {
	t.Helper()
	assert.Equal(t, len(r.names), len(want))
	for n, name := range want {
		got, ok := r.find(strings.Clone(name)) // elsewhere in memory
		if !ok || got != n {
			t.Fatalf("find %q (%d bytes): got %d, %t, want %d", name, len(name), got, ok, n)
		}
	}
	for _, name := range others {
		if n, ok := r.find(name); ok {
			t.Fatalf("find %q (%d bytes): got %d, want none", name, len(name), n)
		}
	}
}

func TestRollAgainstAMap(t *testing.T) {
	t.Parallel()
	names := awkwardNames()
	model := make(map[string]int)
	r := newRoll()
	earlier := make(map[int]roll)
	for n, name := range names {
		if n%149 == 0 {
			earlier[n] = r
		}
		if _, ok := r.find(name); ok {
			t.Fatalf("%q is found before it is there", name)
		}
		var ordinal int
		r, ordinal = r.with(name)
		model[name] = ordinal
		assert.Equal(t, ordinal, n)
	}
	assert.Equal(t, len(model), len(names))
	for name, want := range model {
		got, ok := r.find(name)
		assert.True(t, ok && got == want, "the map's answer for "+name)
	}
	r.answers(t, names, []string{"", "nobody", strings.Repeat("x", 256), strings.Repeat("x", 10_000)})
	for n, old := range earlier {
		old.answers(t, names[:n], names[n:])
	}
	assert.True(t, slices.IsSorted(r.sortedNames(func(int) bool { return true })), "sorted names are sorted")
}

// Names of a draft that was dropped leave cells behind in an index that it
// shares with what is published; their ordinals are given again.
func TestRollAfterDroppedDrafts(t *testing.T) {
	t.Parallel()
	names := awkwardNames()[:1000]
	random := rand.New(rand.NewPCG(7, 8))
	r := newRoll()
	var kept []string
	for len(names) > 0 {
		count := min(1+random.IntN(60), len(names))
		draft := r
		spent := r.used
		for _, name := range names[:count] {
			draft, _ = draft.with(name)
			if &draft.index[0] == &r.index[0] {
				spent = draft.used
			}
		}
		draft.answers(t, append(slices.Clone(kept), names[:count]...), names[count:])
		if random.IntN(3) > 0 { // dropped; some of its names come again in another order
			r.used = spent
			random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
			r.answers(t, kept, names)
			if random.IntN(4) > 0 {
				continue
			}
			draft, count = r, 1
			draft, _ = draft.with(names[0])
		}
		r = draft
		kept = append(kept, names[:count]...)
		names = names[count:]
		r.answers(t, kept, names)
	}
}

// cellsInUse counts what a registry's index really holds.
func (h *Hot[T]) cellsInUse() (n int) {
	index := h.published.Load().index
	for i := range index {
		bucket := index[i].Load()
		if uint32(bucket) != 0 {
			n++
		}
		if bucket>>32 != 0 {
			n++
		}
	}
	return n
}

// A dropped draft that outgrew the index has used up cells of the index it
// started with. If they were not counted, the index would fill up, and with no
// free cell in it a lookup in vain would never end.
func TestDroppedDraftsDoNotFillTheIndex(t *testing.T) {
	t.Parallel()
	errDropped := errors.New("dropped")
	for _, size := range []int{1, 5, 22, 23, 24, 30, 100, 1000} {
		h := NewHot[int](Unlisted())
		h.Register("first", 1)
		for round := range 20 {
			err := h.Update(func(d *Draft[int]) error {
				for i := range size {
					d.Register(fmt.Sprint("dropped", round, "/", i), i)
				}
				return errDropped
			})
			assert.True(t, errors.Is(err, errDropped), "the update is dropped")
			assert.Equal(t, h.used, h.cellsInUse())
			assert.True(t, h.used <= indexCapacity(cellsPerBucket*len(h.published.Load().index)), "the index keeps free cells")
		}
		for i := range size {
			h.Register(fmt.Sprint("kept", i), i)
			assert.Equal(t, h.used, h.cellsInUse())
		}
		h.published.Load().answers(t, append([]string{"first"}, numbered("kept", size)...), numbered("dropped0/", size))
	}
}

func numbered(prefix string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint(prefix, i)
	}
	return names
}

// Readers find their way in rolls of any age while a writer lengthens the
// latest and drops drafts of it.
func TestRollConcurrentSafe(t *testing.T) {
	t.Parallel()
	const size = 4000
	names := numbered("a name longer than one half of it ", size)
	for i := range names {
		names[i] = names[i][len(names[i])-1-i%len(names[i]):] + fmt.Sprint("#", i) // of all lengths
	}
	var published atomic.Pointer[roll]
	first := newRoll()
	published.Store(&first)
	var done atomic.Bool
	var readers sync.WaitGroup
	for seed := range uint64(3) {
		readers.Go(func() {
			random := rand.New(rand.NewPCG(seed, 1))
			for r := published.Load(); !done.Load(); {
				if random.IntN(10) == 0 {
					runtime.Gosched()
					r = published.Load()
				}
				i := random.IntN(size)
				if n, ok := r.find(names[i]); ok != (i < len(r.names)) || ok && n != i {
					t.Errorf("find %q in a roll of %d names: got %d, %t", names[i], len(r.names), n, ok)
					return
				}
			}
		})
	}
	random := rand.New(rand.NewPCG(9, 9))
	r := first
	for n := 0; n < size; {
		draft, spent := r, r.used
		count := min(1+random.IntN(5), size-n)
		keep := random.IntN(3) > 0
		for i := range count {
			name := names[n+i]
			if !keep {
				name = fmt.Sprint("dropped", n, i, random.Uint64())
			}
			draft, _ = draft.with(name)
			if &draft.index[0] == &r.index[0] {
				spent = draft.used
			}
		}
		if keep {
			r = draft
			n += count
			published.Store(new(r))
		} else {
			r.used = spent
		}
		runtime.Gosched()
	}
	done.Store(true)
	readers.Wait()
	r.answers(t, names, []string{"dropped"})
}

// FuzzRoll cuts its input into names, by a byte that tells the length of the
// next one, and now and then drops what came since it last did not.
func FuzzRoll(f *testing.F) {
	f.Add([]byte("\x01a\x02ab\x0fabcdefghijklmno\x10abcdefghijklmnop"))
	f.Add([]byte("\x07seven77\xff\x08eight888\x07seven77\x1fthirty-one bytes of text, exact"))
	f.Add([]byte("\x00\x00\xff\xff"))
	for _, name := range awkwardNames()[:20] {
		f.Add([]byte(string(rune(len(name)%128)) + name + name + name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const drop = 0xFF
		r, model := newRoll(), make(map[string]int)
		kept, keptModel := r, make(map[string]int)
		spent := 0
		for len(data) > 0 {
			length := int(data[0])
			if data = data[1:]; length == drop {
				if len(data) > 0 && data[0]%2 == 0 {
					r, model = kept, maps.Clone(keptModel)
					r.used = spent
				} else {
					kept, keptModel, spent = r, maps.Clone(model), r.used
				}
				continue
			}
			length = min(length, len(data))
			name := string(data[:length])
			data = data[length:]
			want, known := model[name]
			got, ok := r.find(name)
			if ok != known || got != want {
				t.Fatalf("find %q: got %d, %t, want %d, %t", name, got, ok, want, known)
			}
			if !known {
				r, model[name] = r.with(name)
				if &r.index[0] == &kept.index[0] {
					spent = r.used
				}
			}
		}
		for name, n := range model {
			if got, ok := r.find(name); !ok || got != n {
				t.Fatalf("find %q: got %d, %t, want %d", name, got, ok, n)
			}
		}
		for name, n := range keptModel {
			if got, ok := kept.find(name); !ok || got != n {
				t.Fatalf("find %q in the shorter roll: got %d, %t, want %d", name, got, ok, n)
			}
		}
	})
}
