package replica

import (
	"encoding/binary"
	"maps"
	"slices"
)

// appendState appends a form of the node's whole state that no other state has.
func (n *Node) appendState(to []byte) []byte {
	to = appendText(to, n.id)
	to = appendContext(to, n.known)
	to = binary.AppendUvarint(to, uint64(len(n.entries)))
	for e := range n.All {
		to = e.appendState(to)
	}
	to = binary.AppendUvarint(to, n.first)
	to = binary.AppendUvarint(to, uint64(len(n.log)))
	for _, e := range n.log {
		to = e.appendState(to)
	}
	to = appendMembers(to, n.members)
	to = binary.AppendUvarint(to, uint64(len(n.rows)))
	for _, id := range slices.Sorted(maps.Keys(n.rows)) {
		to = appendText(to, id)
		to = appendContext(to, n.rows[id].Known)
		to = appendMembers(to, n.rows[id].Members)
	}
	to = binary.AppendUvarint(to, uint64(len(n.whole)))
	for _, id := range slices.Sorted(maps.Keys(n.whole)) {
		to = appendMembers(appendText(to, id), n.whole[id].Members)
	}
	for _, id := range slices.Sorted(maps.Keys(n.settled)) {
		to = appendText(to, id)
	}
	hash := n.kills.Hash()
	to = append(to, hash[:]...)
	if n.restored {
		return append(to, 1)
	}
	return append(to, 0)
}

func (e Entry) appendState(to []byte) []byte {
	return appendContext(binary.AppendUvarint(e.appendHashed(to), uint64(len(e.Writes))), e.Context)
}

func appendContext(to []byte, c Context) []byte {
	to = binary.AppendUvarint(to, uint64(len(c)))
	for _, region := range c.Regions() {
		to = binary.AppendUvarint(appendText(to, region), c[region])
	}
	return to
}

func appendMembers(to []byte, members map[string]Status) []byte {
	to = binary.AppendUvarint(to, uint64(len(members)))
	for _, id := range slices.Sorted(maps.Keys(members)) {
		to = appendText(appendText(to, id), members[id])
	}
	return to
}
