package replica

// Collect removes the entries that are deletions only, which every member knows, and which ripe
// says are old enough; it returns their keys. Age is not needed for safety: it gives people
// time to look at what was deleted. A nil ripe takes all.
func (n *Node) Collect(ripe func(Entry) bool) []string {
	var collected []string
	for e := range n.All {
		if live(e) || !n.rules.collectable(n, e) || ripe != nil && !ripe(e) {
			continue
		}
		delete(n.entries, e.Key)
		collected = append(collected, e.Key)
	}
	return collected
}

// live tells whether e has a value that must be kept, as the winner or as a recorded loser.
func live(e Entry) bool { return len(e.Writes) > 0 && !e.Tombstone() }

// stable tells whether n has all writes that are concurrent with those of e, and whether all that
// members still write to the key supersedes e: each member has said that it knows e, and n has
// everything that the member wrote before it said so. This is causal stability (Baquero, Almeida,
// Shoker: "Making Operation-based CRDTs Operation-based", DAIS 2014), with members that come and go.
//
// Of an id that is fenced nothing is waited for. Instead it has to have settled.
func (n *Node) stable(e Entry) bool {
	if !n.known.Includes(e.Context) {
		return false
	}
	for id, status := range n.members {
		if status != Active || id == n.id {
			continue
		}
		row, told := n.rows[id]
		if !told || !row.Known.Includes(e.Context) {
			return false
		}
	}
	for id, status := range n.members {
		if status == Fenced && !n.settled[id] {
			return false
		}
	}
	return true
}

// Trim drops the part of the log that all members have, and returns the count after which it now
// begins.
func (n *Node) Trim() uint64 {
	to := n.known[n.id]
	for id, status := range n.members {
		if status == Active && id != n.id {
			to = min(to, n.rows[id].Known[n.id])
		}
	}
	n.Compact(to)
	return n.first
}

// Compact drops the log up to a count, whether all members have it or not. Who is behind then
// needs a [Snapshot].
func (n *Node) Compact(to uint64) {
	if to = min(to, n.known[n.id]); to <= n.first {
		return
	}
	n.log = append([]Entry(nil), n.log[min(to-n.first, uint64(len(n.log))):]...)
	n.first = to
}
