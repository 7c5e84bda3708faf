package replica

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// The invariants of the specification, by their numbers there, as checks of a state, of a step,
// and of what a state comes to when it is left in peace.

// covers tells whether the node knows the fact.
func covers(n *Node, f fact) bool {
	if e, stored := n.entries[f.key]; stored && e.Context.Covers(f.dot) {
		return true
	}
	return n.known.Covers(f.dot)
}

// holds tells whether the node has the fact's write.
func holds(n *Node, f fact) bool {
	return slices.ContainsFunc(n.entries[f.key].Writes, func(w Write) bool { return w.Dot == f.dot })
}

// stateFault checks what has to hold in every state.
func (w *world) stateFault() string {
	if w.wrong != "" {
		return w.wrong
	}
	for _, n := range w.nodes {
		for e := range n.All {
			if err := e.Validate(); err != nil {
				return err.Error()
			}
			value, ok, err := n.Get(e.Key)
			if _, killed := n.killed(e.Key); killed && (ok || value != nil || err == nil) {
				return "5: " + n.id + " serves what is killed"
			}
		}
		for _, f := range w.history {
			if e, stored := n.entries[f.key]; stored && n.known.Covers(f.dot) && !e.Context.Covers(f.dot) && !n.restored && !n.settled[f.dot.Region] {
				return fmt.Sprint("7: ", n.id, " claims to know ", f.dot, ", and its entry does not")
			}
		}
	}
	return ""
}

// stepFault checks what has to hold from one state to the next.
func (w *world) stepFault(next *world) string {
	for n, before := range w.nodes {
		after := next.nodes[n]
		if before == after {
			continue
		}
		if len(before.kills.Missing(after.kills)) > 0 {
			return "5: a kill is forgotten"
		}
		if before.id != after.id || after.restored {
			continue
		}
		if !after.known.Includes(before.known) {
			return "6: a cursor went back at " + before.id
		}
		for _, f := range w.history {
			switch {
			case covers(before, f) && !covers(after, f):
				return fmt.Sprint("6: ", before.id, " forgot ", f.dot)
			case covers(before, f) && !holds(before, f) && holds(after, f):
				return fmt.Sprint("3: ", f.dot, " is back at ", before.id)
			}
		}
	}
	return ""
}

// known tells whether one of the members saw the fact. Its own claim to know is not enough, because
// that may mean that nobody will ever have it; see [Node.settle].
func (w *world) known(members []*Node, f fact) bool {
	for n, node := range w.nodes {
		if f.seen&(1<<n) != 0 && slices.Contains(members, node) {
			return true
		}
	}
	return false
}

// rest lets everybody exchange everything until nothing changes. It says what is wrong if that
// does not come to an end, or if regions then differ. Repairs tells whether snapshots may be needed.
func (w *world) rest() (*world, string) {
	w = w.clone()
	for n := range w.nodes {
		w.nodes[n] = w.nodes[n].Clone()
	}
	for range 12 {
		before := w.appendRegions(nil)
		if why := w.round(); why != "" {
			return w, why
		}
		if bytes.Equal(before, w.appendRegions(nil)) {
			return w, ""
		}
	}
	return w, "exchanging everything does not come to an end"
}

func (w *world) round() string {
	for n, node := range w.nodes {
		if !node.restored && node.members[node.id] == Active {
			continue
		}
		if why := w.rejoin(n); why != "" {
			return why
		}
	}
	fenced := false
	for n, node := range w.nodes {
		for to, other := range w.nodes {
			if n == to {
				continue
			}
			for _, status := range other.members {
				fenced = fenced || status == Fenced
			}
			b, err := node.Batch(other.Cursor(node.id), 0)
			if err == nil {
				err = other.Receive(b)
			}
			if _, compacted := errors.AsType[*CompactedError](err); compacted || fenced {
				s, failed := node.Snapshot()
				if failed == nil {
					failed = other.Adopt(s)
				}
				err = failed
			}
			if _, member := errors.AsType[*MemberError](err); err != nil && !member {
				return fmt.Sprint("from ", node.id, " to ", other.id, ": ", err)
			}
			w.saw(to)
		}
	}
	return ""
}

// rejoin lets a restored or fenced region join again by the first member that can help.
func (w *world) rejoin(n int) string {
	for by, sponsor := range w.nodes {
		if by == n || !sponsor.rules.ready(sponsor) {
			continue
		}
		id := Incarnation(worldRegions[n], "rest"+strconv.Itoa(w.marks))
		w.marks++
		if err := sponsor.Admit(id); err != nil {
			return err.Error()
		}
		s, err := sponsor.Snapshot()
		if err != nil {
			return err.Error()
		}
		next, err := w.join(n, id, s)
		if err != nil {
			return err.Error()
		}
		*w = *next
		return ""
	}
	return ""
}

// endFault checks what has to hold when nothing more happens.
func (w *world) endFault() string {
	rested, why := w.rest()
	if why != "" {
		return why
	}
	members := slices.DeleteFunc(slices.Clone(rested.nodes), func(n *Node) bool { return n.restored || n.members[n.id] != Active })
	if len(members) == 0 {
		return "" // every region fenced the others: people have to choose one to begin with
	}
	if why := rested.contentFault(members); why != "" {
		return why
	}
	// And then the tombstones go, in all regions, and nothing comes back.
	for range 3 {
		for _, n := range rested.nodes {
			n.Collect(nil)
			n.Trim()
		}
		if rested, why = rested.rest(); why != "" {
			return why
		}
	}
	members = slices.DeleteFunc(slices.Clone(rested.nodes), func(n *Node) bool { return n.restored || n.members[n.id] != Active })
	for _, n := range members {
		for e := range n.All {
			if !live(e) {
				return fmt.Sprint("8: ", n.id, " never collects ", e)
			}
		}
	}
	return rested.contentFault(members)
}

func (w *world) contentFault(members []*Node) string {
	first := Digest(members[0].All)
	for _, n := range members[1:] {
		if differ := Compare(first, Digest(n.All)); differ != nil {
			return fmt.Sprint("1: ", members[0].id, " and ", n.id, " differ at rest: ", slices.Collect(maps.Values(members[0].entries)),
				" and ", slices.Collect(maps.Values(n.entries)))
		}
	}
	// What the regions that are left know of is what counts. The rest must have an excuse.
	var counts []fact
	for _, f := range w.history {
		switch {
		case w.known(members, f):
			counts = append(counts, f)
		case f.lost || f.stranded:
		default:
			return fmt.Sprint("2: ", f.dot, " was acknowledged and nobody knows it")
		}
	}
	isSuperseded := func(f fact) bool {
		return slices.ContainsFunc(counts, func(by fact) bool {
			return by.dot != f.dot && by.key == f.key && by.context.Covers(f.dot)
		})
	}
	for _, f := range counts {
		superseded := isSuperseded(f)
		wins := f.deleted && !superseded && slices.ContainsFunc(counts, func(over fact) bool {
			return !over.deleted && over.key == f.key && !f.context.Covers(over.dot) && !isSuperseded(over)
		})
		for _, n := range members {
			switch {
			case wins && !holds(n, f):
				return fmt.Sprint("4: ", n.id, " forgot the deletion ", f.dot, " that wins over a concurrent write")
			case superseded && holds(n, f):
				return fmt.Sprint("3: ", n.id, " has ", f.dot, ", which was superseded")
			case !superseded && !f.deleted && !holds(n, f):
				return fmt.Sprint("2: ", n.id, " does not have ", f.dot, ", which nothing superseded")
			}
		}
	}
	return ""
}
