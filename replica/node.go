package replica

import (
	"bytes"
	"maps"
	"slices"
	"strconv"

	"github.com/roster-go/roster/kill"
)

// A Node is the replicated state of one region, and what each event makes of it: the executable
// form of the specification in the package's documentation. It does no I/O and has no clock, so
// that tests can put it into every state; a backend keeps the same state in its store and
// follows the same rules.
//
// All of a node is durable, each method is one transaction, and what a method returns may be
// sent only when that is committed. [Node.Crash] says what is not. A method that returns an
// error has changed nothing but the kill set and what n knows of the members.
type Node struct {
	id       string
	known    Context           // all writes of a region up to the count are in entries, or were superseded there, or collected
	entries  map[string]Entry  // by key
	log      []Entry           // the node's own writes, in order of their counts: the entry after each
	first    uint64            // the log begins after this count
	members  map[string]Status // every id that was ever admitted
	rows     map[string]Row    // of the other members; not durable
	whole    map[string]Row    // of those of them whose whole snapshot n has, as in the last of these; not durable
	settled  map[string]bool   // fenced ids of which n has all that any member has or will have
	kills    kill.Set
	restored bool // from a backup: nothing is served before it has joined again
	rules    *rules
}

// rules are those parts of the state machine that the tests replace, to see that it is noticed.
type rules struct {
	merge        func(a, b Entry) Entry
	absent       func(n *Node, key string) Entry      // what a key counts as that is not stored
	collectable  func(n *Node, e Entry) bool          // every member knows e and whatever was concurrent with it
	gap          func(n *Node, b Batch) bool          // writes before the batch are missing
	rowHolds     func(n *Node, of string, r Row) bool // the row may be believed
	accepts      func(n *Node, id string) bool        // writes of this member
	learnMembers func(n *Node, members map[string]Status)
	ready        func(n *Node) bool // it may write and push
	kills        func(n *Node, key string) (kill.Order, bool)
	killsMerge   func(n *Node, orders []kill.Order) kill.Set
}

var standard = rules{
	merge:        Merge,
	absent:       func(n *Node, key string) Entry { return Fresh(key, n.known) },
	collectable:  (*Node).stable,
	gap:          func(n *Node, b Batch) bool { return b.From > n.known[b.Origin] },
	rowHolds:     func(n *Node, of string, r Row) bool { return r.Known[of] <= n.known[of] },
	accepts:      func(n *Node, id string) bool { return n.members[id] == Active },
	learnMembers: (*Node).learn,
	ready:        func(n *Node) bool { return !n.restored && n.members[n.id] == Active },
	kills:        (*Node).killed,
	killsMerge:   func(n *Node, orders []kill.Order) kill.Set { return n.kills.Merge(orders...) },
}

// New returns the empty node of one of the regions that begin together. All of them have to be
// named the same members, id among them. Later ones are admitted; see [Node.Admit].
func New(id string, members ...string) *Node {
	n := &Node{
		id: id, known: Context{}, entries: map[string]Entry{}, members: map[string]Status{id: Active},
		rows: map[string]Row{}, whole: map[string]Row{}, settled: map[string]bool{}, rules: &standard,
	}
	for _, member := range members {
		n.members[member] = Active
	}
	return n
}

// ID returns the id under which the node writes.
func (n *Node) ID() string { return n.id }

// Known returns what the node knows: the cursors of all origins, and its own last count.
func (n *Node) Known() Context { return n.known.Clone() }

// Cursor returns up to which count the node has the writes of origin. [Node.Batch] goes on there.
func (n *Node) Cursor(origin string) uint64 { return n.known[origin] }

// Clone returns a node in the same state that shares nothing with n that changes.
func (n *Node) Clone() *Node {
	clone := *n
	clone.known = n.known.Clone()
	clone.entries = maps.Clone(n.entries)
	clone.log = slices.Clone(n.log)
	clone.members = maps.Clone(n.members)
	clone.rows = maps.Clone(n.rows)
	clone.whole = maps.Clone(n.whole)
	clone.settled = maps.Clone(n.settled)
	return &clone
}

// Put writes value under key, and returns the entry as it is now. The errors are
// [*InvalidError], [*MemberError] and [*KilledError].
func (n *Node) Put(key string, value []byte) (Entry, error) {
	if len(value) > MaxValueLen {
		return Entry{}, &InvalidError{Key: key, Field: "value", Fault: "it has " + strconv.Itoa(len(value)) + " bytes"}
	}
	return n.write(key, Write{Value: bytes.Clone(value)})
}

// Delete deletes key, with all that was written concurrently. A key that is not there stays as it
// is. The errors are those of Put.
func (n *Node) Delete(key string) (Entry, error) {
	if e, ok := n.entries[key]; !ok || e.Tombstone() {
		if err := n.mayWrite(key); err != nil {
			return Entry{}, err
		}
		return n.entry(key), nil
	}
	return n.write(key, Write{Deleted: true})
}

func (n *Node) write(key string, w Write) (Entry, error) {
	if err := n.mayWrite(key); err != nil {
		return Entry{}, err
	}
	w.Dot = Dot{Region: n.id, Count: n.known[n.id] + 1}
	e := n.entry(key).add(w)
	n.entries[key] = e
	n.known[n.id] = w.Dot.Count
	n.log = append(n.log, e)
	return e, nil
}

func (n *Node) mayWrite(key string) error {
	if err := ValidateKey(key); err != nil {
		return err
	}
	if !n.rules.ready(n) {
		return n.refuse(n.id, "write")
	}
	if order, killed := n.rules.kills(n, key); killed {
		return &KilledError{Key: key, Order: order}
	}
	return nil
}

// entry returns the entry of a key, be it stored or not.
func (n *Node) entry(key string) Entry {
	if e, ok := n.entries[key]; ok {
		return e
	}
	return n.rules.absent(n, key)
}

// Get returns what readers in the region see: the value, and false if there is none. A key that
// is killed by an order for its namespace, or for its name as an entry of its namespace, has
// none, whatever was written before the order, after it, or elsewhere; the error is a
// [*KilledError]. It is a [*MemberError] while the node is restored and has not joined again.
func (n *Node) Get(key string) (value []byte, ok bool, err error) {
	if order, killed := n.rules.kills(n, key); killed {
		return nil, false, &KilledError{Key: key, Order: order}
	}
	if n.restored {
		return nil, false, n.refuse(n.id, "be read")
	}
	value, ok = n.entries[key].Live()
	return value, ok, nil
}

// Entry returns the entry that is stored under key, tombstones included.
func (n *Node) Entry(key string) (Entry, bool) {
	e, ok := n.entries[key]
	return e, ok
}

// All iterates over the stored entries by key, tombstones and killed ones included. It is what
// [Digest] is made of.
func (n *Node) All(yield func(Entry) bool) {
	for _, key := range slices.Sorted(maps.Keys(n.entries)) {
		if !yield(n.entries[key]) {
			return
		}
	}
}

// Kill merges orders into the kill set. It is never refused for the node's state.
// The error is one of package kill's for an order that cannot be applied; then none is.
func (n *Node) Kill(orders ...kill.Order) error {
	for _, o := range orders {
		if err := o.Validate(); err != nil {
			return err
		}
	}
	n.kills = n.rules.killsMerge(n, orders)
	return nil
}

// Kills returns the kill set.
func (n *Node) Kills() kill.Set { return n.kills }

func (n *Node) killed(key string) (kill.Order, bool) {
	namespace, name, ok := SplitKey(key)
	if !ok || n.kills.Len() == 0 {
		return kill.Order{}, false
	}
	for _, target := range []kill.Target{kill.Namespace(namespace), kill.Entry(namespace, name)} {
		if order, stands := n.kills.Get(target); stands && order.Killed() {
			return order, true
		}
	}
	return kill.Order{}, false
}

// Crash is what a crash and the start after it do: what the members last said about themselves is
// gone, and comes again with their next batches.
func (n *Node) Crash() { n.rows, n.whole = map[string]Row{}, map[string]Row{} }

// Restore is what it means that the node's store was restored from a backup, or is found to be
// one: n is the node as it was then. It neither serves nor writes before it has joined again.
func (n *Node) Restore() {
	n.restored = true
	n.Crash()
}
