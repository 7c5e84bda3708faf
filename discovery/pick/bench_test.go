package pick

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/roster-go/roster/internal/assert"
)

// sizes are how many instances the benchmarks have.
var sizes = []int{10, 1000}

// BenchmarkPick is one call: Pick and Done.
func BenchmarkPick(b *testing.B) {
	for _, policy := range policies {
		for _, n := range sizes {
			b.Run(fmt.Sprintf("%s/%d", policy, n), func(b *testing.B) {
				p := newPool(b, Options{Policy: policy}, instances("a", n))
				b.ReportAllocs()
				for b.Loop() {
					c, _ := p.Pick("user/4711")
					c.Done(nil)
				}
			})
		}
	}
}

// BenchmarkPickAlone leaves Done out.
func BenchmarkPickAlone(b *testing.B) {
	for _, policy := range policies {
		for _, n := range sizes {
			b.Run(fmt.Sprintf("%s/%d", policy, n), func(b *testing.B) {
				p := newPool(b, Options{Policy: policy}, instances("a", n))
				for range 10 * n { // every instance has an average
					c, _ := p.Pick(strconv.Itoa(n))
					c.Done(nil)
				}
				keys := make([]string, 1024)
				for i := range keys {
					keys[i] = fmt.Sprint("user/", i)
				}
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					_, _ = p.Pick(keys[i%len(keys)])
					i++
				}
			})
		}
	}
}

// BenchmarkPickParallel is BenchmarkPick on all processors, through a balancer.
func BenchmarkPickParallel(b *testing.B) {
	for _, policy := range policies {
		b.Run(string(policy), func(b *testing.B) {
			view := &steadyView{list: instances("a", 100)}
			balancer, err := New(view, "svc", Options{Policy: policy})
			assert.NoError(b, err)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					c, _ := balancer.Pick("user/4711")
					c.Done(nil)
				}
			})
		})
	}
}

// BenchmarkUpdate is one instance more or less.
func BenchmarkUpdate(b *testing.B) {
	for _, policy := range policies {
		for _, n := range sizes {
			b.Run(fmt.Sprintf("%s/%d", policy, n), func(b *testing.B) {
				list := instances("a", n)
				p := newPool(b, Options{Policy: policy}, list)
				i := 0
				for b.Loop() {
					p.update(list[:n-i%2], nil)
					i++
				}
			})
		}
	}
}
