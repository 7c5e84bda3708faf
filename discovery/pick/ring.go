package pick

import (
	"cmp"
	"math/bits"
	"slices"
)

// pointsPerInstance is how many points of the ring each instance has. The standard
// deviation of the share of the keys is about one in the root of it, 9% of the mean.
const pointsPerInstance = 128

// A ring is a consistent hash ring (Karger et al., 1997). Instances are known by their
// identity, and owners are their positions in the list of identities. It is immutable.
type ring struct {
	identities []uint64
	points     []point // sorted

	// first[b] is the first point whose leading bits are b or more. With about as many
	// entries as points, finding a key's point takes a step or two instead of a binary search.
	first []int32
	shift int
}

type point struct {
	hash  uint64
	owner int32
}

// follow returns the ring of the given identities, which are distinct. What r and it have
// in common is copied in order, so that only what is new needs sorting. A nil ring is an
// empty one.
func (r *ring) follow(identities []uint64) *ring {
	if r == nil {
		r = &ring{}
	}
	if r.first != nil && slices.Equal(r.identities, identities) {
		return r
	}
	position := make(map[uint64]int32, len(identities))
	for i, id := range identities {
		position[id] = int32(i)
	}
	kept := make([]point, 0, len(r.points))
	for _, p := range r.points {
		if owner, ok := position[r.identities[p.owner]]; ok {
			kept = append(kept, point{p.hash, owner})
		}
	}
	for _, id := range r.identities {
		delete(position, id)
	}
	added := make([]point, 0, len(position)*pointsPerInstance)
	for id, owner := range position {
		for k := range uint64(pointsPerInstance) {
			added = append(added, point{mix(id + mix(k)), owner})
		}
	}
	next := &ring{identities: identities, points: merge(kept, added, identities)}
	next.index()
	return next
}

// merge sorts added and merges it with kept, which is sorted. Equal hashes are ordered by
// identity, so that the order of the list has no influence.
func merge(kept, added []point, identities []uint64) []point {
	compare := func(a, b point) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(identities[a.owner], identities[b.owner]))
	}
	slices.SortFunc(added, compare)
	merged := make([]point, 0, len(kept)+len(added))
	for len(kept) > 0 && len(added) > 0 {
		if compare(kept[0], added[0]) < 0 {
			merged, kept = append(merged, kept[0]), kept[1:]
		} else {
			merged, added = append(merged, added[0]), added[1:]
		}
	}
	return append(append(merged, kept...), added...)
}

func (r *ring) index() {
	width := bits.Len(uint(len(r.points)))
	r.shift = 64 - width
	r.first = make([]int32, 1<<width)
	i := 0
	for b := range r.first {
		for i < len(r.points) && r.points[i].hash>>r.shift < uint64(b) {
			i++
		}
		r.first[b] = int32(i)
	}
}

// find returns the position of the first point at or after hash. The ring must not be
// empty.
func (r *ring) find(hash uint64) int {
	i := int(r.first[hash>>r.shift])
	for i < len(r.points) && r.points[i].hash < hash {
		i++
	}
	if i == len(r.points) {
		return 0
	}
	return i
}
