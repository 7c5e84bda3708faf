package roster

import (
	"math/bits"
	"runtime"
	"sync/atomic"
	"unsafe"
)

// A counter counts events exactly while many goroutines add to it. Each
// counter has one cell per stripe; adding picks a stripe by the address of the
// caller's stack, so that goroutines on different processors rarely share a
// cache line. Reading adds the cells up.
type counter struct {
	cells []atomic.Uint64 // every countersPerPage-th one belongs to this counter
}

// A page interleaves eight counters, so that a stripe of a page is one cache
// line of 64 bytes and a counter costs eight bytes per stripe.
const countersPerPage = 8

// Two goroutines on different processors meet on a stripe with probability one
// in the number of stripes, and then wait for each other's cache line: four
// stripes per processor keep that rare. maxStripes bounds the memory of a
// counter on machines with many processors.
const (
	stripesPerProcessor = 4
	maxStripes          = 16
)

var stripes = func() int {
	n := min(stripesPerProcessor*runtime.GOMAXPROCS(0), maxStripes)
	return 1 << bits.Len(uint(n-1)) // up to a power of two
}()

func (c counter) add() {
	c.cells[stripe()*countersPerPage].Add(1)
}

func (c counter) load() uint64 {
	var sum uint64
	for i := 0; i < len(c.cells); i += countersPerPage {
		sum += c.cells[i].Load()
	}
	return sum
}

// stripe hashes the address of a local variable: stacks of goroutines lie at
// least two kilobytes apart, and nothing cheaper tells processors apart. A bad
// guess costs time, never a count.
func stripe() int {
	var local byte
	const stackShift, fibonacci = 11, 0x9E3779B97F4A7C15
	h := uint64(uintptr(unsafe.Pointer(&local))>>stackShift) * fibonacci
	return int(h>>32) & (stripes - 1)
}

// counters hands out counters from pages. It is not safe for concurrent use.
type counters struct {
	page []atomic.Uint64
	used int
}

func (cs *counters) next() counter {
	if cs.page == nil || cs.used == countersPerPage {
		cs.page = make([]atomic.Uint64, stripes*countersPerPage)
		cs.used = 0
	}
	c := counter{cells: cs.page[cs.used:]}
	cs.used++
	return c
}
