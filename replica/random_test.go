package replica

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/roster-go/roster/internal/assert"
)

// TestRandomHistories does what the exploration does, at length instead of exhaustively: three
// regions, several keys, many messages under way that arrive late, twice, in any order or never,
// crashes, compactions, snapshots, restores, fences and regions that join again. The invariants are
// checked after each step, and at the end of each history when it has come to rest.
func TestRandomHistories(t *testing.T) {
	seed := SeedOf(t)
	histories, steps := 150, 120
	if os.Getenv("ROSTER_SOAK") != "" {
		histories = 20_000
	}
	if testing.Short() {
		histories = 20
	}
	var writes, collected, joined int
	for history := range histories {
		r := rand.New(rand.NewPCG(seed, uint64(history)))
		w := newWorld(3, &standard)
		var underWay []any
		var events []string
		for range steps {
			event, next := randomStep(r, w, &underWay)
			if next == nil {
				continue
			}
			events = append(events, event)
			if why := w.stepFault(next) + next.stateFault(); why != "" {
				t.Fatalf("history %d: %s after\n%s", history, why, lines(events))
			}
			w = next
		}
		if why := w.endFault(); why != "" {
			t.Fatalf("history %d: %s after\n%s", history, why, lines(events))
		}
		writes += len(w.history)
		for _, event := range events {
			switch event {
			case "collect":
				collected++
			case "join":
				joined++
			}
		}
	}
	assert.True(t, testing.Short() || collected > 0 && joined > 0, fmt.Sprint("histories that reach far: ", collected, joined))
	t.Logf("%d histories with %d writes, %d collections and %d regions that joined again", histories, writes, collected, joined)
}

func lines(events []string) string { return "  " + strings.Join(events, "\n  ") }

// randomStep does one thing; next is nil if that was not possible.
func randomStep(r *rand.Rand, w *world, underWay *[]any) (event string, next *world) {
	n, to := r.IntN(3), r.IntN(2)
	if to >= n {
		to++
	}
	node, other, key := w.nodes[n], w.nodes[to], worldKey(r.IntN(3))
	switch chance := r.IntN(1000); {
	case chance < 150:
		next, _ = w.write(n, key, false)
		return fmt.Sprint("put ", key, " at ", node.id), next
	case chance < 250:
		next, _ = w.write(n, key, true)
		return fmt.Sprint("delete ", key, " at ", node.id), next
	case chance < 550:
		from := other.Cursor(node.id)
		if r.IntN(4) == 0 {
			from = r.Uint64N(node.known[node.id] + 2)
		}
		b, err := node.Batch(from, r.IntN(4))
		if err != nil {
			return "", nil
		}
		if r.IntN(3) == 0 {
			*underWay = append(*underWay, b)
			return "", nil
		}
		return fmt.Sprint("batch from ", node.id, " to ", other.id), w.deliver(b, to)
	case chance < 700 && len(*underWay) > 0:
		at := r.IntN(len(*underWay))
		message := (*underWay)[at]
		if r.IntN(2) == 0 {
			*underWay = append((*underWay)[:at:at], (*underWay)[at+1:]...) // otherwise it arrives again
		}
		return fmt.Sprintf("%T arrives at %s", message, node.id), w.deliver(message, n)
	case chance < 740:
		return randomSnapshot(r, w, n, to, underWay)
	case chance < 840:
		next, changed := w.change(n)
		if len(changed.Collect(func(Entry) bool { return r.IntN(3) > 0 })) == 0 {
			return "", nil
		}
		return "collect", next
	case chance < 880:
		next, changed := w.change(n)
		changed.Crash()
		return fmt.Sprint("crash at ", node.id), next
	case chance < 920:
		next, changed := w.change(n)
		changed.Compact(r.Uint64N(changed.known[changed.id] + 1))
		changed.Trim()
		return fmt.Sprint("compact at ", node.id), next
	case chance < 930:
		next, changed := w.change(n)
		_ = changed.Kill(worldOrder)
		return fmt.Sprint("kill at ", node.id), next
	default:
		return randomMembership(r, w, n, to)
	}
}

func randomSnapshot(r *rand.Rand, w *world, n, to int, underWay *[]any) (event string, next *world) {
	var buckets []int
	if r.IntN(2) == 0 {
		buckets = Compare(Digest(w.nodes[n].All), Digest(w.nodes[to].All))
	}
	s, err := w.nodes[n].Snapshot(buckets...)
	if err != nil {
		return "", nil
	}
	if r.IntN(4) == 0 {
		*underWay = append(*underWay, s)
	}
	return fmt.Sprint("snapshot ", buckets, " from ", w.nodes[n].id, " to ", w.nodes[to].id), w.deliver(s, to)
}

func randomMembership(r *rand.Rand, w *world, n, to int) (event string, next *world) {
	node, other := w.nodes[n], w.nodes[to]
	switch {
	case w.backup == nil && node.rules.ready(node):
		next = w.clone()
		next.backup, next.backupOf = node, n
		return fmt.Sprint("backup at ", node.id), next
	case w.backup != nil && r.IntN(4) == 0 && w.othersReady(w.backupOf):
		return fmt.Sprint("restore at ", w.nodes[w.backupOf].id), w.restore(w.backupOf)
	case r.IntN(8) == 0 && len(w.history) > 5 && w.othersReady(to):
		next, changed := w.change(n)
		if changed.Fence(other.id) != nil {
			return "", nil
		}
		return fmt.Sprint(node.id, " fences ", other.id), next
	case (other.restored || other.members[other.id] == Fenced || node.members[other.id] == Fenced) && w.othersReady(to):
		id := w.mark(to)
		next, changed := w.change(n)
		if changed.Admit(id) != nil {
			return "", nil
		}
		next.marks++
		s, err := changed.Snapshot()
		if err != nil || r.IntN(4) == 0 {
			return fmt.Sprint(node.id, " admits ", id, ", and its snapshot is lost"), next
		}
		if joined, err := next.join(to, id, s); err == nil {
			return "join", joined
		}
		return "", nil
	}
	return "", nil
}

// othersReady tells whether all regions but n are members in good standing and agree on who else is:
// changes of the membership are made one after the other. See the package's documentation.
func (w *world) othersReady(n int) bool {
	var first *Node
	for at, node := range w.nodes {
		if at == n {
			continue
		}
		if first == nil {
			first = node
		}
		if !node.rules.ready(node) || !maps.Equal(node.members, first.members) {
			return false
		}
	}
	// And region n made no change that they have not heard of.
	return maps.Equal(join(first.members, w.nodes[n].members), first.members)
}
