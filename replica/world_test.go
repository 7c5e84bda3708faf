package replica

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/roster-go/roster/kill"
)

// A world is a state of the model that the tests explore: regions, one message that was sent at some
// time and may arrive any number of times, a backup, and what really happened.
type world struct {
	nodes    []*Node
	message  any // Batch, Snapshot or nil
	backup   *Node
	backupOf int // the region
	history  []fact
	marks    int // incarnations given out
	unused   int // the first of them that was given out since the last restore
	spent    limits
	wrong    string // what an event itself showed to be wrong
}

// A fact is a write that was acknowledged.
type fact struct {
	key      string
	dot      Dot
	deleted  bool
	context  Context // of the entry after it: what it superseded
	lost     bool    // its region was restored from a backup that does not have it
	seen     uint8   // a bit for each region that knows it, in its present incarnation
	stranded bool    // it was handed to people when its region joined again
}

// limits bound how often each event happens.
type limits struct {
	regions, keys, puts, deletes, kills, messages, snapshots, collects, crashes, compactions, restores, fences, admits int
	reuse                                                                                                              bool // an incarnation may be one that was used before a restore
}

var worldRegions = []string{"ap", "eu", "us"}

func worldKey(n int) string { return "orders/" + strconv.Itoa(n) }

var worldOrder = kill.Order{Target: kill.Namespace("orders"), Epoch: 1, Reason: "test", At: time.Unix(1, 0)}

func newWorld(regions int, r *rules) *world {
	w := &world{}
	for n := range regions {
		node := New(worldRegions[n], worldRegions[:regions]...)
		node.rules = r
		w.nodes = append(w.nodes, node)
	}
	return w
}

func (w *world) clone() *world {
	next := *w
	next.nodes = slices.Clone(w.nodes)
	next.history = slices.Clone(w.history)
	return &next
}

// change returns a clone in which node n may be modified.
func (w *world) change(n int) (*world, *Node) {
	next := w.clone()
	next.nodes[n] = w.nodes[n].Clone()
	return next, next.nodes[n]
}

func (w *world) appendState(to []byte) []byte {
	to = w.appendRegions(to)
	if w.backup != nil {
		to = w.backup.appendState(append(to, 'b'))
	}
	switch m := w.message.(type) {
	case Batch:
		to = fmt.Appendf(to, "B%s %d %d", m.Origin, m.From, m.To)
		to = appendRow(to, m.Row)
		for _, e := range m.Entries {
			to = e.appendState(to)
		}
	case Snapshot:
		to = fmt.Appendf(to, "S%s %d", m.Origin, len(m.Buckets))
		to = appendRow(to, m.Row)
		for _, e := range m.Entries {
			to = e.appendState(to)
		}
	}
	to = append(to, byte(w.marks), byte(w.unused))
	l := w.spent
	for _, spent := range []int{l.puts, l.deletes, l.kills, l.messages, l.snapshots, l.collects, l.crashes, l.compactions, l.restores, l.fences, l.admits} {
		to = append(to, byte(spent))
	}
	return to
}

// appendRegions appends the state of all regions and of what really happened, without messages
// under way, the backup, and what may still happen.
func (w *world) appendRegions(to []byte) []byte {
	for _, n := range w.nodes {
		to = n.appendState(to)
	}
	for _, f := range w.history {
		to = appendText(appendText(to, f.key), f.dot.Region)
		to = append(to, byte(f.dot.Count), f.seen, number(f.deleted), number(f.lost), number(f.stranded))
		to = appendContext(to, f.context)
	}
	return to
}

func number(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func appendRow(to []byte, r Row) []byte { return appendMembers(appendContext(to, r.Known), r.Members) }

// write does a put or deletion and records it.
func (w *world) write(n int, key string, deleted bool) (*world, bool) {
	next, node := w.change(n)
	before := node.known[node.id]
	var e Entry
	var err error
	if deleted {
		e, err = node.Delete(key)
	} else {
		e, err = node.Put(key, []byte{byte(len(w.history))})
	}
	if err != nil || node.known[node.id] == before {
		return nil, false
	}
	dot := Dot{node.id, node.known[node.id]}
	for _, f := range w.history {
		if f.dot == dot {
			next.wrong = fmt.Sprint("the dot ", dot, " is used twice")
		}
	}
	next.history = append(next.history, fact{key: key, dot: dot, deleted: deleted, context: e.Context})
	next.saw(n)
	return next, true
}

// deliver gives a message to node n; what it does not accept changes nothing that is not a kill.
func (w *world) deliver(message any, n int) *world {
	next, node := w.change(n)
	var err error
	switch m := message.(type) {
	case Batch:
		err = node.Receive(m)
	case Snapshot:
		err = node.Adopt(m)
	}
	if _, ok := errors.AsType[*InvalidError](err); ok {
		next.wrong = err.Error()
	}
	next.saw(n)
	return next
}

// saw records which facts node n knows by its entries.
func (w *world) saw(n int) {
	for f := range w.history {
		if fact := &w.history[f]; w.nodes[n].entries[fact.key].Context.Covers(fact.dot) {
			fact.seen |= 1 << n
		}
	}
}

// forgets makes node n know the facts that knows says, and those of its entries.
func (w *world) forgets(n int, knows func(fact) bool) {
	for f := range w.history {
		w.history[f].seen &^= 1 << n
		if knows(w.history[f]) {
			w.history[f].seen |= 1 << n
		}
	}
	w.saw(n)
}

// join lets node n join with a snapshot, and records what is stranded.
func (w *world) join(n int, id string, s Snapshot) (*world, error) {
	next, node := w.change(n)
	stranded, err := node.Join(id, s)
	if err != nil {
		return nil, err
	}
	for _, e := range stranded {
		for f := range next.history {
			if next.history[f].key == e.Key && e.Context.Covers(next.history[f].dot) {
				next.history[f].stranded = true
			}
		}
	}
	by := slices.Index(worldRegions, RegionOf(s.Origin))
	next.forgets(n, func(f fact) bool { return f.seen&(1<<by) != 0 })
	return next, nil
}

func (w *world) restore(n int) *world {
	next := w.clone()
	node := w.backup.Clone()
	node.Restore()
	node.kills = w.nodes[n].kills // in a store of its own, which is not in the backup
	next.nodes[n] = node
	next.unused = next.marks // a restored region cannot know which it has used
	for f := range next.history {
		dot := next.history[f].dot
		if RegionOf(dot.Region) == worldRegions[n] && dot.Count > node.known[dot.Region] {
			next.history[f].lost = true
		}
	}
	next.forgets(n, func(f fact) bool { return covers(node, f) })
	return next
}

// A budget tells whether an event may still happen, and counts that it did.
type budget struct {
	spent, limit limits
}

func (b budget) left(what func(*limits) *int) bool { return *what(&b.spent) < *what(&b.limit) }

func puts(l *limits) *int        { return &l.puts }
func deletes(l *limits) *int     { return &l.deletes }
func kills(l *limits) *int       { return &l.kills }
func messages(l *limits) *int    { return &l.messages }
func snapshots(l *limits) *int   { return &l.snapshots }
func collects(l *limits) *int    { return &l.collects }
func crashes(l *limits) *int     { return &l.crashes }
func compactions(l *limits) *int { return &l.compactions }
func restores(l *limits) *int    { return &l.restores }
func fences(l *limits) *int      { return &l.fences }
func admits(l *limits) *int      { return &l.admits }

// pays counts one event of the sort.
func (w *world) pays(what func(*limits) *int) *world {
	*what(&w.spent)++
	return w
}

// events calls found for every event that can happen, with the state it leads to.
func (w *world) events(limit limits, found func(event string, next *world)) {
	b := budget{w.spent, limit}
	for n, node := range w.nodes {
		at := " at " + node.id
		if len(w.history) == 0 && n > 0 && limit.restores+limit.fences == 0 {
			break // the regions are alike until somebody writes
		}
		for k := range limit.keys {
			if b.left(puts) {
				if next, ok := w.write(n, worldKey(k), false); ok {
					found("put "+worldKey(k)+at, next.pays(puts))
				}
			}
			if b.left(deletes) {
				if next, ok := w.write(n, worldKey(k), true); ok {
					found("delete "+worldKey(k)+at, next.pays(deletes))
				}
			}
		}
		if b.left(kills) {
			if next, changed := w.change(n); changed.Kill(worldOrder) == nil {
				found("kill"+at, next.pays(kills))
			}
		}
		if b.left(collects) {
			if next, changed := w.change(n); len(changed.Collect(nil)) > 0 {
				found("collect"+at, next.pays(collects))
			}
		}
		if b.left(crashes) && len(node.rows) > 0 {
			next, changed := w.change(n)
			changed.Crash()
			found("crash"+at, next.pays(crashes))
		}
		if b.left(compactions) && len(node.log) > 0 {
			next, changed := w.change(n)
			changed.Compact(changed.known[changed.id])
			found("compact"+at, next.pays(compactions))
		}
		w.exchange(n, b, found)
		w.membership(n, b, found)
	}
}

// exchange has what node n sends, to arrive at once or later.
func (w *world) exchange(n int, left budget, found func(string, *world)) {
	node := w.nodes[n]
	for to, other := range w.nodes {
		if to == n {
			continue
		}
		if b, err := node.Batch(other.Cursor(node.id), 0); err == nil {
			found("batch from "+node.id+" to "+other.id, w.deliver(b, to))
			if left.left(messages) {
				next := w.clone()
				next.message = b
				found("batch from "+node.id+" is on its way", next.pays(messages))
			}
		}
		if b, err := node.Batch(other.Cursor(node.id), 1); err == nil && b.To < node.known[node.id] {
			found("short batch from "+node.id+" to "+other.id, w.deliver(b, to))
		}
		if !left.left(snapshots) {
			continue
		}
		for _, buckets := range [][]int{nil, {BucketOf(worldKey(0))}} {
			s, err := node.Snapshot(buckets...)
			if err != nil {
				continue
			}
			what := fmt.Sprint("snapshot ", buckets, " from ", node.id)
			found(what+" to "+other.id, w.deliver(s, to).pays(snapshots))
			if left.left(messages) {
				next := w.clone()
				next.message = s
				found(what+" is on its way", next.pays(messages).pays(snapshots))
			}
		}
	}
	if w.message != nil {
		found("the message arrives at "+node.id, w.deliver(w.message, n))
	}
}

// membership has backups and restores of the first region, fences, and regions that join again.
func (w *world) membership(n int, left budget, found func(string, *world)) {
	node := w.nodes[n]
	if n == 0 && left.left(restores) {
		if w.backup == nil && !node.restored && node.id == worldRegions[0] {
			next := w.clone()
			next.backup = node
			found("backup at "+node.id, next)
		}
		if w.backup != nil {
			found("restore at "+node.id, w.restore(0).pays(restores))
		}
	}
	for to, other := range w.nodes {
		if to == n {
			continue
		}
		if left.left(fences) && node.members[other.id] == Active {
			if next, changed := w.change(n); changed.Fence(other.id) == nil {
				found(node.id+" fences "+other.id, next.pays(fences))
			}
		}
		if !other.restored && other.members[other.id] != Fenced && node.members[other.id] != Fenced {
			continue
		}
		if left.left(admits) {
			id := w.mark(to)
			if next, changed := w.change(n); changed.Admit(id) == nil {
				next.marks++
				found(node.id+" admits "+id, next.pays(admits))
			}
		}
		s, err := node.Snapshot()
		if err != nil {
			continue
		}
		for id, status := range node.members {
			if status == Active && RegionOf(id) == worldRegions[to] && id != other.id && (left.limit.reuse || w.isUnused(to, id)) {
				if next, err := w.join(to, id, s); err == nil {
					found(other.id+" joins as "+id+" by "+node.id, next)
				}
			}
		}
	}
}

// mark returns the id under which region n joins next.
func (w *world) mark(n int) string { return Incarnation(worldRegions[n], strconv.Itoa(w.marks)) }

func (w *world) isUnused(n int, id string) bool {
	for mark := w.unused; mark < w.marks; mark++ {
		if id == Incarnation(worldRegions[n], strconv.Itoa(mark)) {
			return true
		}
	}
	return false
}
