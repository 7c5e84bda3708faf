package subject

import (
	"hash/maphash"
	"math/bits"
	"slices"
)

// A hashTrie is a persistent map from strings to pointers: a version shares all
// nodes with the one before but those on the way to what changed. A node has a
// bitmap of what its slots hold, pairs and further nodes, as in the compressed
// hash-array mapped prefix tries of Steindorfer and Vinju (OOPSLA 2015). The empty
// map is nil.
type hashTrie[X any] struct {
	paired, branched uint32 // by the five bits of the hash that are this node's
	pairs            []pair[X]
	kids             []*hashTrie[X]
	by               *build // who made the node and may still write to it
}

type pair[X any] struct {
	key   string
	value *X
}

// A build is one run of the function that makes an index. What it made it may
// write to, since nobody else knows it yet.
type build struct{ _ byte } // not empty, so that two of them have two addresses

const (
	fan     = 5  // bits of the hash for each node
	allBits = 64 // behind them keys of one hash stand in a list
)

// The seed differs in every process, so that nobody can send keys that collide.
var seed = maphash.MakeSeed()

func hash(key string) uint64 { return maphash.String(seed, key) }

// get returns the value of key, or nil.
func (n *hashTrie[X]) get(key string) *X {
	h := hash(key)
	for shift := 0; n != nil; shift += fan {
		if shift >= allBits {
			if i := n.indexOf(key); i >= 0 {
				return n.pairs[i].value
			}
			return nil
		}
		bit := uint32(1) << (h >> shift & (1<<fan - 1))
		if n.paired&bit != 0 {
			if p := &n.pairs[rank(n.paired, bit)]; p.key == key {
				return p.value
			}
			return nil
		}
		if n.branched&bit == 0 {
			return nil
		}
		n = n.kids[rank(n.branched, bit)]
	}
	return nil
}

// with is the map in which key has the value, which is not to be nil.
func (n *hashTrie[X]) with(b *build, key string, value *X) *hashTrie[X] {
	return n.put(b, pair[X]{key, value}, hash(key), 0)
}

func (n *hashTrie[X]) put(b *build, p pair[X], h uint64, shift int) *hashTrie[X] {
	n = n.writable(b)
	if shift >= allBits {
		if i := n.indexOf(p.key); i >= 0 {
			n.pairs[i] = p
		} else {
			n.pairs = append(n.pairs, p)
		}
		return n
	}
	bit := uint32(1) << (h >> shift & (1<<fan - 1))
	at, below := rank(n.paired, bit), rank(n.branched, bit)
	switch {
	case n.branched&bit != 0:
		n.kids[below] = n.kids[below].put(b, p, h, shift+fan)
	case n.paired&bit == 0:
		n.paired |= bit
		n.pairs = slices.Insert(n.pairs, at, p)
	case n.pairs[at].key == p.key:
		n.pairs[at] = p
	default: // two keys, one slot: both move down
		other := n.pairs[at]
		var kid *hashTrie[X]
		kid = kid.put(b, other, hash(other.key), shift+fan).put(b, p, h, shift+fan)
		n.paired &^= bit
		n.pairs = slices.Delete(n.pairs, at, at+1)
		n.branched |= bit
		n.kids = slices.Insert(n.kids, below, kid)
	}
	return n
}

// without is the map without key, which is nil if nothing is left.
func (n *hashTrie[X]) without(b *build, key string) *hashTrie[X] {
	if n.get(key) == nil {
		return n
	}
	return n.cut(b, key, hash(key), 0)
}

func (n *hashTrie[X]) cut(b *build, key string, h uint64, shift int) *hashTrie[X] {
	n = n.writable(b)
	if shift >= allBits {
		i := n.indexOf(key)
		n.pairs = slices.Delete(n.pairs, i, i+1)
		return n.orNil()
	}
	bit := uint32(1) << (h >> shift & (1<<fan - 1))
	if n.paired&bit != 0 {
		at := rank(n.paired, bit)
		n.paired &^= bit
		n.pairs = slices.Delete(n.pairs, at, at+1)
		return n.orNil()
	}
	below := rank(n.branched, bit)
	kid := n.kids[below].cut(b, key, h, shift+fan)
	if kid != nil && (len(kid.kids) > 0 || len(kid.pairs) > 1) {
		n.kids[below] = kid
		return n
	}
	n.branched &^= bit
	n.kids = slices.Delete(n.kids, below, below+1)
	if kid != nil { // one pair is left there, which moves up
		n.paired |= bit
		n.pairs = slices.Insert(n.pairs, rank(n.paired, bit), kid.pairs[0])
	}
	return n.orNil()
}

func (n *hashTrie[X]) orNil() *hashTrie[X] {
	if len(n.pairs)+len(n.kids) == 0 {
		return nil
	}
	return n
}

// writable is n itself if b made it, or else a copy.
func (n *hashTrie[X]) writable(b *build) *hashTrie[X] {
	switch {
	case n == nil:
		return &hashTrie[X]{by: b}
	case n.by == b:
		return n
	}
	return &hashTrie[X]{
		paired: n.paired, branched: n.branched,
		pairs: slices.Clone(n.pairs), kids: slices.Clone(n.kids), by: b,
	}
}

func (n *hashTrie[X]) indexOf(key string) int {
	return slices.IndexFunc(n.pairs, func(p pair[X]) bool { return p.key == key })
}

// rank counts the bits of set below bit.
func rank(set, bit uint32) int { return bits.OnesCount32(set & (bit - 1)) }
