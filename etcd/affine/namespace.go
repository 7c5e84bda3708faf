package affine

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd/internal/outcome"
	"github.com/roster-go/roster/replica/move"
)

// A Namespace is a namespace as a process in one region sees it. What it does is linearizable
// in the region that is the home, and refused in all others. It is safe for concurrent use.
//
// All methods but Peek return a [*NotHomeError], [*MovingError], [*FencedError],
// [*UnprovenError] or [*UnknownError] when the region does not serve the namespace, and a
// [*StoreError] when its store does not answer; then nothing was done.
type Namespace struct {
	region *Region
	name   string
}

// A Receipt tells which home took a write.
type Receipt struct {
	Home  string
	Epoch uint64
}

// Put writes a value. When it cannot be told whether it was written, or whether it counts, the
// error is an [*InDoubtError].
func (n *Namespace) Put(ctx context.Context, key string, value []byte) (Receipt, error) {
	if len(value) > MaxValue {
		return Receipt{}, &NameError{What: "value", Name: key, Fault: fmt.Sprintf("it has %d bytes, the limit is %d", len(value), MaxValue)}
	}
	return n.write(ctx, "put", key, clientv3.OpPut(n.at(key), string(value)))
}

// Delete removes a key. It is no error if it is not there. When it cannot be told whether it was
// removed, or whether that counts, the error is an [*InDoubtError].
func (n *Namespace) Delete(ctx context.Context, key string) (Receipt, error) {
	return n.write(ctx, "delete", key, clientv3.OpDelete(n.at(key)))
}

// Get reads a key.
func (n *Namespace) Get(ctx context.Context, key string) (value []byte, found bool, err error) {
	response, err := n.read(ctx, "get", key, clientv3.OpGet(n.at(key)))
	if err != nil {
		return nil, false, err
	}
	for _, kv := range response.Responses[0].GetResponseRange().GetKvs() {
		return kv.GetValue(), true, nil
	}
	return nil, false, nil
}

// List reads all keys that start with prefix, at one moment, sorted by key.
func (n *Namespace) List(ctx context.Context, prefix string) ([]Item, error) {
	response, err := n.read(ctx, "list", prefix, clientv3.OpGet(n.at(prefix), clientv3.WithPrefix()))
	if err != nil {
		return nil, err
	}
	return items(response.Responses[0].GetResponseRange().GetKvs(), n.at("")), nil
}

// Peek reads a key in this region's store, whoever the home is and without asking anybody else:
// what it gives may be outdated, an unfinished copy, or gone.
func (n *Namespace) Peek(ctx context.Context, key string) (value []byte, found bool, err error) {
	response, err := n.region.local.client.Get(ctx, n.at(key), clientv3.WithSerializable())
	if err != nil {
		return nil, false, &StoreError{Namespace: n.name, Region: n.region.name, Err: err}
	}
	for _, kv := range response.Kvs {
		return kv.GetValue(), true, nil
	}
	return nil, false, nil
}

// at is where a key is in the region's store.
func (n *Namespace) at(key string) string { return n.region.local.contents(n.name) + key }

// write makes a write under the namespace's guard and the region's lease. The answer has to
// come while the proof holds that this is the home; see the package comment.
func (n *Namespace) write(ctx context.Context, op, key string, do clientv3.Op) (Receipt, error) {
	if key == "" {
		return Receipt{}, &NameError{What: "key", Fault: "it is empty"}
	}
	p, err := n.prove(ctx)
	if err != nil {
		return Receipt{}, err
	}
	alive := clientv3.Compare(clientv3.CreateRevision(n.region.local.prefix+aliveKey), ">", 0)
	response, result := n.attempt(ctx, p, do, alive)
	switch {
	case result.Err != nil && result.Sent && !result.Refused && !result.NoLeader:
		return Receipt{}, &InDoubtError{Namespace: n.name, Op: op, Key: key, Err: result.Err}
	case result.Err != nil:
		return Receipt{}, &StoreError{Namespace: n.name, Region: n.region.name, Err: result.Err}
	case !response.Succeeded:
		return Receipt{}, n.fenced(response, p)
	}
	if late, ok := n.covers(p); !ok {
		return Receipt{}, &InDoubtError{Namespace: n.name, Op: op, Key: key, Late: late}
	}
	return Receipt{Home: n.region.name, Epoch: p.epoch}, nil
}

// read makes a read under the namespace's guard.
func (n *Namespace) read(ctx context.Context, op, key string, do clientv3.Op) (*clientv3.TxnResponse, error) {
	p, err := n.prove(ctx)
	if err != nil {
		return nil, err
	}
	response, result := n.attempt(ctx, p, do)
	switch {
	case result.Err != nil:
		return nil, &StoreError{Namespace: n.name, Region: n.region.name, Err: result.Err}
	case !response.Succeeded:
		return nil, n.fenced(response, p)
	}
	if late, ok := n.covers(p); !ok {
		err := fmt.Errorf("%s %q: the answer came %v too late", op, key, late)
		return nil, &UnprovenError{Namespace: n.name, Region: n.region.name, Err: err}
	}
	return response, nil
}

// attempt makes one transaction that depends on the guard being open at the proof's epoch.
func (n *Namespace) attempt(ctx context.Context, p proof, do clientv3.Op, guards ...clientv3.Cmp) (*clientv3.TxnResponse, outcome.Result) {
	l := n.region.local
	ctx, cancel := context.WithDeadline(clientv3.WithRequireLeader(ctx), p.end())
	defer cancel()
	guards = append(guards, l.holds(n.name, move.Guard{Epoch: p.epoch, Mode: move.Open}))
	otherwise := []clientv3.Op{clientv3.OpGet(l.guard(n.name)), clientv3.OpGet(l.prefix+aliveKey, clientv3.WithCountOnly())}
	response, result := outcome.Do(ctx, l.client, clientv3.OpTxn(guards, []clientv3.Op{do}, otherwise))
	return response.Txn(), result
}

// fenced says why a transaction was refused.
func (n *Namespace) fenced(response *clientv3.TxnResponse, p proof) error {
	fenced := &FencedError{Namespace: n.name, Region: n.region.name, Epoch: p.epoch}
	fenced.Alive = response.Responses[1].GetResponseRange().GetCount() > 0
	for _, kv := range response.Responses[0].GetResponseRange().GetKvs() {
		stands, err := decodeGuard(string(kv.GetValue()))
		if err != nil {
			return err
		}
		fenced.Stands = stands
	}
	return fenced
}
