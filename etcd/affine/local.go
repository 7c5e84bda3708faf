package affine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd/internal/pace"
	"github.com/roster-go/roster/replica/move"
)

// The parts of keys after the prefix.
const (
	contentsDir = "affine/"
	guardsDir   = "affine-guards/"
	orphansDir  = "affine-orphans/"
	standbyDir  = "affine-standby/" // with the dirs above in it
	aliveKey    = "affine-alive"
)

// Limits of one transaction; etcd allows 128 operations and 1.5 MiB by default.
const (
	maxTxnOps   = 100
	maxTxnBytes = 1 << 20
	pageSize    = 1000
)

// MaxValue is how large a value may be, so that it can be copied with its key in one request.
const MaxValue = 512 << 10

// A local is the contents in a region's own etcd.
type local struct {
	client *clientv3.Client
	prefix string
}

var _ Contents = (*local)(nil)

func (l *local) contents(namespace string) string { return l.prefix + contentsDir + namespace + "/" }
func (l *local) guard(namespace string) string    { return l.prefix + guardsDir + namespace }

// holds is the condition of a transaction that the guard stands.
func (l *local) holds(namespace string, guard move.Guard) clientv3.Cmp {
	return clientv3.Compare(clientv3.Value(l.guard(namespace)), "=", encodeGuard(guard))
}

// Raise implements [Contents].
func (l *local) Raise(ctx context.Context, namespace string, to move.Guard) (was move.Guard, err error) {
	if _, err := (move.Guard{}).Raise(to); err != nil {
		return move.Guard{}, err
	}
	key := l.guard(namespace)
	// The comparison fails for a key that is not there.
	response, err := l.commit(ctx, []clientv3.Cmp{clientv3.Compare(clientv3.Value(key), ">", encodeGuard(to))},
		[]clientv3.Op{clientv3.OpGet(key)}, []clientv3.Op{clientv3.OpPut(key, encodeGuard(to), clientv3.WithPrevKV())})
	if err != nil {
		return move.Guard{}, fmt.Errorf("affine: raise the guard of %s: %w", namespace, err)
	}
	if !response.Succeeded {
		return decodeGuard(string(response.Responses[0].GetResponsePut().GetPrevKv().GetValue()))
	}
	return move.Guard{}, refusal(response, to)
}

// refusal says which guard stands instead of the one that was wanted. The first operation of
// the response read it.
func refusal(response *clientv3.TxnResponse, wanted move.Guard) error {
	text := ""
	for _, kv := range response.Responses[0].GetResponseRange().GetKvs() {
		text = string(kv.GetValue())
	}
	stands, err := decodeGuard(text)
	if err != nil {
		return err
	}
	return &move.GuardError{Stands: stands, Refused: wanted}
}

// Read implements [Contents].
func (l *local) Read(ctx context.Context, namespace, after string, limit int) ([]Item, error) {
	prefix := l.contents(namespace)
	from := prefix
	if after != "" {
		from += after + "\x00"
	}
	ctx, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
	defer cancel()
	response, err := l.client.Get(ctx, from, clientv3.WithRange(clientv3.GetPrefixRangeEnd(prefix)), clientv3.WithLimit(int64(limit)))
	if err != nil {
		return nil, fmt.Errorf("affine: read %s: %w", namespace, err)
	}
	return items(response.Kvs, prefix), nil
}

func items(kvs []*mvccpb.KeyValue, prefix string) []Item {
	list := make([]Item, 0, len(kvs))
	for _, kv := range kvs {
		list = append(list, Item{Key: strings.TrimPrefix(string(kv.GetKey()), prefix), Value: kv.GetValue()})
	}
	return list
}

// Sum implements [Contents].
func (l *local) Sum(ctx context.Context, namespace string) (Digest, error) {
	digest := newDigester()
	err := pages(ctx, l, namespace, func(page []Item) error {
		for _, item := range page {
			digest.add(item)
		}
		return nil
	})
	return digest.finish(), err
}

// pages reads everything.
func pages(ctx context.Context, from Contents, namespace string, each func([]Item) error) error {
	after := ""
	for {
		page, err := from.Read(ctx, namespace, after, pageSize)
		if err != nil {
			return err
		}
		if err := each(page); err != nil || len(page) < pageSize {
			return err
		}
		after = page[len(page)-1].Key
	}
}

// Apply implements [Contents].
func (l *local) Apply(ctx context.Context, namespace string, guard move.Guard, puts []Item, deletes []string) error {
	prefix := l.contents(namespace)
	batch := l.batch(namespace, guard)
	for _, item := range puts {
		if err := batch.add(ctx, len(item.Key)+len(item.Value), clientv3.OpPut(prefix+item.Key, string(item.Value))); err != nil {
			return err
		}
	}
	for _, key := range deletes {
		if err := batch.add(ctx, len(key), clientv3.OpDelete(prefix+key)); err != nil {
			return err
		}
	}
	return batch.flush(ctx)
}

// Clear implements [Contents].
func (l *local) Clear(ctx context.Context, namespace string, guard move.Guard) error {
	batch := l.batch(namespace, guard)
	return errors.Join(batch.add(ctx, 0, clientv3.OpDelete(l.contents(namespace), clientv3.WithPrefix())), batch.flush(ctx))
}

// SetAside implements [Contents]. The items go under the epoch of the guard that set them aside.
func (l *local) SetAside(ctx context.Context, namespace string, guard move.Guard) (int, error) {
	from := l.contents(namespace)
	to := fmt.Sprintf("%s%s%s/%d/", l.prefix, orphansDir, namespace, guard.Epoch)
	moved := 0
	batch := l.batch(namespace, guard)
	err := pages(ctx, l, namespace, func(page []Item) error {
		for _, item := range page {
			err := batch.add(ctx, len(item.Key)+len(item.Value),
				clientv3.OpPut(to+item.Key, string(item.Value)), clientv3.OpDelete(from+item.Key))
			if err != nil {
				return err
			}
			moved++
		}
		return nil
	})
	return moved, errors.Join(err, batch.flush(ctx))
}

// Standby implements [Contents].
func (l *local) Standby() Contents { return &local{client: l.client, prefix: l.prefix + standbyDir} }

// A batch collects operations that depend on a guard into transactions.
type batch struct {
	local     *local
	namespace string
	guard     move.Guard
	ops       []clientv3.Op
	size      int
}

func (l *local) batch(namespace string, guard move.Guard) *batch {
	return &batch{local: l, namespace: namespace, guard: guard}
}

// add takes operations that have to be in one transaction.
func (b *batch) add(ctx context.Context, size int, ops ...clientv3.Op) error {
	if len(b.ops)+len(ops) > maxTxnOps || b.size+size > maxTxnBytes {
		if err := b.flush(ctx); err != nil {
			return err
		}
	}
	b.ops = append(b.ops, ops...)
	b.size += size
	return nil
}

func (b *batch) flush(ctx context.Context) error {
	if len(b.ops) == 0 {
		return nil
	}
	response, err := b.local.commit(ctx, []clientv3.Cmp{b.local.holds(b.namespace, b.guard)}, b.ops,
		[]clientv3.Op{clientv3.OpGet(b.local.guard(b.namespace))})
	if err != nil {
		return fmt.Errorf("affine: write %s: %w", b.namespace, err)
	}
	if !response.Succeeded {
		return refusal(response, b.guard)
	}
	b.ops, b.size = nil, 0
	return nil
}

func (l *local) commit(ctx context.Context, guards []clientv3.Cmp, then, otherwise []clientv3.Op) (*clientv3.TxnResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
	defer cancel()
	return l.client.Txn(ctx).If(guards...).Then(then...).Else(otherwise...).Commit() //nolint:wrapcheck // the callers say what they were doing
}
