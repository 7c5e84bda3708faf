package bench_test

import (
	"fmt"
	"testing"

	"github.com/roster-go/roster"
)

// BenchmarkSuspended looks names up while nothing is suspended, and while another name
// is.
func BenchmarkSuspended(b *testing.B) {
	const names, mask = 1024, 1023
	for _, suspended := range []bool{false, true} {
		d := roster.NewDirectory()
		r := roster.New[int](roster.In(d), roster.Named("bench"))
		h := roster.NewHot[int](roster.In(d), roster.Named("bench"))
		asked := make([]string, names)
		for i := range asked {
			asked[i] = fmt.Sprint("image/type-", i)
			r.Register(asked[i], i)
			h.Register(asked[i], i)
		}
		what := "none"
		if suspended {
			what = "another"
			d.Suspend("bench", "nobody has it", nil)
		}
		pin := h.Pin()
		for name, get := range map[string]func(string) (int, bool){"Registry": r.Get, "Hot": h.Get, "Pin": pin.Get} {
			b.Run(name+"/"+what, func(b *testing.B) {
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					if _, ok := get(asked[i&mask]); !ok {
						b.Fatal("a miss")
					}
					i++
				}
			})
		}
		pin.Release()
	}
}
