package bench_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/roster-go/roster"
)

// BenchmarkPinnedRequest pins the current version, looks one name up in it, and
// lets the version go. The peers are what one would write by hand; they cannot
// tell who holds what.
func BenchmarkPinnedRequest(b *testing.B) {
	entries := shapes[0].entries(100)
	const name = "driver-000042"
	h := roster.NewHot[int](roster.Unlisted())
	must(h.Reload(entries))
	owner := roster.NewOwner(0)

	var mu sync.RWMutex
	var current atomic.Pointer[counted]
	current.Store(&counted{entries: entries})
	current.Load().holders.Store(1) // its own

	for _, way := range []struct {
		name    string
		request func() bool
	}{
		{"RWMutex", func() bool {
			mu.RLock()
			defer mu.RUnlock()
			_, ok := entries[name]
			return ok
		}},
		{"reference-count", func() bool {
			v := acquire(&current)
			defer v.holders.Add(-1)
			_, ok := v.entries[name]
			return ok
		}},
		{"Hot.Get", func() bool { _, ok := h.Get(name); return ok }}, // not pinned
		{"Hot.PinFor", func() bool {
			p := h.PinFor(owner)
			_, ok := p.Get(name)
			p.Release()
			return ok
		}},
		{"Hot.Pin", func() bool { // finds out who calls
			p := h.Pin()
			_, ok := p.Get(name)
			p.Release()
			return ok
		}},
	} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !way.request() {
					b.Fatal("a miss")
				}
			}
		})
		b.Run(way.name+"/parallel", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if !way.request() {
						b.Error("a miss")
						return
					}
				}
			})
		})
	}
}

// counted is a version with a reference count.
type counted struct {
	entries map[string]int
	holders atomic.Int64
}

// acquire counts a holder of the current version; one that nobody holds any more
// is gone for good.
func acquire(current *atomic.Pointer[counted]) *counted {
	for {
		v := current.Load()
		if n := v.holders.Load(); n > 0 && v.holders.CompareAndSwap(n, n+1) {
			return v
		}
	}
}
