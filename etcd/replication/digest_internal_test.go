package replication

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/roster-go/roster/replica"
)

// The digest that is kept up to date is that of everything.
func TestSumsAgainstDigest(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	var s state
	s.init()
	entries := make(map[string]replica.Entry)
	for n := range int64(2_000) {
		key := fmt.Sprintf("app/k%d", rng.IntN(300))
		e := entries[key]
		e.Key = key
		switch rng.IntN(5) {
		case 0:
			delete(entries, key)
			s.forget(key, n+1)
			continue
		case 1:
			e = e.Delete("eu")
		case 2:
			e = replica.Merge(e, replica.Entry{Key: key}.Put("us", []byte{byte(n)}))
		default:
			e = e.Put("eu", []byte{byte(n)})
		}
		entries[key] = e
		s.keep(key, stored{entry: e, revision: n + 1})
	}
	if s.sums != replica.Digest(maps.Values(entries)) {
		t.Error("the sums are not the digest")
	}
}

// A journal gives every key that changed after a revision once, in order, as a list of all
// changes does.
func TestJournalAgainstHistory(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 3))
	var j journal
	j.reset(0, nil)
	last := make(map[string]mark)
	for n := range int64(20_000) {
		m := mark{revision: n + 1, key: fmt.Sprintf("k%d", rng.IntN(200)), removed: rng.IntN(3) == 0}
		if _, there := j.latest[m.key]; m.removed && !there {
			continue
		}
		j.add(m)
		last[m.key] = m
		if n%500 != 0 {
			continue
		}
		after := max(j.floor, n-int64(rng.IntN(1_000)))
		want := make(map[mark]bool)
		for _, m := range last {
			if m.revision > after {
				want[m] = true
			}
		}
		previous := after
		j.since(after, func(m mark) bool {
			again := m.removed && last[m.key].removed // removed more than once
			if (!want[m] && !again) || m.revision <= previous {
				t.Errorf("after %d: %+v follows %d", after, m, previous)
			}
			previous = m.revision
			delete(want, m)
			return true
		})
		if len(want) > 0 {
			t.Errorf("after %d: %d are missing, for example %v", after, len(want), want)
		}
	}
	if j.floor == 0 || len(j.log) > 4*slack {
		t.Errorf("the journal was never compacted: floor %d, %d marks", j.floor, len(j.log))
	}
}
