package replica

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/roster-go/roster/kill"
)

// A Row is what a member said about itself at one time.
type Row struct {
	Known   Context           `json:"known"`
	Members map[string]Status `json:"members"`
	Settled []string          `json:"settled,omitempty"` // fenced ids of which it has all that anybody has; sorted
}

// A Batch is a part of an origin's log: its writes after From up to To, in their order.
type Batch struct {
	Origin  string       `json:"origin"`
	From    uint64       `json:"from"`
	To      uint64       `json:"to"`
	Entries []Entry      `json:"entries,omitempty"` // after each write; the last write of each key is enough
	Row     Row          `json:"row"`               // of the origin, when the batch was made
	Kills   []kill.Order `json:"kills,omitempty"`
}

// A Snapshot is what an origin has in some of the buckets of [BucketOf], or in all. It says about
// every key that is not in it that the origin never had it or has collected it.
type Snapshot struct {
	Origin  string       `json:"origin"`
	Buckets []int        `json:"buckets,omitempty"` // ascending; nil: all
	Entries []Entry      `json:"entries,omitempty"` // by key
	Row     Row          `json:"row"`
	Kills   []kill.Order `json:"kills,omitempty"`
}

// Batch returns the node's own writes after from, at most limit of them (0: all), for a member
// whose cursor is at from. A batch without writes is worth sending: it tells the node's row. The
// error is a [*CompactedError] if the log begins later, a [*RestoredError] if the cursor is ahead of
// the node, and a [*MemberError] if the node may not push.
func (n *Node) Batch(from uint64, limit int) (Batch, error) {
	if !n.rules.ready(n) {
		return Batch{}, n.refuse(n.id, "push")
	}
	if from > n.known[n.id] {
		return Batch{}, &RestoredError{ID: n.id, Count: n.known[n.id], Told: from}
	}
	if from < n.first {
		return Batch{}, &CompactedError{Origin: n.id, From: from, First: n.first}
	}
	b := Batch{Origin: n.id, From: from, To: n.known[n.id], Row: n.row(), Kills: n.kills.Orders()}
	if skip := from - n.first; skip < uint64(len(n.log)) {
		b.Entries = n.log[skip:]
	}
	if limit > 0 && len(b.Entries) > limit {
		b.Entries = b.Entries[:limit]
		b.To = from + uint64(limit)
	}
	b.Entries = slices.Clone(b.Entries)
	return b, nil
}

// Receive applies a batch and moves the cursor of its origin, in one transaction. A batch that was
// applied before changes nothing. The errors are [*InvalidError], [*MemberError] if the origin is
// no member or n is none, [*GapError] if writes before the batch are missing, and
// [*RestoredError] if the origin knows writes of n that n does not. The kills of the batch count
// in any case, if they are valid.
func (n *Node) Receive(b Batch) error {
	if err := n.Kill(b.Kills...); err != nil {
		return err
	}
	if err := b.Validate(); err != nil {
		return err
	}
	if err := n.mayReceive(b.Origin, b.Row, b.Entries); err != nil {
		return err
	}
	if n.rules.gap(n, b) {
		return &GapError{Origin: b.Origin, From: b.From, Cursor: n.known[b.Origin]}
	}
	if b.To > n.known[b.Origin] {
		for _, e := range b.Entries {
			n.absorb(e)
		}
		n.known[b.Origin] = b.To
	}
	n.believe(b.Origin, b.Row)
	return nil
}

// Snapshot returns what the node has in the buckets, or in all if there are none. The error is a
// [*MemberError] if the node may not push.
func (n *Node) Snapshot(buckets ...int) (Snapshot, error) {
	if !n.rules.ready(n) {
		return Snapshot{}, n.refuse(n.id, "push")
	}
	s := Snapshot{Origin: n.id, Row: n.row(), Kills: n.kills.Orders()}
	if len(buckets) > 0 {
		s.Buckets = slices.Compact(slices.Sorted(slices.Values(buckets)))
	}
	for e := range n.All {
		if s.has(e.Key) {
			s.Entries = append(s.Entries, e)
		}
	}
	return s, nil
}

// has tells whether the key is in one of the snapshot's buckets.
func (s Snapshot) has(key string) bool {
	if s.Buckets == nil {
		return true
	}
	_, found := slices.BinarySearch(s.Buckets, BucketOf(key))
	return found
}

// Adopt merges a snapshot: it repairs what the buckets differ in. After a whole one n knows what
// the origin knew. Nothing that only n has is lost. The errors are those of Receive.
func (n *Node) Adopt(s Snapshot) error {
	if err := n.Kill(s.Kills...); err != nil {
		return err
	}
	if err := s.Validate(); err != nil {
		return err
	}
	if err := n.mayReceive(s.Origin, s.Row, s.Entries); err != nil {
		return err
	}
	said := make(map[string]bool, len(s.Entries))
	for _, e := range s.Entries {
		said[e.Key] = true
		n.absorb(e)
	}
	for key, mine := range n.entries {
		if said[key] || !s.has(key) {
			continue
		}
		left := n.rules.merge(mine, Fresh(key, s.Row.Known))
		left.Context = mine.Context
		n.store(left)
	}
	if s.Buckets == nil {
		n.known = n.known.Join(s.Row.Known)
	}
	n.believe(s.Origin, s.Row)
	if s.Buckets == nil {
		n.whole[s.Origin] = s.Row
		n.settle(s.Row.Settled)
	}
	return nil
}

// mayReceive checks a batch or a snapshot before anything of it is applied, and learns of members.
func (n *Node) mayReceive(origin string, row Row, entries []Entry) error {
	switch {
	case origin == n.id:
		return n.refuse(origin, "push to itself")
	case n.restored || n.members[n.id] != Active:
		return n.refuse(n.id, "receive")
	case !n.rules.accepts(n, origin):
		return n.refuse(origin, "push")
	}
	if ids := len(join(n.members, row.Members)); ids > MaxRegions {
		return &InvalidError{Field: fieldMembers, Fault: fmt.Sprintf("with them there are %d, the limit is %d", ids, MaxRegions)}
	}
	// Who is told that it is fenced must not take what the others have collected without it for
	// its own knowledge.
	n.rules.learnMembers(n, row.Members)
	switch {
	case n.members[n.id] != Active:
		return n.refuse(n.id, "receive")
	case !n.rules.accepts(n, origin):
		return n.refuse(origin, "push")
	}
	told := row.Known[n.id]
	for _, e := range entries {
		told = max(told, e.Context[n.id])
	}
	if told > n.known[n.id] {
		return &RestoredError{ID: n.id, Count: n.known[n.id], Origin: origin, Told: told}
	}
	return nil
}

// absorb merges an entry from elsewhere into the store.
func (n *Node) absorb(e Entry) {
	mine, stored := n.entries[e.Key]
	if stored {
		n.store(n.rules.merge(mine, e))
		return
	}
	// What a key that is not stored counts as is what the whole node knows. It decides which
	// writes are news, and does not have to be kept with the entry.
	merged := n.rules.merge(n.rules.absent(n, e.Key), e)
	merged.Context = e.Context.Clone()
	n.store(merged)
}

// store keeps e, unless it says nothing that the node's known does not say.
func (n *Node) store(e Entry) {
	if len(e.Writes) == 0 && n.known.Includes(e.Context) {
		delete(n.entries, e.Key)
		return
	}
	n.entries[e.Key] = e
}

// row is what the node says about itself.
func (n *Node) row() Row {
	return Row{Known: n.known.Clone(), Members: maps.Clone(n.members), Settled: slices.Sorted(maps.Keys(n.settled))}
}

// believe keeps what a member said about itself, if n has everything that the member had written
// by then. Only so does it follow that whatever the member writes later, it writes knowing that.
func (n *Node) believe(id string, row Row) {
	if !n.rules.rowHolds(n, id, row) {
		return
	}
	old := n.rows[id]
	n.rows[id] = Row{Known: old.Known.Join(row.Known), Members: join(old.Members, row.Members)}
}

// Validate returns an [*InvalidError] if the batch is not one that a node makes.
func (b Batch) Validate() error {
	if err := validateMessage(b.Origin, b.Row, b.Entries); err != nil {
		return err
	}
	if b.From > b.To || b.To > MaxCount {
		return &InvalidError{Field: "batch", Fault: fmt.Sprintf("it goes from %d to %d", b.From, b.To)}
	}
	if b.Row.Known[b.Origin] < b.To {
		return &InvalidError{Field: "batch", Fault: fmt.Sprintf("it goes to %d, and its origin has written %d", b.To, b.Row.Known[b.Origin])}
	}
	last := b.From
	for n, e := range b.Entries {
		count := e.Context[b.Origin]
		if count <= last || count > b.To {
			return &InvalidError{Key: e.Key, Field: "entries[" + strconv.Itoa(n) + "]", Fault: "it is out of order in the batch"}
		}
		last = count
	}
	return nil
}

// Validate returns an [*InvalidError] if the snapshot is not one that a node makes.
func (s Snapshot) Validate() error {
	if err := validateMessage(s.Origin, s.Row, s.Entries); err != nil {
		return err
	}
	for n, bucket := range s.Buckets {
		if bucket < 0 || bucket >= Buckets || n > 0 && bucket <= s.Buckets[n-1] {
			return &InvalidError{Field: "buckets", Fault: fmt.Sprintf("number %d is out of range or order", bucket)}
		}
	}
	for n, e := range s.Entries {
		if n > 0 && s.Entries[n-1].Key >= e.Key || !s.has(e.Key) {
			return &InvalidError{Key: e.Key, Field: "entries[" + strconv.Itoa(n) + "]", Fault: "it is out of order or of another bucket"}
		}
	}
	return nil
}

func validateMessage(origin string, row Row, entries []Entry) error {
	if err := ValidateID(origin); err != nil {
		return err
	}
	if err := row.Known.Validate(); err != nil {
		return err
	}
	if err := row.validateMembers(); err != nil {
		return err
	}
	if err := row.names(row.Known); err != nil {
		return err
	}
	for _, e := range entries {
		if err := e.Validate(); err != nil {
			return err
		}
		if err := row.names(e.Context); err != nil {
			return err
		}
	}
	return nil
}

// names returns an [*InvalidError] if the context has an id that was never admitted.
func (r Row) names(c Context) error {
	for id := range c {
		if r.Members[id] == "" {
			return &InvalidError{Field: fieldMembers, Fault: fmt.Sprintf("they lack %q, which has written", shorten(id))}
		}
	}
	return nil
}

// Equal tells whether two nodes are in the same state.
func (n *Node) Equal(other *Node) bool {
	return bytes.Equal(n.appendState(nil), other.appendState(nil))
}
