package roster

import (
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
)

// A packed name is the text of a name in four words, so that two names are
// compared without following a pointer. Up to maxExact bytes it is the name
// itself, with the length of each half in its last byte; a longer name is
// represented by a hash and its length, and equality must be confirmed.
//
// The last byte of the second word tells the three kinds apart.
type packed struct{ w0, w1, w2, w3 uint64 } // not an array, which would not stay in registers

const (
	half      = 15 // bytes that fit into two words beside their length
	maxExact  = 16 + half
	exactRest = 0x80 << 56 // in the second word of a name with a rest behind its first 16 bytes
	longName  = 0xFF << 56 // in the second word of a longer name
)

// The seeds make the hash differ from process to process, so that nobody can
// prepare names that collide.
var (
	seeds      = [3]uint64{rand.Uint64(), rand.Uint64(), rand.Uint64()}
	stringSeed = maphash.MakeSeed()
)

// pack returns the packed form of name and its hash. The hash multiplies words
// to twice their width and folds the product, as wyhash does
// (https://github.com/wangyi-fudan/wyhash).
//
// The last byte of the second word is the length plus one, so that no text packs
// to zero.
func pack(name string) (p packed, hash uint64) {
	n := len(name)
	switch {
	case n > half:
		return packLong(name)
	case n >= 8:
		p.w0, p.w1 = word(name), word(name[n-8:])>>(8*(16-n)&63)
	case n >= 4:
		p.w0 = halfWord(name) | halfWord(name[n-4:])<<(8*(n-4)&63)
	case n > 0:
		p.w0 = uint64(name[0]) | uint64(name[n/2])<<(8*(n/2)&63) | uint64(name[n-1])<<(8*(n-1)&63)
	}
	p.w1 |= uint64(n+1) << 56
	return p, fold(p.w0^seeds[0], p.w1^seeds[1])
}

func packLong(name string) (p packed, hash uint64) {
	if len(name) > maxExact {
		hash = maphash.String(stringSeed, name)
		p.w0, p.w1 = hash, longName|uint64(len(name))
		return p, hash
	}
	rest, _ := pack(name[16:])
	p = packed{rest.w0, rest.w1 | exactRest, word(name), word(name[8:])}
	return p, fold(p.w0^seeds[0], p.w1^seeds[1]) ^ fold(p.w2^seeds[1], p.w3^seeds[2])
}

// word reads the first eight bytes of s; the compiler makes one load of it.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func halfWord(s string) uint64 {
	_ = s[3]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
