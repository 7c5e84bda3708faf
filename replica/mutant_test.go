package replica

import (
	"fmt"
	"slices"
	"testing"

	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/kill"
)

// singleValue is the merge that is tempting, because an entry then holds one write: the dominating
// version wins, then the tombstone, then the higher stamp, and the vectors are joined. It is
// neither associative nor does it keep what lost.
func singleValue(a, b Entry) Entry {
	winner := b
	if better, _ := a.Winner(); len(b.Writes) == 0 || len(a.Writes) > 0 && rank(better, b.Writes[0]) > 0 {
		winner = a
	}
	switch {
	case a.Context.Includes(b.Context):
		winner = a
	case b.Context.Includes(a.Context):
		winner = b
	}
	return Entry{Key: a.Key, Writes: winner.Writes, Context: a.Context.Join(b.Context)}
}

func TestSingleValueMergeIsNotAssociative(t *testing.T) {
	// What three regions may hold after a few writes that partly saw each other.
	ap := Entry{Key: "orders/1"}.Put("ap", []byte("a"))
	us := ap.Delete("us")
	eu := Entry{Key: "orders/1"}.Put("eu", []byte("b"))
	late := eu.Put("eu", []byte("c"))
	found := ""
	for _, group := range triples([]Entry{ap, us, eu, late, singleValue(ap, eu), ap.Put("ap", []byte("d")), singleValue(eu, us), late.Put("ap", nil)}) {
		a, b, c := group[0], group[1], group[2]
		left, right := singleValue(singleValue(a, b), c), singleValue(a, singleValue(b, c))
		if !left.SameWrites(right) {
			found = fmt.Sprint(a, " ", b, " ", c, ": ", left, " or ", right)
		}
		assert.True(t, Merge(Merge(a, b), c).Equal(Merge(a, Merge(b, c))), "Merge is associative")
	}
	assert.True(t, found != "", "three entries that it merges in two ways")
	t.Log(found)
}

func triples(entries []Entry) [][3]Entry {
	var all [][3]Entry
	for _, a := range entries {
		for _, b := range entries {
			for _, c := range entries {
				all = append(all, [3]Entry{a, b, c})
			}
		}
	}
	return all
}

// lastWriterWins forgets what the winner had not seen.
func lastWriterWins(a, b Entry) Entry {
	merged := Entry{Key: a.Key, Context: a.Context.Join(b.Context)}
	if all := slices.Concat(a.Writes, b.Writes); len(all) > 0 {
		merged.Writes = []Write{slices.MaxFunc(all, func(a, b Write) int {
			if a.Time != b.Time {
				return int(a.Time) - int(b.Time)
			}
			return rank(a, b)
		})}
	}
	return merged
}

// keepAll never finds that one write supersedes another.
func keepAll(a, b Entry) Entry {
	merged := Entry{Key: a.Key, Context: a.Context.Join(b.Context), Writes: slices.Clone(a.Writes)}
	for _, w := range b.Writes {
		if !slices.ContainsFunc(merged.Writes, func(o Write) bool { return o.Dot.Region == w.Dot.Region }) {
			merged.Writes = append(merged.Writes, w)
		}
	}
	slices.SortFunc(merged.Writes, func(a, b Write) int { return compareHeads([]Write{a}, []Write{b}) })
	return merged
}

// TestMutantsAreFound breaks one rule after the other; the exploration has to notice each.
func TestMutantsAreFound(t *testing.T) {
	writes := limits{regions: 2, keys: 1, puts: 2, deletes: 1, messages: 1, collects: 1}
	restores := limits{regions: 2, keys: 1, puts: 2, restores: 1, admits: 1}
	// One region deletes what another, which is fenced later, writes again concurrently.
	concurrent := []string{"put orders/0 at ap", "batch from ap to eu", "batch from ap to us", "delete orders/0 at ap", "put orders/0 at eu"}
	for _, c := range []struct {
		name   string
		limits limits
		mutate func(*rules)
		says   string // the number of the invariant
		prefix []string
	}{
		{"a single value with joined vectors", writes, func(r *rules) { r.merge = singleValue }, "2: ", nil},
		{"the last writer wins", writes, func(r *rules) { r.merge = lastWriterWins }, "2: ", nil},
		{"nothing supersedes", writes, func(r *rules) { r.merge = keepAll }, "1: ", nil},
		{"what was collected is forgotten", writes, func(r *rules) {
			r.absent = func(_ *Node, key string) Entry { return Entry{Key: key} }
		}, "7: ", nil},
		{"tombstones are collected at once", writes, func(r *rules) {
			r.collectable = func(*Node, Entry) bool { return true }
		}, ": ", nil},
		{"tombstones are collected when they were sent", writes, func(r *rules) {
			r.collectable = func(n *Node, e Entry) bool { return len(n.rows) > 0 && n.known.Includes(e.Context) }
		}, ": ", nil},
		{"what a member says is believed before its writes are here",
			limits{regions: 2, keys: 2, puts: 3, deletes: 1, collects: 1}, func(r *rules) {
				r.rowHolds = func(*Node, string, Row) bool { return true }
			}, ": ", []string{"put orders/0 at ap", "delete orders/0 at ap", "put orders/1 at eu", "put orders/0 at eu"}},
		{"the cursor moves without the data", writes, func(r *rules) { r.merge = func(a, _ Entry) Entry { return a } }, "1: ", nil},
		{"gaps are accepted", limits{regions: 3, keys: 1, puts: 2, messages: 1}, func(r *rules) {
			r.gap = func(*Node, Batch) bool { return false }
		}, ": ", []string{"put orders/0 at ap", "batch from ap to eu"}},
		{"a restored region goes on as before", restores, func(r *rules) {
			r.ready = func(n *Node) bool { return n.members[n.id] == Active }
		}, "used twice", nil},
		{"an incarnation is used again after the next restore",
			limits{regions: 2, keys: 1, puts: 2, restores: 2, admits: 1, reuse: true}, func(*rules) {}, "used twice", nil},
		{"what a fenced region pushes is accepted",
			limits{regions: 3, keys: 1, puts: 2, deletes: 1, fences: 1, snapshots: 2, collects: 1}, func(r *rules) {
				r.accepts = func(*Node, string) bool { return true }
			}, ": ", append(slices.Clone(concurrent), "ap fences eu", "batch from ap to us", "snapshot [] from ap to us", "snapshot [] from us to ap")},
		{"fenced regions are not agreed on before collecting",
			limits{regions: 3, keys: 1, puts: 2, deletes: 1, fences: 1, collects: 1}, func(r *rules) {
				r.collectable = func(n *Node, e Entry) bool {
					for id, status := range n.members {
						if row, told := n.rows[id]; status == Active && id != n.id && (!told || !row.Known.Includes(e.Context)) {
							return false
						}
					}
					return n.known.Includes(e.Context)
				}
			}, ": ", append(slices.Clone(concurrent), "batch from eu to us")},
		{"members are not told of", limits{regions: 3, keys: 1, puts: 1, deletes: 1, restores: 1, admits: 1}, func(r *rules) {
			r.learnMembers = func(*Node, map[string]Status) {}
		}, ": ", []string{"backup at ap", "restore at ap", "eu admits ap~0", "ap joins as ap~0 by eu"}},
		{"a kill ends with the next write", limits{regions: 2, keys: 1, puts: 1, kills: 1}, func(r *rules) {
			r.kills = func(n *Node, key string) (kill.Order, bool) {
				if w, ok := n.entries[key].Winner(); ok && w.Time > 0 {
					return kill.Order{}, false
				}
				return n.killed(key)
			}
		}, "5: ", nil},
		{"kills are replaced by those of a peer", limits{regions: 2, keys: 1, puts: 1, kills: 1}, func(r *rules) {
			r.killsMerge = func(_ *Node, orders []kill.Order) kill.Set { return kill.Set{}.Merge(orders...) }
		}, "5: ", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := standard
			c.mutate(&r)
			states, failure := explore(&r, c.limits, c.prefix...)
			assert.True(t, states > 0, failure)
			assert.True(t, failure != "", fmt.Sprintf("a violation in one of %d states", states))
			assert.Contains(t, failure, c.says)
			t.Logf("found after %d states: %s", states, failure)
		})
	}
}
