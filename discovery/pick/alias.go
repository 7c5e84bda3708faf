package pick

import (
	"math"
	"strconv"

	"github.com/roster-go/roster/discovery"
)

// WeightKey is the entry of an instance's metadata that holds its weight for [Weighted]: a
// decimal number above 0 and at most [MaxWeight]. Anything else counts as 1, also no
// entry, 0, NaN and what is not a number.
const WeightKey = "weight"

// MaxWeight is the largest weight.
const MaxWeight = 1e6

func weightOf(i *discovery.Instance) float64 {
	text, ok := i.Metadata[WeightKey]
	if !ok {
		return 1
	}
	weight, err := strconv.ParseFloat(text, 64)
	if err != nil || !(weight > 0 && weight <= MaxWeight) {
		return 1
	}
	return weight
}

// An alias table draws from a discrete distribution in constant time: each column holds at
// most two outcomes, itself up to a threshold and another one above it.
type aliasTable []aliasColumn

type aliasColumn struct {
	below uint32 // the column itself for draws up to and including this
	other int32
}

// newAliasTable builds the table for positive weights by Vose's method.
func newAliasTable(weights []float64) aliasTable {
	var sum float64
	for _, w := range weights {
		sum += w
	}
	n := len(weights)
	table := make(aliasTable, n)
	scaled := make([]float64, n) // the mean is 1
	var small, large []int
	for i, w := range weights {
		scaled[i] = w / sum * float64(n)
		if scaled[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		table[s] = aliasColumn{below: uint32(scaled[s] * math.MaxUint32), other: int32(l)}
		scaled[l] -= 1 - scaled[s]
		if scaled[l] < 1 {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	for _, rest := range [][]int{small, large} { // what rounding has left is whole
		for _, i := range rest {
			table[i] = aliasColumn{below: math.MaxUint32, other: int32(i)}
		}
	}
	return table
}

// draw turns 64 random bits into an outcome.
func (t aliasTable) draw(random uint64) int {
	i := scale(uint32(random>>32), len(t))
	fraction := uint32(random)
	if column := t[i]; fraction > column.below {
		return int(column.other)
	}
	return i
}

// scale maps 32 random bits to [0, n) by multiplication, which is cheaper than
// division (Lemire, "Fast Random Integer Generation in an Interval", 2019). The bias is
// below n/2³².
func scale(random uint32, n int) int { return int(uint64(random) * uint64(n) >> 32) }
