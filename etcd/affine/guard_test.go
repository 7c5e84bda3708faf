package affine

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/roster-go/roster/replica/move"
)

// TestGuardsAreOrderedAsTexts checks the encoding against the order of package move.
func TestGuardsAreOrderedAsTexts(t *testing.T) {
	modes := []move.Mode{move.Import, move.Sealed, move.Open, move.Closed}
	random := func() move.Guard {
		return move.Guard{Epoch: rand.Uint64() >> rand.IntN(64), Mode: modes[rand.IntN(len(modes))]}
	}
	for range 20_000 {
		a, b := random(), random()
		if rand.IntN(3) == 0 {
			b.Epoch = a.Epoch
		}
		if got, want := strings.Compare(encodeGuard(a), encodeGuard(b)), a.Compare(b); got != want {
			t.Fatalf("%q and %q compare as %d, the guards as %d", encodeGuard(a), encodeGuard(b), got, want)
		}
		if back, err := decodeGuard(encodeGuard(a)); err != nil || back != a {
			t.Fatalf("%v came back as %v, %v", a, back, err)
		}
	}
	for _, damaged := range []string{"x", "1 3 closed", "00000000000000000101 9 open", "1 0 "} {
		if guard, err := decodeGuard(damaged); err == nil {
			t.Errorf("%q was read as %v", damaged, guard)
		}
	}
}
