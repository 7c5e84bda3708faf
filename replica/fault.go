package replica

import (
	"fmt"

	"github.com/roster-go/roster/kill"
)

// A MemberError reports what a region cannot do because of its membership.
type MemberError struct {
	ID     string
	Status Status // as far as known; empty if it was never admitted
	Verb   string // what it cannot do
	Hint   string
}

func (e *MemberError) Error() string {
	status := string(e.Status)
	if status == "" {
		status = "no member"
	}
	return fmt.Sprintf("replica: region %q is %s and cannot %s: %s", e.ID, status, e.Verb, e.Hint)
}

func (n *Node) refuse(id, verb string) error {
	e := &MemberError{ID: id, Status: n.members[id], Verb: verb}
	switch {
	case id == n.id && n.restored:
		e.Hint = "its store is a restored backup; let a member admit it under a new incarnation, and join"
	case e.Status == Fenced:
		e.Hint = "it was retired or away for too long; let a member admit it under a new incarnation, and join"
	case e.Status == "":
		e.Hint = "let a member admit it first"
	default:
		e.Hint = "an id is for one member, once"
	}
	return e
}

// A GapError reports a batch that begins after the cursor of its origin. Send from the cursor.
type GapError struct {
	Origin string
	From   uint64 // where the batch begins
	Cursor uint64 // where it has to
}

func (e *GapError) Error() string {
	return fmt.Sprintf("replica: a batch of region %q begins after %d, and what is before it is here up to %d: send from there",
		e.Origin, e.From, e.Cursor)
}

// A CompactedError reports that a log does not reach back to a cursor. Send a snapshot.
type CompactedError struct {
	Origin string
	From   uint64 // the cursor
	First  uint64 // the log begins after it
}

func (e *CompactedError) Error() string {
	return fmt.Sprintf("replica: the log of region %q begins after %d, and the cursor is at %d: send a whole snapshot", e.Origin, e.First, e.From)
}

// A RestoredError reports that a peer knows writes of this region that the region does not: its
// store went back. Call [Node.Restore], and join again.
type RestoredError struct {
	ID     string
	Count  uint64 // the region's own
	Origin string // who knows more; empty if it is not known who
	Told   uint64 // up to where
}

func (e *RestoredError) Error() string {
	peer := "a peer"
	if e.Origin != "" {
		peer = fmt.Sprintf("region %q", e.Origin)
	}
	return fmt.Sprintf("replica: region %q has written up to %d and %s knows it up to %d: its store was restored from a backup; "+
		"let a member admit it under a new incarnation, and join", e.ID, e.Count, peer, e.Told)
}

// A KilledError reports a key that the kill set keeps from being read and written.
type KilledError struct {
	Key   string
	Order kill.Order
}

func (e *KilledError) Error() string {
	return fmt.Sprintf("replica: entry %q is killed by the order for %v at epoch %d (%s): revive that with a higher epoch to have it back",
		shorten(e.Key), e.Order.Target, e.Order.Epoch, e.Order.Reason)
}
