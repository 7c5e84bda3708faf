package follow

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd/internal/pace"
)

// A position is how far a watch is in the history of a store, and what it needs to
// recognise that history when it comes back. A store that was restored from a backup, or
// replaced by another, has the same revisions for other events.
type position struct {
	synced   bool
	revision int64 // everything up to it was delivered
	keys     int64 // under the prefix at that revision
	cluster  uint64
	term     uint64             // of the store's elections, which never goes back
	identity string             // the value under the identity key, if it was there
	recent   []*mvccpb.KeyValue // the latest writes of keys that are still there, newest last
}

// remembered is how many recent writes a position keeps as proofs of its history.
const remembered = 16

// errUnproven says that the watch cannot be continued, for no reason that is news.
var errUnproven = errors.New("the store's history does not reach back to where the watch was")

// note keeps account of an event that is delivered.
func (p *position) note(event *clientv3.Event) {
	kv := event.GetKv()
	for i, known := range p.recent {
		if bytes.Equal(known.GetKey(), kv.GetKey()) {
			p.recent = append(p.recent[:i:i], p.recent[i+1:]...)
			break
		}
	}
	switch {
	case event.GetType() == clientv3.EventTypeDelete:
		p.keys--
		return
	case event.IsCreate():
		p.keys++
	}
	p.remember(kv)
}

// remember keeps a write, and forgets the oldest if there are too many.
func (p *position) remember(kv *mvccpb.KeyValue) {
	if len(p.recent) == remembered {
		p.recent = append(p.recent[:0:0], p.recent[1:]...)
	}
	p.recent = append(p.recent, &mvccpb.KeyValue{ // without the value
		Key: kv.GetKey(), ModRevision: kv.GetModRevision(), CreateRevision: kv.GetCreateRevision(), Lease: kv.GetLease(),
	})
}

// check tells by the header of an answer whether the store is still the one that the position
// is of. What had been delivered when the store was asked it must have.
func (p *position) check(header *etcdserverpb.ResponseHeader, delivered int64) error {
	switch {
	case header.GetClusterId() != p.cluster:
		return fmt.Errorf("%w (its cluster id was %x and is %x)", errWentBack, p.cluster, header.GetClusterId())
	case header.GetRevision() < delivered:
		return fmt.Errorf("%w (its revision was %d and is %d)", errWentBack, delivered, header.GetRevision())
	case header.GetRaftTerm() < p.term:
		return fmt.Errorf("%w (its term was %d and is %d)", errWentBack, p.term, header.GetRaftTerm())
	}
	p.term = header.GetRaftTerm()
	return nil
}

// verify asks the store for proof that its history up to the position is the one that was
// seen: the same store, which at that revision had as many keys, and has the latest write
// that is still there under the same lease. The error is errWentBack if it is another
// history, and errUnproven if it cannot be told.
func (p *position) verify(ctx context.Context, w *watch) error {
	ops := []clientv3.Op{
		clientv3.OpGet(w.Identity),
		clientv3.OpGet(w.Prefix, clientv3.WithPrefix(), clientv3.WithCountOnly(), clientv3.WithRev(p.revision)),
	}
	if n := len(p.recent); n > 0 {
		ops = append(ops, clientv3.OpGet(string(p.recent[n-1].GetKey()), clientv3.WithRev(p.revision)))
	}
	ctx, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
	defer cancel()
	response, err := w.Client.Txn(ctx).Then(ops...).Commit()
	switch {
	case errors.Is(err, rpctypes.ErrCompacted):
		return fmt.Errorf("%w: %w", errUnproven, err)
	case errors.Is(err, rpctypes.ErrFutureRev):
		return fmt.Errorf("%w: %w", errWentBack, err)
	case errors.Is(err, rpctypes.ErrPermissionDenied):
		return fmt.Errorf("%w: %w", errUnproven, err)
	case err != nil:
		return fmt.Errorf("find out whether the watch can be continued: %w", err)
	}
	if err := p.check(response.Header, p.revision); err != nil {
		return err
	}
	marker, count := response.Responses[0].GetResponseRange(), response.Responses[1].GetResponseRange().GetCount()
	if identity := identityOf(marker.GetKvs()); identity != p.identity {
		if p.identity != "" {
			return fmt.Errorf("%w (its %s was %s and is %q)", errWentBack, w.Identity, p.identity, identity)
		}
		p.identity = identity
	}
	if count != p.keys {
		return fmt.Errorf("%w (at revision %d it had %d keys and now has %d)", errWentBack, p.revision, p.keys, count)
	}
	if len(ops) < 3 {
		if p.keys > 0 {
			return errUnproven
		}
		return nil
	}
	last := p.recent[len(p.recent)-1]
	for _, kv := range response.Responses[2].GetResponseRange().GetKvs() {
		if kv.GetModRevision() == last.GetModRevision() && kv.GetCreateRevision() == last.GetCreateRevision() && kv.GetLease() == last.GetLease() {
			return nil
		}
	}
	return fmt.Errorf("%w (the write of %s at revision %d is not in its history)", errWentBack, last.GetKey(), last.GetModRevision())
}
