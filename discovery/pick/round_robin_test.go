package pick

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/roster-go/roster/internal/assert"
)

func TestRoundRobinIsExact(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 7, 100} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			const k = 5
			got := counts(t, newPool(t, Options{}, instances("a", n)), n*k)
			assert.Equal(t, len(got), n)
			for id, count := range got {
				if count != k {
					t.Errorf("%s was picked %d times, want %d", id, count, k)
				}
			}
		})
	}
}

func TestRoundRobinStartsAnywhere(t *testing.T) {
	t.Parallel()
	const n, clients = 100, 200
	first := make(map[string]int)
	for range clients {
		first[picked(t, newPool(t, Options{}, instances("a", n)), "")]++
	}
	// 87 are expected; fewer than 60 has a chance far below one in a million.
	assert.True(t, len(first) >= 60, fmt.Sprintf("many first instances, got %d", len(first)))
}
