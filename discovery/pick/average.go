package pick

import (
	"math"
	"sync/atomic"
)

// An average is the peak-sensitive, exponentially weighted moving average of latencies in
// nanoseconds, as Finagle's PeakEwma has it: a value above the average replaces it, one
// below draws it down by a weight that grows with the time since the last one. Without
// values it decays towards 0, so that a slow instance is tried again.
//
// Ages are weighed by a rate, which is one over the time constant in nanoseconds.
//
// The two words are not read together. A reader that comes between the two writes decays the
// value by the wrong time, once, which matters no more than the chance in the choice.
type average struct {
	value atomic.Uint64 // bits of a float64
	stamp atomic.Int64  // when value was right
}

// at is the average as of now.
func (a *average) at(now int64, rate float64) float64 {
	return a.last() * weight(now-a.stamp.Load(), rate)
}

// observe adds a latency.
func (a *average) observe(latency float64, now int64, rate float64) {
	latency = max(latency, 1) // 0 means that there was none
	for {
		bits, stamp := a.value.Load(), a.stamp.Load()
		value := math.Float64frombits(bits)
		next := latency
		if latency < value {
			w := weight(now-stamp, rate)
			next = value*w + latency*(1-w)
		}
		if a.value.CompareAndSwap(bits, math.Float64bits(next)) {
			a.stamp.Store(max(now, stamp))
			return
		}
	}
}

// last is the average as it was when the last latency was added, 0 before the first.
func (a *average) last() float64 { return math.Float64frombits(a.value.Load()) }

// The table of weights has so many steps up to e, and ends where next to nothing is left.
const (
	weightSteps = 64
	weightEnd   = 8 // e to the power of it is 3000
)

// weights are the powers of 1/e in steps, with one more for the interpolation. It is there
// because LeastLoaded needs up to one for each Pick and each Done, and math.Exp takes 10 ns.
var weights = func() (table [weightSteps*weightEnd + 1]float64) {
	for i := range table {
		table[i] = math.Exp(-float64(i) / weightSteps)
	}
	return table
}()

// weight is the share of an old value that is left after an age in nanoseconds, where
// rate is one over the time constant. Its relative error is below 1e-4.
func weight(age int64, rate float64) float64 {
	x := float64(age) * (rate * weightSteps)
	switch {
	case x <= 0:
		return 1
	case x < weightSteps*weightEnd:
		i := int(x)
		return weights[i] + (x-float64(i))*(weights[i+1]-weights[i])
	default:
		return math.Exp(-x / weightSteps)
	}
}
