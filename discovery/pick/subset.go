package pick

import (
	"cmp"
	"slices"
)

// subset returns the size members that client talks to, in the order of the list: those
// that do not drain before those that do, nearer ones before farther ones, and then those
// with the highest score, which is different for every pair of client and instance. A member's
// place in that order does not depend on the others. So when one comes or goes, one
// place in the subset changes hands at most.
func subset(members []member, size int, client string) []member {
	if size == 0 || size >= len(members) {
		return members
	}
	type candidate struct {
		member
		score uint64
	}
	salt := hashText(client)
	candidates := make([]candidate, len(members))
	for i, m := range members {
		candidates[i] = candidate{m, mix(salt ^ identity(m.instance))}
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(
			compareBool(draining(a.instance), draining(b.instance)),
			cmp.Compare(a.tier, b.tier),
			cmp.Compare(b.score, a.score),
			cmp.Compare(a.instance.Address, b.instance.Address),
		)
	})
	chosen := make([]member, size)
	for i := range chosen {
		chosen[i] = candidates[i].member
	}
	slices.SortFunc(chosen, func(a, b member) int { return cmp.Compare(a.index, b.index) })
	return chosen
}

// compareBool orders false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}
