package bench_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// A shape makes names that look like those of a registry.
type shape struct {
	name   string
	format string // of the number of a name
}

// Short names are like those of drivers and codecs, long ones like import paths.
var shapes = []shape{{"short", "driver-%06d"}, {"long", "github.com/example/driver%06d"}}

func (s shape) entries(n int) map[string]int {
	entries := make(map[string]int, n)
	for i := range n {
		entries[fmt.Sprintf(s.format, i)] = i
	}
	return entries
}

// asked are names to look up, in random order. They are copies, so that no peer
// can compare addresses instead of text, and there are enough of them that a
// processor cannot remember the answers.
func (s shape) asked(b *testing.B, n, offset int) []string {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	asked := make([]string, 1<<14)
	if n > len(asked) {
		asked = make([]string, 1<<20)
	}
	for i := range asked {
		asked[i] = fmt.Sprintf(s.format, offset+random.IntN(n))
	}
	return asked
}
