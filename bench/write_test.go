package bench_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/roster-go/roster"
)

// BenchmarkRegister fills an empty registry with 10,000 names; a figure is for
// all of them.
func BenchmarkRegister(b *testing.B) {
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprintf("driver-%06d", i)
	}
	b.Run("locked-map", func(b *testing.B) { // as database/sql has it: no provenance
		b.ReportAllocs()
		for b.Loop() {
			var mu sync.Mutex
			m := make(map[string]int)
			for i, name := range names {
				mu.Lock()
				if _, taken := m[name]; taken {
					b.Fatal("taken")
				}
				m[name] = i
				mu.Unlock()
			}
		}
	})
	b.Run("Registry", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r := roster.New[int](roster.Unlisted())
			for i, name := range names {
				r.Register(name, i)
			}
		}
	})
	// A package that checks for a name before it registers it must not make
	// starting up quadratic.
	b.Run("Registry-after-lookup", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r := roster.New[int](roster.Unlisted())
			for i, name := range names {
				if _, taken := r.Get(name); !taken {
					r.Register(name, i)
				}
			}
		}
	})
	b.Run("Hot", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			h := roster.NewHot[int](roster.Unlisted())
			for i, name := range names {
				h.Register(name, i)
			}
		}
	})
}

// BenchmarkReplaceOne changes one value among a million.
func BenchmarkReplaceOne(b *testing.B) {
	const size = 1_000_000
	asked := shapes[0].asked(b, size, 0)
	each(b, writes, shapes[0].entries(size), func(b *testing.B, l lookup) {
		b.Helper()
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			l.set(asked[i&(len(asked)-1)], -i-1)
			i++
		}
	})
}

// BenchmarkReloadAll gives all of 10,000 names new values.
func BenchmarkReloadAll(b *testing.B) {
	const size = 10_000
	entries := shapes[0].entries(size)
	each(b, reloads, entries, func(b *testing.B, l lookup) {
		b.Helper()
		b.ReportAllocs()
		next := make(map[string]int, size)
		for generation := 0; b.Loop(); generation++ {
			b.StopTimer()
			for name := range entries {
				next[name] = size + generation
			}
			b.StartTimer()
			l.reload(next)
		}
	})
}

// BenchmarkMemory reports how much memory a name takes among a million, besides
// its text.
func BenchmarkMemory(b *testing.B) {
	const size = 1_000_000
	entries := shapes[0].entries(size)
	for _, p := range peers {
		b.Run(p.name, func(b *testing.B) {
			var before, after runtime.MemStats
			for b.Loop() {
				runtime.GC()
				runtime.ReadMemStats(&before)
				l := p.open(entries)
				runtime.GC()
				runtime.ReadMemStats(&after)
				runtime.KeepAlive(l)
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/size, "B/name")
		})
	}
}
