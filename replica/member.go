package replica

import (
	"fmt"
	"maps"
	"slices"
)

// A Status is what the members know of an id. It goes from Active to Fenced and never back.
type Status string

// The statuses.
const (
	Active Status = "active" // it is waited for before a tombstone is collected
	Fenced Status = "fenced" // nothing that it still pushes is accepted
)

// Admit makes id a member: that of a new region, or the next [Incarnation] of one that was
// restored, fenced or away for too long. Other ids of that region are fenced. The region then
// joins with a snapshot that n makes from now on; see [Node.Join]. The errors are [*InvalidError],
// and [*MemberError] if id was fenced before or n is no member itself.
func (n *Node) Admit(id string) error {
	if err := ValidateID(id); err != nil {
		return err
	}
	switch {
	case !n.rules.ready(n):
		return n.refuse(n.id, "admit a region")
	case n.members[id] == Fenced:
		return n.refuse(id, "be admitted")
	}
	members := map[string]Status{id: Active}
	for other := range n.members {
		if other != id && RegionOf(other) == RegionOf(id) {
			members[other] = Fenced
		}
	}
	if len(join(n.members, members)) > MaxRegions {
		return &InvalidError{Field: fieldMembers, Fault: fmt.Sprintf("there were %d already, the limit", MaxRegions)}
	}
	n.learn(members)
	return nil
}

// Fence ends the membership of id: that of a region that is retired, or has been away for so long
// that the others want to collect without it. What it had not pushed is lost to the others; it
// is told when it joins again. The error is a [*MemberError] if n is no member itself, or id is n's
// or never was a member's.
func (n *Node) Fence(id string) error {
	switch {
	case !n.rules.ready(n):
		return n.refuse(n.id, "fence a region")
	case n.members[id] == "" || id == n.id:
		return n.refuse(id, "be fenced here")
	}
	n.learn(map[string]Status{id: Fenced})
	return nil
}

// Join makes n the member id, with what a member has: all that n had is replaced, except for the
// kill set. Writes that n has and that member does not know are returned as the entries
// they are part of, for people to look at; they are not pushed, because what has been collected
// meanwhile can no longer tell which of them were deleted. The errors are [*InvalidError], and
// [*MemberError] if id is not admitted or was used before.
func (n *Node) Join(id string, s Snapshot) (stranded []Entry, err error) {
	if err := n.Kill(s.Kills...); err != nil {
		return nil, err
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	switch {
	case s.Buckets != nil:
		return nil, &InvalidError{Field: "buckets", Fault: "a region joins with a whole snapshot"}
	case join(n.members, s.Row.Members)[id] != Active || s.Row.Members[id] != Active || s.Row.Members[s.Origin] != Active:
		return nil, n.refuse(id, "join with this snapshot")
	case s.Row.Known[id] > 0 || id == n.id && n.known[id] > 0:
		return nil, n.refuse(id, "be used twice")
	}
	entries := make(map[string]Entry, len(s.Entries))
	for _, e := range s.Entries {
		entries[e.Key] = e
	}
	for e := range n.All {
		theirs, stored := entries[e.Key]
		if slices.ContainsFunc(e.Writes, func(w Write) bool {
			if stored {
				return !theirs.Context.Covers(w.Dot)
			}
			// It was collected, or nobody there ever had it; of an id that is fenced, known
			// can mean either. See settle.
			return !s.Row.Known.Covers(w.Dot) || s.Row.Members[w.Dot.Region] == Fenced
		}) {
			stranded = append(stranded, e)
		}
	}
	*n = Node{
		id: id, known: s.Row.Known.Clone(), entries: entries, members: n.members,
		rows: map[string]Row{s.Origin: s.Row}, whole: map[string]Row{s.Origin: s.Row},
		settled: map[string]bool{}, kills: n.kills, rules: n.rules,
	}
	n.learn(s.Row.Members)
	n.settle(s.Row.Settled)
	return stranded, nil
}

// settle finds the fenced ids of which n has all that any member has: those that every member had
// fenced when it sent its last whole snapshot. Until then somebody may still have a write that is
// concurrent with a deletion, and that no log will bring. From then on n may claim to know all of
// the id; what a snapshot of a few buckets brought ahead of the id's log would otherwise never
// count as known, and never be collected. Others are those that settled where the last whole
// snapshot came from.
func (n *Node) settle(others []string) {
	for _, fenced := range others {
		n.settled[fenced] = true
	}
	for fenced, status := range n.members {
		if status != Fenced || n.settled[fenced] || !n.everybodyFenced(fenced) {
			continue
		}
		n.settled[fenced] = true
		for _, e := range n.entries {
			if count := e.Context[fenced]; count > n.known[fenced] {
				n.known[fenced] = count
			}
		}
	}
}

func (n *Node) everybodyFenced(fenced string) bool {
	for id, status := range n.members {
		if status == Active && id != n.id && n.whole[id].Members[fenced] != Fenced {
			return false
		}
	}
	return true
}

// Members returns every id that was ever admitted, as far as n knows.
func (n *Node) Members() map[string]Status { return maps.Clone(n.members) }

// learn merges what somebody knows of the members. If two of them admitted the region at the same
// time, under two ids, the one under which it joined is the one that stays.
func (n *Node) learn(members map[string]Status) {
	n.members = join(n.members, members)
	if n.restored || n.members[n.id] != Active {
		return
	}
	for id := range n.members {
		if id != n.id && RegionOf(id) == RegionOf(n.id) {
			n.members[id] = Fenced
		}
	}
}

func join(a, b map[string]Status) map[string]Status {
	joined := make(map[string]Status, max(len(a), len(b)))
	maps.Copy(joined, a)
	for id, status := range b {
		if joined[id] != Fenced {
			joined[id] = status
		}
	}
	return joined
}

// fieldMembers is the field of an [InvalidError] about members.
const fieldMembers = "members"

func (r Row) validateMembers() error {
	if len(r.Members) > MaxRegions {
		return &InvalidError{Field: fieldMembers, Fault: fmt.Sprintf("there are %d, the limit is %d", len(r.Members), MaxRegions)}
	}
	for _, id := range r.Settled {
		if r.Members[id] != Fenced {
			return &InvalidError{Field: "settled", Fault: fmt.Sprintf("%q is not fenced", id)}
		}
	}
	for id, status := range r.Members {
		if err := ValidateID(id); err != nil {
			return err
		}
		if status != Active && status != Fenced {
			return &InvalidError{Field: fieldMembers, Fault: fmt.Sprintf("%q is %q", id, status)}
		}
	}
	return nil
}
