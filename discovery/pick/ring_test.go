package pick

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"testing"

	"github.com/roster-go/roster/internal/assert"
)

const keys = 10_000

// owners is where each key goes while nothing is in flight.
func owners(t *testing.T, p *Pool) []string {
	t.Helper()
	ids := make([]string, keys)
	for i := range ids {
		ids[i] = picked(t, p, fmt.Sprint("user/", i))
	}
	return ids
}

func TestConsistentHashSpreadsKeys(t *testing.T) {
	t.Parallel()
	const n = 20
	count := make(map[string]int)
	for _, id := range owners(t, newPool(t, Options{Policy: ConsistentHash}, instances("a", n))) {
		count[id]++
	}
	for i := range n {
		got := count[fmt.Sprint("a-", i)]
		if got < keys/n/2 || got > keys/n*2 {
			t.Errorf("a-%d has %d keys, want about %d", i, got, keys/n)
		}
	}
}

func TestConsistentHashMovesFewKeys(t *testing.T) {
	t.Parallel()
	const n = 20
	list := instances("a", n)
	p := newPool(t, Options{Policy: ConsistentHash}, list)
	before := owners(t, p)

	p.Update(slices.Delete(slices.Clone(list), 7, 8))
	lost := 0
	for i, id := range owners(t, p) {
		if before[i] == "a-7" {
			lost++
			assert.True(t, id != "a-7", "keys leave the instance that is gone")
		} else if id != before[i] {
			t.Fatalf("key %d moved from %s to %s, neither of which left", i, before[i], id)
		}
	}
	assert.True(t, lost > 0, "the instance had keys")

	p.Update(append(instances("new", 1), list...))
	moved := 0
	for i, id := range owners(t, p) {
		if id != before[i] {
			moved++
			assert.Equal(t, id, "new-0")
		}
	}
	want := float64(keys) / (n + 1)
	assert.True(t, math.Abs(float64(moved)-want) < want/2, fmt.Sprintf("about %.0f keys move, %d did", want, moved))

	p.Update(list)
	assert.Equal(t, owners(t, p), before)
}

func TestConsistentHashIgnoresTheOrder(t *testing.T) {
	t.Parallel()
	list := instances("a", 20)
	want := owners(t, newPool(t, Options{Policy: ConsistentHash}, list))
	shuffled := slices.Clone(list)
	rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	assert.Equal(t, owners(t, newPool(t, Options{Policy: ConsistentHash}, shuffled)), want)

	grown := newPool(t, Options{Policy: ConsistentHash}, shuffled[:9])
	grown.Update(shuffled[3:])
	grown.Update(shuffled)
	assert.Equal(t, owners(t, grown), want)
}

func TestConsistentHashKeepsKeysAcrossAddresses(t *testing.T) {
	t.Parallel()
	list := instances("a", 5)
	p := newPool(t, Options{Policy: ConsistentHash}, list)
	before := owners(t, p)
	list[2].Address = "moved:80"
	p.Update(list)
	assert.Equal(t, owners(t, p), before)
}

func TestConsistentHashMovesOnlyKeysOfEjected(t *testing.T) {
	t.Parallel()
	p := newPool(t, Options{Policy: ConsistentHash}, instances("a", 10))
	before := owners(t, p)
	eject(t, p, "a-3", "a-8")
	for i, id := range owners(t, p) {
		gone := before[i] == "a-3" || before[i] == "a-8"
		assert.True(t, id != "a-3" && id != "a-8", "no key on an ejected instance")
		assert.True(t, gone || id == before[i], "other keys stay")
	}
}

func TestConsistentHashBoundsTheLoad(t *testing.T) {
	t.Parallel()
	for _, factor := range []float64{1.01, 1.25, 2} {
		for name, key := range map[string]func(int) string{
			"many keys": strconv.Itoa,
			"hot key":   func(int) string { return "hot" },
			"one in two": func(i int) string {
				if i%2 == 0 {
					return "hot"
				}
				return strconv.Itoa(i)
			},
		} {
			t.Run(fmt.Sprint(factor, " ", name), func(t *testing.T) {
				t.Parallel()
				const n = 10
				p := newPool(t, Options{Policy: ConsistentHash, LoadFactor: factor}, instances("a", n))
				load := make(map[string]int)
				for i := 1; i <= 500; i++ {
					c, err := p.Pick(key(i))
					assert.NoError(t, err)
					id := c.Instance().ID
					load[id]++
					bound := int(math.Ceil(factor * float64(i) / n))
					assert.True(t, load[id] <= bound, fmt.Sprintf("%s has %d of %d calls, at most %d", id, load[id], i, bound))
				}
				if name == "hot key" {
					assert.True(t, len(load) >= int(n/factor), fmt.Sprintf("the hot key spills over, to %v", load))
				}
			})
		}
	}
}

// A ring that followed any history is the ring of its identities, and finds what a binary
// search finds.
func TestRingAgainstOracle(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	var r *ring
	for range 100 {
		var ids []uint64
		for _, id := range random.Perm(30)[:random.IntN(30)] {
			ids = append(ids, mix(uint64(id)+1))
		}
		r = r.follow(ids)
		assert.Equal(t, r.points, (*ring)(nil).follow(ids).points)
		assert.Equal(t, len(r.points), len(ids)*pointsPerInstance)
		if len(ids) == 0 {
			continue
		}
		probes := []uint64{0, math.MaxUint64, r.points[0].hash, r.points[len(r.points)-1].hash}
		for range 100 {
			probes = append(probes, random.Uint64())
		}
		for _, hash := range probes {
			want := sort.Search(len(r.points), func(i int) bool { return r.points[i].hash >= hash }) % len(r.points)
			assert.Equal(t, r.find(hash), want)
		}
	}
}

// What other callers and other versions compute must not change.
func TestHashIsStable(t *testing.T) {
	t.Parallel()
	assert.Equal(t, hashText(""), mix(14695981039346656037))
	assert.Equal(t, hashText("foobar"), mix(0x85944171f73967e8)) // from the FNV reference
	assert.Equal(t, mix(0x9e3779b97f4a7c15), uint64(0xe220a8397b1dcdaf))
}
