package pick

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/internal/assert"
)

// talksTo returns the IDs of the instances in a pool's subset.
func talksTo(p *Pool) []string {
	var ids []string
	for _, s := range p.Status() {
		ids = append(ids, s.Instance.ID)
	}
	slices.Sort(ids)
	return ids
}

func subsetPool(t *testing.T, client, size int, list []discovery.Instance) *Pool {
	t.Helper()
	return newPool(t, Options{Subset: size, Client: fmt.Sprint("host-", client)}, list)
}

func TestSubsetsAreEven(t *testing.T) {
	t.Parallel()
	const clients, n, size = 100, 50, 10
	list := instances("a", n)
	used := make(map[string]int)
	for client := range clients {
		p := subsetPool(t, client, size, list)
		ids := talksTo(p)
		assert.Equal(t, len(ids), size)
		assert.Equal(t, len(counts(t, p, 5*size)), size)
		for _, id := range ids {
			used[id]++
		}
	}
	for i := range n {
		// The mean is 20 and the standard deviation 4; the hash is fixed, so is the result.
		if got := used[fmt.Sprint("a-", i)]; got < 8 || got > 34 {
			t.Errorf("a-%d is used by %d clients, want 8 to 34", i, got)
		}
	}
}

func TestSubsetsHardlyChurn(t *testing.T) {
	t.Parallel()
	const clients, n, size = 100, 50, 10
	list := instances("a", n)
	for client := range clients {
		p := subsetPool(t, client, size, list)
		before := talksTo(p)
		for gone := range n {
			p.Update(slices.Delete(slices.Clone(list), gone, gone+1))
			after := talksTo(p)
			changed := 0
			for _, id := range before {
				if !slices.Contains(after, id) {
					changed++
					assert.Equal(t, id, list[gone].ID)
				}
			}
			had := slices.Contains(before, list[gone].ID)
			assert.Equal(t, changed == 1, had)
			assert.Equal(t, len(after), size)
		}
		reversed := slices.Clone(list)
		slices.Reverse(reversed)
		p.Update(reversed)
		assert.Equal(t, talksTo(p), before)
	}
}

func TestSubsetOfFew(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 9, 10} {
		assert.Equal(t, len(talksTo(subsetPool(t, 1, 10, instances("a", n)))), n)
	}
}

func TestSubsetLeavesDrainingOut(t *testing.T) {
	t.Parallel()
	list := instances("a", 20)
	p := subsetPool(t, 7, 5, list)
	before := talksTo(p)
	for i := range list {
		list[i].Draining = list[i].ID == before[0]
	}
	p.Update(list)
	after := talksTo(p)
	assert.True(t, !slices.Contains(after, before[0]), "the one that drains is replaced")
	assert.Equal(t, len(counts(t, p, 50)), 5)
}

func TestSubsetIsNear(t *testing.T) {
	t.Parallel()
	list := neighbourhood()
	for size, want := range map[int]int{4: 0, 10: 0, 13: 3, 20: 10, 23: 10} {
		p := newPool(t, Options{Subset: size, Client: "me", Region: "eu", Zone: "a"}, list)
		got := 0
		for _, id := range talksTo(p) {
			if strings.HasPrefix(id, "region") {
				got++
			}
		}
		assert.Equal(t, got, want)
		assert.Equal(t, byZone(counts(t, p, 200)), map[string]float64{"zone": 1})
	}
}

func TestSubsetKeepsStateOutsideOfIt(t *testing.T) {
	t.Parallel()
	list := instances("a", 20)
	p := subsetPool(t, 7, 5, list)
	c, err := p.Pick("")
	assert.NoError(t, err)
	index := c.Index()
	list[index].Draining = true
	p.Update(list) // it leaves the subset
	list[index].Draining = false
	p.Update(list)
	for _, s := range p.Status() {
		assert.Equal(t, s.InFlight == 1, s.Instance.ID == list[index].ID)
	}
}
