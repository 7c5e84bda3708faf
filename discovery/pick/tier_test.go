package pick

import (
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/internal/assert"
)

func TestTierOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		region, zone   string // the caller's
		iRegion, iZone string
		want           int
	}{
		{"", "", "eu", "a", tierNear},
		{"eu", "a", "eu", "a", tierNear},
		{"eu", "a", "eu", "b", tierRegion},
		{"eu", "a", "us", "a", tierFar},
		{"eu", "a", "", "a", tierNear},
		{"eu", "a", "", "", tierFar},
		{"", "a", "eu", "a", tierNear},
		{"", "a", "", "b", tierFar},
		{"", "a", "", "", tierFar},
		{"eu", "", "eu", "b", tierNear},
		{"eu", "", "us", "b", tierFar},
	}
	for _, tt := range tests {
		got := tierOf(&discovery.Instance{Region: tt.iRegion, Zone: tt.iZone}, tt.region, tt.zone)
		if got != tt.want {
			t.Errorf("caller %s/%s, instance %s/%s: got %d, want %d", tt.region, tt.zone, tt.iRegion, tt.iZone, got, tt.want)
		}
	}
}

// The cases of two tiers are those of Envoy's documentation of priority levels.
func TestShares(t *testing.T) {
	t.Parallel()
	tests := []struct {
		healthy, total []int
		want           []float64
	}{
		{[]int{100, 100}, []int{100, 100}, []float64{1, 0}},
		{[]int{72, 100}, []int{100, 100}, []float64{1, 0}},
		{[]int{71, 100}, []int{100, 100}, []float64{0.994, 0.006}},
		{[]int{50, 100}, []int{100, 100}, []float64{0.7, 0.3}},
		{[]int{0, 100}, []int{100, 100}, []float64{0, 1}},
		{[]int{25, 25}, []int{100, 100}, []float64{0.5, 0.5}},
		{[]int{20, 20, 10}, []int{100, 100, 100}, []float64{0.4, 0.4, 0.2}},
		{[]int{5, 5, 5}, []int{10, 10, 10}, []float64{0.7, 0.3, 0}},
		{[]int{0, 0}, []int{1, 1}, []float64{0, 0}},
	}
	for _, tt := range tests {
		got := shares(tt.healthy, tt.total)
		for i := range got {
			if math.Abs(got[i]-tt.want[i]) > 1e-9 {
				t.Errorf("%v of %v: got %v, want %v", tt.healthy, tt.total, got, tt.want)
				break
			}
		}
	}
}

func neighbourhood() []discovery.Instance {
	return slices.Concat(
		placed(instances("far", 10), "us", "a"),
		placed(instances("region", 10), "eu", "b"),
		placed(instances("zone", 10), "eu", "a"),
	)
}

// byZone is the share of the calls by the prefix of the ID.
func byZone(counts map[string]int) map[string]float64 {
	sum, zones := 0, make(map[string]int)
	for id, n := range counts {
		sum += n
		zones[id[:len(id)-2]] += n
	}
	parts := make(map[string]float64)
	for zone, n := range zones {
		parts[zone] = float64(n) / float64(sum)
	}
	return parts
}

func TestZoneFirst(t *testing.T) {
	t.Parallel()
	all := neighbourhood()
	five := []string{"zone-0", "zone-1", "zone-2", "zone-3", "zone-4"}
	tests := []struct {
		name  string
		list  []discovery.Instance
		eject []string
		want  map[string]float64
	}{
		{"all in order", all, nil, map[string]float64{"zone": 1}},
		{"two of ten ejected", all, five[:2], map[string]float64{"zone": 1}},
		{"half ejected", all, five, map[string]float64{"zone": 0.7, "region": 0.3}},
		{"half ejected, no region", slices.Concat(all[:10], all[20:]), five, map[string]float64{"zone": 0.7, "far": 0.3}},
		{"all local ejected", all, append(five, "zone-5", "zone-6", "zone-7", "zone-8", "zone-9"), map[string]float64{"region": 1}},
		{"none local", all[:20], nil, map[string]float64{"region": 1}},
		{"none in the region", all[:10], nil, map[string]float64{"far": 1}},
		{"only local, half ejected", all[20:], five, map[string]float64{"zone": 1}},
	}
	for _, policy := range policies {
		for _, tt := range tests {
			t.Run(string(policy)+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				p := newPool(t, Options{Policy: policy, Region: "eu", Zone: "a"}, tt.list)
				eject(t, p, tt.eject...)
				const n = 20000
				got := byZone(counts(t, p, n))
				for zone, share := range got {
					tolerance := 0.03 // above nine standard deviations
					if want := tt.want[zone]; want == 0 || want == 1 {
						tolerance = 0
					}
					if math.Abs(share-tt.want[zone]) > tolerance+1e-9 {
						t.Fatalf("%s takes %.3f, want %.3f; all: %v", zone, share, tt.want[zone], got)
					}
				}
				assert.Equal(t, len(got), len(tt.want))
			})
		}
	}
}

func TestZoneFirstIgnoresDraining(t *testing.T) {
	t.Parallel()
	list := neighbourhood()
	for i := 20; i < 29; i++ {
		list[i].Draining = true
	}
	p := newPool(t, Options{Region: "eu", Zone: "a"}, list)
	assert.Equal(t, counts(t, p, 100), map[string]int{"zone-9": 100})
	list[29].Draining = true
	p.Update(list)
	assert.Equal(t, byZone(counts(t, p, 100)), map[string]float64{"region": 1})
}

func TestConsistentHashKeepsAKeyInItsTier(t *testing.T) {
	t.Parallel()
	p := newPool(t, Options{Policy: ConsistentHash, Region: "eu", Zone: "a"}, neighbourhood())
	eject(t, p, "zone-0", "zone-1", "zone-2", "zone-3", "zone-4")
	for i := range 100 {
		key := strconv.Itoa(i)
		want := picked(t, p, key)
		for range 5 {
			assert.Equal(t, picked(t, p, key), want)
		}
	}
}
