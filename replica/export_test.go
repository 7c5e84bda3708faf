package replica

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// SeedOf returns the seed of a random test, which it logs: that in ROSTER_SEED, or a new one.
func SeedOf(t *testing.T) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("ROSTER_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("ROSTER_SEED: %v", err)
		}
	}
	t.Logf("ROSTER_SEED=%d", seed)
	return seed
}
