package bench_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/puzpuzpuz/xsync/v4"

	"github.com/roster-go/roster"
)

// lookups are the ways to find a value by name. A miss returns the zero value.
func lookups(names []string) []struct {
	name string
	get  func(string) (int, bool)
} {
	plain := make(map[string]int, len(names))
	var locked sync.RWMutex
	var syncMap sync.Map
	xsyncMap := xsync.NewMap[string, int]()
	registry := roster.New[int](roster.In(roster.NewDirectory()))
	hot := roster.NewHot[int](roster.In(roster.NewDirectory()))
	for i, name := range names {
		plain[name] = i
		syncMap.Store(name, i)
		xsyncMap.Store(name, i)
		registry.Register(name, i)
	}
	if err := hot.Reload(plain); err != nil {
		panic(err)
	}
	registry.Names() // publishes, as the first lookups of a program do
	return []struct {
		name string
		get  func(string) (int, bool)
	}{
		{"map", func(n string) (int, bool) { v, ok := plain[n]; return v, ok }},
		{"RWMutex", func(n string) (int, bool) {
			locked.RLock()
			defer locked.RUnlock()
			v, ok := plain[n]
			return v, ok
		}},
		{"sync.Map", func(n string) (int, bool) {
			v, ok := syncMap.Load(n)
			if !ok {
				return 0, false
			}
			return v.(int), true
		}},
		{"xsync.Map", xsyncMap.Load},
		{"roster.Registry", registry.Get},
		{"roster.Hot", hot.Get},
	}
}

// BenchmarkLookup finds names that are there, in random order. The names are
// copies, so that no map can compare addresses instead of text.
func BenchmarkLookup(b *testing.B) {
	for _, size := range []int{10, 10_000} {
		names := make([]string, size)
		asked := make([]string, 1<<14)
		for i := range names {
			names[i] = fmt.Sprintf("github.com/example/driver%06d", i)
		}
		random := rand.New(rand.NewPCG(1, 2))
		for i := range asked {
			asked[i] = string([]byte(names[random.IntN(size)]))
		}
		for _, l := range lookups(names) {
			b.Run(fmt.Sprintf("names=%d/%s", size, l.name), func(b *testing.B) {
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					if _, ok := l.get(asked[i&(len(asked)-1)]); !ok {
						b.Fatal("a miss")
					}
					i++
				}
			})
		}
		for _, l := range lookups(names) {
			b.Run(fmt.Sprintf("names=%d/parallel/%s", size, l.name), func(b *testing.B) {
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					i := rand.IntN(len(asked))
					for pb.Next() {
						if _, ok := l.get(asked[i&(len(asked)-1)]); !ok {
							b.Error("a miss")
							return
						}
						i++
					}
				})
			})
		}
	}
}

// BenchmarkRegister fills an empty registry; a figure is for one registration.
func BenchmarkRegister(b *testing.B) {
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprintf("driver%06d", i)
	}
	b.Run("roster.Registry", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r := roster.New[int](roster.In(roster.NewDirectory()))
			for i, name := range names {
				r.Register(name, i)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(names)), "ns/registration")
	})
	// A package that checks for a name before it registers it must not make
	// starting up quadratic.
	b.Run("roster.Registry with a lookup each", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r := roster.New[int](roster.In(roster.NewDirectory()))
			for i, name := range names {
				if _, taken := r.Get(name); !taken {
					r.Register(name, i)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(names)), "ns/registration")
	})
}
