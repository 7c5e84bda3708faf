package kill

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// A Hash identifies the content of a [Set].
type Hash [sha256.Size]byte

// String is the hash in hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText is the hash in hexadecimal digits, for JSON.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return errHash
	}
	if _, err := hex.Decode(h[:], text); err != nil {
		return errHash
	}
	return nil
}

// A Set holds, for each target, the order that stands. It is an immutable value; the zero Set is
// empty. Targets are never removed from it, so that no late order can find a gap: a target that
// was revived stays in it with its epoch.
//
// Merging is commutative, associative and idempotent: however orders are grouped, repeated and
// reordered, the same ones lead to the same set and to the same hash.
type Set struct {
	sorted []standing // by target
	hash   Hash       // valid unless sorted is empty
}

// standing is an order with its digest, which does not have to be computed again.
type standing struct {
	order  Order
	digest [sha256.Size]byte
}

func (s standing) compareTarget(t Target) int { return s.order.Target.compare(t) }

var emptyHash = Hash(sha256.Sum256(nil))

// Merge returns the set with the orders in it, as far as they stand. It does not validate them.
func (s Set) Merge(orders ...Order) Set {
	merged, _ := s.merge(orders)
	return merged
}

// merge also returns the orders that newly stand, one for each target, sorted by target.
func (s Set) merge(orders []Order) (Set, []Order) {
	fresh := make(map[Target]Order)
	for _, o := range orders {
		o = o.normal()
		if old, known := s.Get(o.Target); known && o.Compare(old) <= 0 {
			continue
		}
		if old, known := fresh[o.Target]; !known || o.Compare(old) > 0 {
			fresh[o.Target] = o
		}
	}
	if len(fresh) == 0 {
		return s, nil
	}
	next := slices.Clone(s.sorted)
	news := make([]Order, 0, len(fresh))
	for _, o := range fresh {
		news = append(news, o)
	}
	slices.SortFunc(news, func(a, b Order) int { return a.Target.compare(b.Target) })
	for _, o := range news {
		now := standing{o, o.digest()}
		if at, known := s.find(o.Target); known {
			next[at] = now
		} else {
			next = append(next, now)
		}
	}
	if len(next) > len(s.sorted) {
		slices.SortFunc(next, func(a, b standing) int { return a.compareTarget(b.order.Target) })
	}
	digests := sha256.New()
	for i := range next {
		digests.Write(next[i].digest[:])
	}
	return Set{sorted: next, hash: Hash(digests.Sum(nil))}, news
}

// Get returns the order that stands for the target.
func (s Set) Get(t Target) (Order, bool) {
	at, known := s.find(t)
	if !known {
		return Order{}, false
	}
	return s.sorted[at].order, true
}

func (s Set) find(t Target) (int, bool) {
	return slices.BinarySearchFunc(s.sorted, t, standing.compareTarget)
}

// Orders returns the orders that stand, kills and revivals, sorted by target.
func (s Set) Orders() []Order {
	orders := make([]Order, len(s.sorted))
	for i := range s.sorted {
		orders[i] = s.sorted[i].order
	}
	return orders
}

// Missing returns the orders of s that do not stand in other, because other has none for the
// target or one that is beaten.
func (s Set) Missing(other Set) []Order {
	var missing []Order
	for i := range s.sorted {
		o := s.sorted[i].order
		if theirs, known := other.Get(o.Target); !known || o.Compare(theirs) > 0 {
			missing = append(missing, o)
		}
	}
	return missing
}

// Len is the number of targets in the set.
func (s Set) Len() int { return len(s.sorted) }

// Hash is the SHA-256 of the SHA-256 of each order in its canonical form, sorted by target.
// Equal sets have equal hashes.
func (s Set) Hash() Hash {
	if len(s.sorted) == 0 {
		return emptyHash
	}
	return s.hash
}
