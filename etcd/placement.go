package etcd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd/internal/follow"
)

// Limits of one transaction; etcd allows 128 operations and 1.5 MiB by default, and counts
// nested operations as well.
const (
	maxTxnOps   = 32
	maxTxnBytes = 1 << 20
)

// attempt makes the store what it should be: a lease that lives, and under it the wanted
// instances and no others.
func (a *announcement) attempt(ctx context.Context, wanted map[discovery.Key]discovery.Instance) error {
	if a.lease != 0 {
		err := a.renew(ctx)
		if errors.Is(err, rpctypes.ErrLeaseNotFound) {
			a.backend.log.Warn("the lease was lost, registering again", slog.String("lease", leaseText(a.lease)))
			a.lease = 0
		} else if err != nil {
			return err
		}
	}
	if a.lease == 0 {
		if err := a.grant(ctx); err != nil {
			return err
		}
	}
	if err := a.remove(ctx, wanted); err != nil {
		return err
	}
	return a.write(ctx, wanted)
}

func (a *announcement) grant(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	started := time.Now()
	seconds := int64(math.Ceil(a.backend.ttl.Seconds()))
	lease, err := a.backend.client.Grant(ctx, seconds)
	if err != nil {
		return fmt.Errorf("etcd: take a lease: %w", err)
	}
	a.lease, a.renewed = lease.ID, started
	follow.Identify(ctx, a.backend.client, a.backend.prefix+clusterKey, a.backend.log)
	for _, placed := range a.held {
		placed.value = ""
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.current = a.lease
	a.status.Registrations++
	if a.status.Registrations > 1 {
		a.backend.regrant.Add(1)
	}
	return nil
}

// renew extends the lease and finds out which keys are no longer under it: because somebody
// removed them, or announced them as well.
func (a *announcement) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, min(requestTimeout, max(a.backend.ttl/3, time.Second)))
	defer cancel()
	if err := a.keepAlive(ctx); err != nil {
		return err
	}
	left, err := a.backend.client.TimeToLive(ctx, a.lease, clientv3.WithAttachedKeys())
	if err != nil {
		return fmt.Errorf("etcd: check lease %s: %w", leaseText(a.lease), err)
	}
	if left.TTL <= 0 {
		return rpctypes.ErrLeaseNotFound
	}
	restored := a.store.wentBack(left.ResponseHeader)
	if restored {
		a.backend.log.Warn("the store was restored or replaced, writing everything again", slog.String("lease", leaseText(a.lease)))
	}
	attached := make(map[string]bool, len(left.Keys))
	for _, text := range left.Keys {
		attached[string(text)] = true
		key, err := decodeKey(a.backend.prefix, string(text))
		if err == nil && a.held[key] == nil { // a restored store has it again: to be removed
			a.held[key] = &placement{lease: a.lease, confirmed: true}
		}
	}
	for key, placed := range a.held {
		if restored || !attached[encodeKey(a.backend.prefix, key)] {
			placed.value = ""
		}
	}
	return nil
}

// keepAlive extends the lease.
func (a *announcement) keepAlive(ctx context.Context) error {
	started := time.Now()
	if _, err := a.backend.client.KeepAliveOnce(ctx, a.lease); err != nil {
		return fmt.Errorf("etcd: renew lease %s: %w", leaseText(a.lease), err)
	}
	a.renewed = started
	a.extend(started)
	return nil
}

// outlast extends the lease if it is time to: a store that is slow, or a set that is large, may
// take longer than the lease to be written, which would then never end.
func (a *announcement) outlast(ctx context.Context) error {
	if time.Since(a.renewed) < a.backend.ttl/3 {
		return nil
	}
	return a.keepAlive(ctx)
}

// A history is what an announcement knows of the store's: none of it ever goes back, unless
// the store is restored from a backup or replaced.
type history struct {
	cluster  uint64
	revision int64
	term     uint64
}

// wentBack tells whether an answer is of another history, and notes where that is.
func (h *history) wentBack(header *etcdserverpb.ResponseHeader) bool {
	before := *h
	*h = history{header.GetClusterId(), header.GetRevision(), header.GetRaftTerm()}
	return before.cluster != 0 && (h.cluster != before.cluster || h.revision < before.revision || h.term < before.term)
}

// remove deletes what is held and no longer wanted, if it is still this announcement's.
func (a *announcement) remove(ctx context.Context, wanted map[discovery.Key]discovery.Instance) error {
	var gone []discovery.Key
	for key := range a.held {
		if _, kept := wanted[key]; !kept {
			gone = append(gone, key)
		}
	}
	slices.SortFunc(gone, compareKeys)
	for keys := range slices.Chunk(gone, maxTxnOps) {
		if err := a.outlast(ctx); err != nil {
			return err
		}
		if err := a.farewell(ctx, keys); err != nil {
			return err
		}
		ops := make([]clientv3.Op, len(keys))
		for i, key := range keys {
			stored := encodeKey(a.backend.prefix, key)
			ops[i] = a.ifOurs(stored, a.held[key], clientv3.OpDelete(stored))
		}
		if _, err := a.commit(ctx, ops); err != nil {
			return fmt.Errorf("etcd: remove instances: %w", err)
		}
		for _, key := range keys {
			delete(a.held, key)
		}
	}
	return nil
}

// drain marks all that is held as leaving.
func (a *announcement) drain(ctx context.Context) error {
	for keys := range slices.Chunk(slices.Collect(maps.Keys(a.held)), maxTxnOps) {
		if err := a.farewell(ctx, keys); err != nil {
			return err
		}
	}
	return nil
}

// farewell marks no more than maxTxnOps instances as leaving, so that readers can tell that
// from an expiry.
func (a *announcement) farewell(ctx context.Context, keys []discovery.Key) error {
	var ops []clientv3.Op
	size := 0
	commit := func() error {
		if _, err := a.commit(ctx, ops); err != nil {
			return fmt.Errorf("etcd: mark the instances as leaving: %w", err)
		}
		ops, size = nil, 0
		return nil
	}
	for _, key := range keys {
		placed := a.held[key]
		if placed.instance.Service == "" {
			continue // of a restored store, which alone knows what it was
		}
		leaving := placed.instance
		leaving.Draining = true
		encoded, err := a.backend.encodeValue(leaving)
		if err != nil {
			return err
		}
		if len(ops) > 0 && size+len(encoded) > maxTxnBytes {
			if err := commit(); err != nil {
				return err
			}
		}
		placed.value = "" // to be written again if it is wanted again
		stored := encodeKey(a.backend.prefix, key)
		ops = append(ops, a.ifOurs(stored, placed, clientv3.OpPut(stored, encoded, clientv3.WithLease(a.lease))))
		size += len(encoded)
	}
	if len(ops) == 0 {
		return nil
	}
	return commit()
}

// write puts what is not stored as it is wanted. Keys that another announcement took over
// are left alone and reported.
func (a *announcement) write(ctx context.Context, wanted map[discovery.Key]discovery.Instance) error {
	type write struct {
		key   discovery.Key
		value string
	}
	var pending []write
	for key, instance := range wanted {
		encoded, err := a.backend.encodeValue(instance)
		if err != nil {
			return err
		}
		if placed := a.held[key]; placed == nil || placed.value != encoded {
			pending = append(pending, write{key, encoded})
		}
	}
	slices.SortFunc(pending, func(x, y write) int { return compareKeys(x.key, y.key) })

	var faults []error
	for len(pending) > 0 {
		if err := a.outlast(ctx); err != nil {
			return err
		}
		n, size := 0, 0
		var ops []clientv3.Op
		for ; n < len(pending) && n < maxTxnOps && (n == 0 || size+len(pending[n].value) <= maxTxnBytes); n++ {
			size += len(pending[n].value)
			ops = append(ops, a.put(pending[n].key, pending[n].value))
		}
		// Noted before the outcome is known: a write whose response is lost may have
		// happened, and then has to be removed, or written over, like any other.
		for _, w := range pending[:n] {
			if a.held[w.key] == nil {
				a.held[w.key] = &placement{}
			}
			a.held[w.key].value, a.held[w.key].instance = "", wanted[w.key]
		}
		results, err := a.commit(ctx, ops)
		if err != nil {
			return fmt.Errorf("etcd: write instances: %w", err)
		}
		for i, w := range pending[:n] {
			if owner, owned := ownerOf(results[i]); owned {
				fault := &discovery.OwnedError{Key: w.key, Owner: leaseText(owner)}
				if owner == clientv3.NoLease {
					fault.Owner, fault.ByHand = "", encodeKey(a.backend.prefix, w.key)
				}
				faults = append(faults, fault)
				continue
			}
			a.held[w.key] = &placement{value: w.value, lease: a.lease, confirmed: true, instance: wanted[w.key]}
		}
		pending = pending[n:]
	}
	return errors.Join(faults...)
}

// put returns the operation that writes a key: without condition the first time, which
// takes over what a predecessor left. After that only if the key is free or was this
// announcement's, so that a lost lease does not take it back from a successor; otherwise
// it reads who owns it.
func (a *announcement) put(key discovery.Key, encoded string) clientv3.Op {
	stored := encodeKey(a.backend.prefix, key)
	put := clientv3.OpPut(stored, encoded, clientv3.WithLease(a.lease))
	placed := a.held[key]
	if placed == nil || !placed.confirmed {
		return clientv3.OpTxn(nil, []clientv3.Op{put}, nil)
	}
	return clientv3.OpTxn(
		[]clientv3.Cmp{clientv3.Compare(clientv3.CreateRevision(stored), "=", 0)},
		[]clientv3.Op{put}, []clientv3.Op{a.ifOurs(stored, placed, put)})
}

// ifOurs returns the operation that does op if the key is under a lease of this
// announcement, and otherwise reads whose it is. That is the lease of the last certain
// write, or the present one: a write under it may have happened although its response was
// lost. Keys that are under no lease are nobody's, and so not this announcement's.
func (a *announcement) ifOurs(stored string, placed *placement, op clientv3.Op) clientv3.Op {
	otherwise := clientv3.OpGet(stored)
	for _, lease := range []clientv3.LeaseID{placed.lease, a.lease} {
		if lease != 0 {
			otherwise = clientv3.OpTxn(
				[]clientv3.Cmp{clientv3.Compare(clientv3.LeaseValue(stored), "=", lease)},
				[]clientv3.Op{op}, []clientv3.Op{otherwise})
		}
	}
	return otherwise
}

// commit runs ops, each a nested transaction, in one revision.
func (a *announcement) commit(ctx context.Context, ops []clientv3.Op) ([]*clientv3.TxnResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	response, err := a.backend.client.Txn(ctx).Then(ops...).Commit()
	if err != nil {
		return nil, err //nolint:wrapcheck // the callers say what they were doing
	}
	a.store.revision = max(a.store.revision, response.Header.GetRevision())
	results := make([]*clientv3.TxnResponse, len(response.Responses))
	for i, r := range response.Responses {
		results[i] = (*clientv3.TxnResponse)(r.GetResponseTxn())
	}
	return results, nil
}

// ownerOf tells whether the nested transaction of put found another owner, and which.
func ownerOf(result *clientv3.TxnResponse) (lease clientv3.LeaseID, owned bool) {
	for _, nested := range result.Responses {
		if inner := nested.GetResponseTxn(); inner != nil {
			return ownerOf((*clientv3.TxnResponse)(inner))
		}
		for _, kv := range nested.GetResponseRange().GetKvs() {
			return clientv3.LeaseID(kv.GetLease()), true
		}
	}
	return clientv3.NoLease, false
}

func compareKeys(a, b discovery.Key) int { return strings.Compare(a.String(), b.String()) }

// leaseText writes a lease as etcdctl does.
func leaseText(id clientv3.LeaseID) string { return strconv.FormatInt(int64(id), 16) }
