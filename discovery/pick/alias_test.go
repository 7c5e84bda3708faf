package pick

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/internal/assert"
)

func TestWeightOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want float64
	}{
		{"2", 2}, {"0.25", 0.25}, {"1e6", 1e6}, {"1e-3", 1e-3},
		{"", 1}, {"0", 1}, {"-3", 1}, {"NaN", 1}, {"Inf", 1}, {"-Inf", 1}, {"1e7", 1}, {"1e400", 1}, {"heavy", 1},
	}
	for _, tt := range tests {
		got := weightOf(&discovery.Instance{Metadata: map[string]string{WeightKey: tt.text}})
		if got != tt.want {
			t.Errorf("weight %q: got %v, want %v", tt.text, got, tt.want)
		}
	}
	assert.Equal(t, weightOf(&discovery.Instance{}), 1)
}

// The table itself says how likely each outcome is: its columns are equally likely, and
// each gives a known part to itself.
func TestAliasTableHasTheDistribution(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n := 1 + random.IntN(50)
		weights := make([]float64, n)
		var sum float64
		for i := range weights {
			weights[i] = math.Pow(10, 6*random.Float64()-3)
			sum += weights[i]
		}
		got := make([]float64, n)
		for i, column := range newAliasTable(weights) {
			self := (float64(column.below) + 1) / (1 << 32)
			got[i] += self / float64(n)
			got[column.other] += (1 - self) / float64(n)
		}
		for i := range got {
			if want := weights[i] / sum; math.Abs(got[i]-want) > 1e-8 {
				t.Fatalf("%d of %v: got %v, want %v", i, weights, got[i], want)
			}
		}
	}
}

func TestWeightedFollowsWeights(t *testing.T) {
	t.Parallel()
	list := instances("a", 3)
	list[0].Metadata = map[string]string{WeightKey: "6"}
	list[1].Metadata = map[string]string{WeightKey: "3"}
	list[2].Metadata = map[string]string{WeightKey: "NaN"}
	p := newPool(t, Options{Policy: Weighted}, list)
	near(t, counts(t, p, 20000), map[string]float64{"a-0": 0.6, "a-1": 0.3, "a-2": 0.1})

	list[0].Metadata = map[string]string{WeightKey: "1"}
	list[1].Metadata = nil
	list[2].Metadata = map[string]string{WeightKey: "2"}
	p.Update(list)
	near(t, counts(t, p, 20000), map[string]float64{"a-0": 0.25, "a-1": 0.25, "a-2": 0.5})
}

// near fails unless the counts have the given shares within 3 percent points, about nine
// standard deviations of 20000 draws.
func near(t *testing.T, got map[string]int, want map[string]float64) {
	t.Helper()
	sum := 0
	for _, n := range got {
		sum += n
	}
	for id, share := range want {
		if math.Abs(float64(got[id])/float64(sum)-share) > 0.03 {
			t.Fatalf("%s got %s of the calls, want %v; all: %v", id, fmt.Sprintf("%.3f", float64(got[id])/float64(sum)), share, got)
		}
	}
}
