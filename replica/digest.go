package replica

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/fnv"
	"iter"
)

// Buckets is how many buckets a digest has.
const Buckets = 256

// A Bucket sums up the entries of one bucket of a [Digest]. Buckets are equal if they are ==.
type Bucket struct {
	Entries uint64    `json:"entries"`
	Sum     [4]uint64 `json:"sum"`
}

// Digest sums up entries so that two regions find out cheaply in which buckets they differ.
// The order of entries does not matter; each key may come once. Two things make no difference,
// because they make none to readers and regions at rest may differ in them: entries that are
// deletions only, which each region collects when it can, and the contexts.
//
// An entry's hash is of 256 bits, and a bucket holds their sum: enough against chance, and not
// meant against a peer who lies.
func Digest(entries iter.Seq[Entry]) [Buckets]Bucket {
	var digest [Buckets]Bucket
	var buffer []byte
	for e := range entries {
		if len(e.Writes) == 0 || e.Tombstone() {
			continue
		}
		buffer = e.appendHashed(buffer[:0])
		hash := sha256.Sum256(buffer)
		bucket := &digest[BucketOf(e.Key)]
		bucket.Entries++
		for lane := range bucket.Sum {
			bucket.Sum[lane] += binary.BigEndian.Uint64(hash[lane*8:])
		}
	}
	return digest
}

// BucketOf returns the bucket of a key, 0 to 255. It is the same everywhere and in every version.
func BucketOf(key string) int {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(key)) // never fails
	sum := hash.Sum32()
	return int(sum^sum>>8^sum>>16^sum>>24) & (Buckets - 1)
}

// Compare returns the buckets in which two digests differ, in ascending order.
func Compare(a, b [Buckets]Bucket) []int {
	var differ []int
	for n := range a {
		if a[n] != b[n] {
			differ = append(differ, n)
		}
	}
	return differ
}

// appendHashed appends a form of the key and the writes that no other entry has.
func (e Entry) appendHashed(to []byte) []byte {
	to = appendText(to, e.Key)
	for _, w := range e.Writes {
		to = appendText(to, w.Dot.Region)
		to = binary.BigEndian.AppendUint64(to, w.Dot.Count)
		to = binary.BigEndian.AppendUint64(to, w.Time)
		if w.Deleted {
			to = append(to, 1)
		} else {
			to = append(to, 0)
		}
		to = appendText(to, w.Value)
	}
	return to
}

func appendText[T ~string | ~[]byte](to []byte, text T) []byte {
	to = binary.BigEndian.AppendUint32(to, uint32(len(text)))
	return append(to, text...)
}
