package roster

import (
	"maps"
	"math"
	"slices"
	"sync"
	"time"
)

// Durations is how long something took, each time it happened: a histogram
// whose buckets grow by the fourth root of two, so that a quantile read from it
// is wrong by less than a tenth. The buckets are those of a Prometheus native
// histogram of schema 2, and of an OpenTelemetry exponential histogram of scale 2.
type Durations struct {
	Count   uint64
	Sum     time.Duration
	Zero    uint64           // of Count, not longer than [DurationsZero]
	Buckets []DurationBucket // the others; shortest first, none is empty
}

// DurationsZero is up to where [Durations] does not tell durations apart: 2⁻²⁰
// seconds, about a microsecond.
const DurationsZero = time.Second >> 20

// A DurationBucket counts durations above 2^((Index-1)/4) seconds, up to
// 2^(Index/4) seconds.
type DurationBucket struct {
	Index int
	N     uint64
}

// bucketsPerOctave is how many buckets lie between a duration and its double.
const bucketsPerOctave = 4

// octave are the lower ends of the buckets between a half and one.
var octave = func() (lower [bucketsPerOctave]float64) {
	for i := range lower {
		lower[i] = math.Exp2(float64(i)/bucketsPerOctave - 1)
	}
	return lower
}()

// Seconds is the upper end of the bucket.
func (b DurationBucket) Seconds() float64 { return math.Exp2(float64(b.Index) / bucketsPerOctave) }

// bucketOf returns the index of the bucket that d, which is positive, lies in.
func bucketOf(d time.Duration) int {
	fraction, exponent := math.Frexp(d.Seconds()) // fraction is in [½, 1)
	i, _ := slices.BinarySearch(octave[:], fraction)
	return i + (exponent-1)*bucketsPerOctave
}

// took adds durations up. There are few different ones, so that it keeps the
// buckets that are not empty only. It is for writes, which take a lock anyway.
type took struct {
	mu   sync.Mutex // guards the fields below
	sum  Durations  // without Buckets
	each map[int]uint64
}

func (t *took) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.Count++
	t.sum.Sum += d
	if d <= DurationsZero {
		t.sum.Zero++
		return
	}
	if t.each == nil {
		t.each = make(map[int]uint64)
	}
	t.each[bucketOf(d)]++
}

// addAll adds what another one has. It never holds both locks.
func (t *took) addAll(other *took) {
	other.mu.Lock()
	sum, each := other.sum, maps.Clone(other.each)
	other.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.Count += sum.Count
	t.sum.Sum += sum.Sum
	t.sum.Zero += sum.Zero
	if t.each == nil {
		t.each = make(map[int]uint64, len(each))
	}
	for i, n := range each {
		t.each[i] += n
	}
}

func (t *took) durations() Durations {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.sum
	for _, i := range slices.Sorted(maps.Keys(t.each)) {
		d.Buckets = append(d.Buckets, DurationBucket{Index: i, N: t.each[i]})
	}
	return d
}
