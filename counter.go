package roster

import (
	"math"
	"math/bits"
	"runtime"
	"sync/atomic"
	"unsafe"
)

// hits counts by ordinal, exactly, while many goroutines add. There is a row of
// cells for each stripe, and whoever adds picks a stripe by the address of his
// stack, so that goroutines on different processors rarely share a cache line.
// Reading adds the rows up.
type hits struct {
	cells []atomic.Uint64 // row after row
	width int             // ordinals in a row
	older *hits           // narrower; whoever still knows only that one adds there
}

// Two goroutines on different processors meet on a stripe with probability one
// in the number of stripes, and then wait for each other's cache line: four
// stripes per processor keep that rare. maxStripes bounds the memory of a
// counter on machines with many processors.
const (
	stripesPerProcessor = 4
	maxStripes          = 16
	minWidth            = 8 // a cache line of 64 bytes
)

var stripes = func() int {
	n := min(stripesPerProcessor*runtime.GOMAXPROCS(0), maxStripes)
	return 1 << bits.Len(uint(n-1)) // up to a power of two
}()

// wideEnough returns h, or a wider successor that has a counter for ordinal n.
func (h *hits) wideEnough(n int) *hits {
	width := minWidth
	if h != nil {
		width = h.width
		if n < width {
			return h
		}
	}
	for width <= n {
		width *= 2
	}
	return &hits{cells: make([]atomic.Uint64, stripes*width), width: width, older: h}
}

// cell is the counter to add to for ordinal n. It reads the counter, so that a
// processor fetches it from memory while the name is still being compared; an
// atomic addition would wait its turn. The comparison never holds.
func (h *hits) cell(n int) *atomic.Uint64 {
	c := &h.cells[stripe()*h.width+n]
	if c.Load() == math.MaxUint64 {
		return new(atomic.Uint64)
	}
	return c
}

// count is how often ordinal n was counted.
func (h *hits) count(n int) uint64 {
	var sum uint64
	for ; h != nil && n < h.width; h = h.older {
		for i := n; i < len(h.cells); i += h.width {
			sum += h.cells[i].Load()
		}
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
