package replication

import (
	"context"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd/internal/pace"
)

// errGuard says that another agent writes what this one thought to be its own.
var errGuard = errors.New("replication: another agent of this region has taken over the stream")

// A keeper keeps the cursor of a stream, and writes it in the transaction that it guards.
type keeper struct {
	s       *stream
	key     string
	cursor  cursor
	at      int64 // revision of the key, 0 if it is not there
	written time.Time
	dirty   bool // the cursor has changed since
}

// begin reads the cursor.
func (k *keeper) begin(ctx context.Context) (cursor, error) {
	s := k.s.store
	k.key = s.prefix + cursorsDir + k.s.from + "/" + k.s.feed
	ctx, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
	defer cancel()
	got, err := s.client.Get(ctx, k.key)
	if err != nil {
		return cursor{}, fmt.Errorf("replication: read the cursor of region %q: %w", k.s.from, err)
	}
	var c versioned[cursor]
	for _, kv := range got.Kvs {
		take(s, k.key, &c, kv.GetValue(), kv.GetModRevision())
	}
	k.cursor, k.at, k.written = c.value, c.revision, time.Now()
	return k.cursor, nil
}

// commit carries out operations with the cursor as it is now, if this agent still leads, the cursor
// is what it was, and the guards hold. What a transaction reads otherwise is returned.
func (k *keeper) commit(ctx context.Context, guards []clientv3.Cmp, ops, reads []clientv3.Op) (response *clientv3.TxnResponse, err error) {
	s := k.s.store
	ctx, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
	defer cancel()
	response, err = s.client.Txn(ctx).
		If(append([]clientv3.Cmp{k.s.lead.leads(), modified(k.key, k.at)}, guards...)...).
		Then(append([]clientv3.Op{clientv3.OpPut(k.key, encode(k.cursor))}, ops...)...).
		Else(append([]clientv3.Op{clientv3.OpGet(k.key, clientv3.WithKeysOnly()), clientv3.OpGet(k.s.lead.key, clientv3.WithKeysOnly())}, reads...)...).
		Commit()
	if err != nil {
		return nil, fmt.Errorf("replication: store what region %q sent: %w", k.s.from, err)
	}
	if response.Succeeded {
		k.at, k.written, k.dirty = response.Header.GetRevision(), time.Now(), false
		return response, nil
	}
	at := int64(0)
	for _, kv := range response.Responses[0].GetResponseRange().GetKvs() {
		at = kv.GetModRevision()
	}
	if at != k.at || len(response.Responses[1].GetResponseRange().GetKvs()) == 0 {
		return nil, errGuard
	}
	response.Responses = response.Responses[2:]
	return response, nil
}

// persist writes the cursor alone, now and then.
func (k *keeper) persist(ctx context.Context, every time.Duration) error {
	if !k.dirty || time.Since(k.written) < every {
		return nil
	}
	if _, err := k.commit(ctx, nil, nil, nil); err != nil {
		return err
	}
	return nil
}

// moved takes note of how far the origin is.
func (k *keeper) moved(to int64) {
	k.cursor.Cluster, k.cursor.Session = k.s.hello.Cluster, k.s.hello.Session
	if k.cursor.Partial == "" {
		k.cursor.Revision = to
	}
	k.dirty = true
}
