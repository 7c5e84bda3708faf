package bench_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

var sizes = []int{10, 10_000, 1_000_000}

// BenchmarkHit finds names that are there.
//
// In "chained" a lookup begins when the value of the one before is known, as in
// a program that acts on what it looked up; its time is how long one lookup
// takes. In "overlapped" lookups do not depend on each other, and a processor
// works on several at a time; its time is how many it gets done. In "parallel"
// every processor does what "overlapped" does.
func BenchmarkHit(b *testing.B) {
	forEachSize(b, 0, func(b *testing.B, asked []string, l lookup) {
		b.Helper()
		b.Run("chained", func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				v, ok := l.get(asked[i&(len(asked)-1)])
				if !ok {
					b.Fatal("a miss")
				}
				i += 1 + v>>62 // adds nothing, but has to wait for v
			}
		})
		b.Run("overlapped", func(b *testing.B) {
			i := 0
			for b.Loop() {
				if _, ok := l.get(asked[i&(len(asked)-1)]); !ok {
					b.Fatal("a miss")
				}
				i++
			}
		})
		b.Run("parallel", func(b *testing.B) {
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
	})
}

// BenchmarkMiss asks for names that are not there, as many different ones as
// there are names. A counted registry counts the first hundred of them by name.
func BenchmarkMiss(b *testing.B) {
	forEachSize(b, 5_000_000, func(b *testing.B, asked []string, l lookup) {
		b.Helper()
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if _, ok := l.get(asked[i&(len(asked)-1)]); ok {
				b.Fatal("a hit")
			}
			i++
		}
	})
}

func forEachSize(b *testing.B, offset int, run func(b *testing.B, asked []string, l lookup)) {
	b.Helper()
	for _, s := range shapes {
		for _, size := range sizes {
			b.Run(fmt.Sprintf("%s/%d", s.name, size), func(b *testing.B) {
				asked := s.asked(b, size, offset)
				each(b, reads, s.entries(size), func(b *testing.B, l lookup) {
					b.Helper()
					run(b, asked, l)
				})
			})
		}
	}
}
