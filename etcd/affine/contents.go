package affine

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"

	"github.com/roster-go/roster/replica/move"
)

// An Item is one key of a namespace and what it holds.
type Item struct {
	Key   string `json:"key"`
	Value []byte `json:"value"`
}

// Contents is what a move needs of one region's store. [Region.Contents] is that of an etcd; a
// daemon can stand for the one of another region and carry each call over its own port. The
// methods return a [*move.GuardError] when the guard does not hold, and can be repeated.
type Contents interface {
	// Raise raises the guard of a namespace, in one transaction, and gives the one that stood
	// before; see [move.Guard.Raise].
	Raise(ctx context.Context, namespace string, to move.Guard) (was move.Guard, err error)
	// Read gives up to limit items whose keys are greater than after, sorted by key.
	Read(ctx context.Context, namespace, after string, limit int) ([]Item, error)
	// Sum gives the digest of all items.
	Sum(ctx context.Context, namespace string) (Digest, error)
	// Apply puts items and deletes keys while the guard stands.
	Apply(ctx context.Context, namespace string, guard move.Guard, puts []Item, deletes []string) error
	// Clear deletes all items while the guard stands.
	Clear(ctx context.Context, namespace string, guard move.Guard) error
	// SetAside moves all items to where nobody serves them, while the guard stands, and tells
	// how many there were.
	SetAside(ctx context.Context, namespace string, guard move.Guard) (int, error)
	// Standby gives the standby copies in the same store. They have guards of their own.
	Standby() Contents
}

// A Digest sums up the items of a namespace. Two that are equal are of equal items.
type Digest struct {
	Items int    `json:"items"`
	Bytes int64  `json:"bytes"` // of keys and values
	Sum   string `json:"sum"`   // SHA-256 of all keys and values with their lengths, in order
}

// A digester makes a digest of items that come sorted by key.
type digester struct {
	sum    hash.Hash
	digest Digest
}

func newDigester() *digester { return &digester{sum: sha256.New()} }

func (d *digester) add(item Item) {
	for _, part := range [][]byte{[]byte(item.Key), item.Value} {
		_, _ = d.sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part)))) // a hash has no error
		_, _ = d.sum.Write(part)
		d.digest.Bytes += int64(len(part))
	}
	d.digest.Items++
}

func (d *digester) finish() Digest {
	d.digest.Sum = hex.EncodeToString(d.sum.Sum(nil))
	return d.digest
}
