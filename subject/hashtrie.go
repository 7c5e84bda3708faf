package subject

import (
	"hash/maphash"
	"math/bits"
	"slices"
)

// A hashTrie is a persistent map from strings to pointers: a version shares all
// nodes with the one before but those on the way to what changed. A node has one
// bitmap for the pairs it holds and one for its kids, as in the compressed
// hash-array mapped prefix tries of Steindorfer and Vinju (OOPSLA 2015). Kids lie
// in their parent's array by value: there are few of them, so they stay in a
// processor's cache while the pairs do not. The zero hashTrie is empty.
type hashTrie[X any] struct {
	paired, branched uint32 // by the five bits of the hash that are this node's
	pairs            []pair[X]
	kids             []hashTrie[X]
	by               *build // who made both arrays and may still write to them
}

type pair[X any] struct {
	key   string
	value *X
}

// A build is one run of the function that makes an index. What it made it may
// write to, since nobody else knows it yet.
type build struct{ _ byte } // not empty, so that two of them have two addresses

const (
	fan     = 5  // bits of the hash for each level
	allBits = 60 // behind them keys of one hash stand in a list
)

// The seed differs in every process, so that nobody can send keys that collide.
var seed = maphash.MakeSeed()

func hash(key string) uint64 { return maphash.String(seed, key) }

func (n *hashTrie[X]) empty() bool { return n.paired|n.branched == 0 }

// get returns the value of key, or nil.
func (n *hashTrie[X]) get(key string) *X {
	if n.small() {
		return n.scan(key)
	}
	return n.getHashed(key, hash(key))
}

// small reports whether comparing all keys is faster than hashing one.
func (n *hashTrie[X]) small() bool {
	const few = 3
	return n.branched == 0 && len(n.pairs) <= few
}

func (n *hashTrie[X]) scan(key string) *X {
	for i := range n.pairs {
		if p := &n.pairs[i]; p.key == key {
			return p.value
		}
	}
	return nil
}

// getHashed is get for a key whose hash is h.
func (n *hashTrie[X]) getHashed(key string, h uint64) *X {
	for range allBits / fan {
		bit := uint32(1) << (h & (1<<fan - 1))
		if n.paired&bit != 0 {
			if p := &n.pairs[rank(n.paired, bit)]; p.key == key {
				return p.value
			}
			return nil
		}
		if n.branched&bit == 0 {
			return nil
		}
		n = &n.kids[rank(n.branched, bit)]
		h >>= fan
	}
	return n.scan(key)
}

// with is the map in which key has the value, which is not to be nil.
func (n *hashTrie[X]) with(b *build, key string, value *X) hashTrie[X] {
	made := *n
	made.put(b, pair[X]{key, value}, hash(key), 0)
	return made
}

func (n *hashTrie[X]) put(b *build, p pair[X], h uint64, shift int) {
	n.own(b)
	if shift >= allBits {
		if i := n.indexOf(p.key); i >= 0 {
			n.pairs[i] = p
		} else {
			n.pairs = append(n.pairs, p)
			n.paired = 1 // not empty
		}
		return
	}
	bit := uint32(1) << (h >> shift & (1<<fan - 1))
	at, below := rank(n.paired, bit), rank(n.branched, bit)
	switch {
	case n.branched&bit != 0:
		n.kids[below].put(b, p, h, shift+fan)
	case n.paired&bit == 0:
		n.paired |= bit
		n.pairs = slices.Insert(n.pairs, at, p)
	case n.pairs[at].key == p.key:
		n.pairs[at] = p
	default: // two keys, one slot: both move down
		var kid hashTrie[X]
		kid.put(b, n.pairs[at], hash(n.pairs[at].key), shift+fan)
		kid.put(b, p, h, shift+fan)
		n.paired &^= bit
		n.pairs = slices.Delete(n.pairs, at, at+1)
		n.branched |= bit
		n.kids = slices.Insert(n.kids, below, kid)
	}
}

// without is the map without key.
func (n *hashTrie[X]) without(b *build, key string) hashTrie[X] {
	made := *n
	if n.get(key) != nil {
		made.cut(b, key, hash(key), 0)
	}
	return made
}

// cut takes out key, which is there.
func (n *hashTrie[X]) cut(b *build, key string, h uint64, shift int) {
	n.own(b)
	if shift >= allBits {
		i := n.indexOf(key)
		n.pairs = slices.Delete(n.pairs, i, i+1)
		if len(n.pairs) == 0 {
			n.paired = 0
		}
		return
	}
	bit := uint32(1) << (h >> shift & (1<<fan - 1))
	if n.paired&bit != 0 {
		at := rank(n.paired, bit)
		n.paired &^= bit
		n.pairs = slices.Delete(n.pairs, at, at+1)
		return
	}
	below := rank(n.branched, bit)
	kid := &n.kids[below]
	kid.cut(b, key, h, shift+fan)
	if len(kid.kids) > 0 || len(kid.pairs) > 1 {
		return
	}
	last := kid.pairs // at most one, which moves up
	n.branched &^= bit
	n.kids = slices.Delete(n.kids, below, below+1)
	if len(last) > 0 {
		n.paired |= bit
		n.pairs = slices.Insert(n.pairs, rank(n.paired, bit), last[0])
	}
}

// own gives the arrays to b, as copies unless b made them.
func (n *hashTrie[X]) own(b *build) {
	if n.by != b || b == nil {
		n.pairs, n.kids, n.by = slices.Clone(n.pairs), slices.Clone(n.kids), b
	}
}

func (n *hashTrie[X]) indexOf(key string) int {
	return slices.IndexFunc(n.pairs, func(p pair[X]) bool { return p.key == key })
}

// rank counts the bits of set below bit.
func rank(set, bit uint32) int { return bits.OnesCount32(set & (bit - 1)) }
