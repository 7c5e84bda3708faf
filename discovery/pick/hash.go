package pick

import "github.com/roster-go/roster/discovery"

// hashText is FNV-1a (Fowler, Noll, Vo) finished by mix. It is the same in every
// process, which hash/maphash is not: callers have to agree without talking to each other.
func hashText(text string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * prime
	}
	return mix(h)
}

// mix spreads every bit of h over all bits: the finalizer of SplitMix64 (Steele, Lea,
// Flood, 2014, with Stafford's constants).
func mix(h uint64) uint64 {
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	h ^= h >> 31
	return h
}

// identity is what the ring and the subset know an instance by: its ID, so that it keeps
// its keys when it moves to another address.
func identity(i *discovery.Instance) uint64 {
	if i.ID == "" {
		return hashText(i.Address)
	}
	return hashText(i.ID)
}
