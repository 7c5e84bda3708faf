package replication

import (
	"context"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd/internal/pace"
	"github.com/roster-go/roster/replica"
)

// groupSize is how many writes share a transaction. Each takes a comparison, an operation, and a
// read if the comparisons fail; etcd allows 128 of each.
const groupSize = 64

// maxRetries bounds how often a write is tried against others that change the same keys.
const maxRetries = 64

// A WriteOption adjusts a write.
type WriteOption func(*write)

// IfVersion makes the write fail with a [*VersionError] unless the record is at this version;
// 0 stands for a record that is not there.
func IfVersion(version int64) WriteOption {
	return func(w *write) { w.conditional, w.version = true, version }
}

// A write is one change that a caller waits for.
type write struct {
	ctx         context.Context //nolint:containedctx // the caller's, to see that it has gone
	key         string
	value       []byte
	deleted     bool
	conditional bool
	version     int64
	done        chan written // capacity 1
}

type written struct {
	version int64
	err     error
}

// Put writes a record and returns its version. It returns when the region's own etcd has stored
// the write, which supersedes everything known of the record in this region. A concurrent
// write in another region is merged when they meet: see the package comment.
//
// The errors are a [*KeyError], a [*ValueError], a [*VersionError], [ErrClosed] and those of etcd
// and the context, after which it is open whether the write happened.
func (s *Store) Put(ctx context.Context, key string, value []byte, opts ...WriteOption) (version int64, err error) {
	if err := checkUserKey(key); err != nil {
		return 0, err
	}
	return s.write(ctx, write{key: key, value: value}, opts)
}

// Delete removes a record. That is a write like any other: it supersedes what is known of the
// record in this region, and wins against concurrent writes elsewhere. To delete what is not
// there is no error, and nothing is written. The errors are those of [Store.Put].
func (s *Store) Delete(ctx context.Context, key string, opts ...WriteOption) error {
	if err := checkUserKey(key); err != nil {
		return err
	}
	_, err := s.write(ctx, write{key: key, deleted: true}, opts)
	return err
}

func (s *Store) write(ctx context.Context, w write, opts []WriteOption) (int64, error) {
	if len(w.value) > replica.MaxValueLen {
		return 0, &ValueError{Key: w.key, Size: len(w.value), Limit: replica.MaxValueLen}
	}
	for _, opt := range opts {
		opt(&w)
	}
	w.ctx, w.done = ctx, make(chan written, 1)
	if err := s.AwaitReady(ctx); err != nil {
		return 0, fmt.Errorf("replication: write %q: the region's etcd has not answered yet: %w", w.key, err)
	}
	select {
	case s.writes <- &w:
	case <-ctx.Done():
		return 0, fmt.Errorf("replication: write %q: %w", w.key, context.Cause(ctx))
	case <-s.done:
		return 0, ErrClosed
	}
	select {
	case result := <-w.done:
		return result.version, result.err
	case <-ctx.Done():
		return 0, fmt.Errorf("replication: write %q, it may still happen: %w", w.key, context.Cause(ctx))
	case <-s.done:
		return 0, ErrClosed
	}
}

// commitWrites commits what callers want to write, those that wait at the same time together.
func (s *Store) commitWrites(ctx context.Context) {
	var waiting []*write // that did not fit into the group before
	for {
		if len(waiting) == 0 {
			select {
			case w := <-s.writes:
				waiting = append(waiting, w)
			case <-ctx.Done():
				return
			}
		}
		for more := true; more && len(waiting) < 2*groupSize; {
			select {
			case w := <-s.writes:
				waiting = append(waiting, w)
			default:
				more = false
			}
		}
		var now, later []*write
		taken, size := make(map[string]bool), 0
		for _, w := range waiting {
			switch {
			case w.ctx.Err() != nil: // its caller has gone
			case taken[w.key], len(now) == groupSize, size > maxBatchBytes:
				later = append(later, w)
			default:
				now, taken[w.key], size = append(now, w), true, size+len(w.value)
			}
		}
		waiting = later
		if len(now) > 0 {
			s.commitGroup(ctx, now)
		}
	}
}

// A base is what a transaction builds on, and guards.
type base struct {
	entries map[string]stored
	member  versioned[member]
	floor   versioned[replica.Context]
}

var errContended = errors.New("others change the same keys all the time, try again later")

// commitGroup commits writes of different keys in one transaction, and tells the callers.
func (s *Store) commitGroup(ctx context.Context, group []*write) {
	ctx, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
	defer cancel()
	fail := func(err error) {
		for _, w := range group {
			w.done <- written{err: fmt.Errorf("replication: write %q: %w", w.key, err)}
		}
	}
	keys := make([]string, len(group))
	for i, w := range group {
		keys[i] = w.key
	}
	b := s.base(keys)
	for range maxRetries {
		ops, outcome := s.plan(b, group)
		guards := []clientv3.Cmp{
			modified(s.prefix+memberKey, b.member.revision),
			modified(s.prefix+floorKey, b.floor.revision),
		}
		reads := []clientv3.Op{clientv3.OpGet(s.prefix + memberKey), clientv3.OpGet(s.prefix + floorKey)}
		for _, key := range keys {
			guards = append(guards, modified(s.prefix+recordsDir+key, b.entries[key].revision))
			reads = append(reads, clientv3.OpGet(s.prefix+recordsDir+key))
		}
		response, err := s.client.Txn(ctx).If(guards...).Then(ops...).Else(reads...).Commit()
		if err != nil {
			fail(err)
			return
		}
		if response.Succeeded {
			for i, w := range group {
				if outcome[i].err == nil && outcome[i].version < 0 {
					outcome[i].version = response.Header.GetRevision()
				}
				w.done <- outcome[i]
			}
			return
		}
		b = s.reread(response, keys)
	}
	fail(errContended)
}

// base is what the local view has of keys.
func (s *Store) base(keys []string) base {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := base{entries: make(map[string]stored, len(keys)), member: s.member, floor: s.floor}
	for _, key := range keys {
		b.entries[key] = s.records[key]
	}
	return b
}

// reread takes what a transaction found instead of what it expected.
func (s *Store) reread(response *clientv3.TxnResponse, keys []string) base {
	b := base{entries: make(map[string]stored, len(keys))}
	for _, kv := range response.Responses[0].GetResponseRange().GetKvs() {
		take(s, memberKey, &b.member, kv.GetValue(), kv.GetModRevision())
	}
	for _, kv := range response.Responses[1].GetResponseRange().GetKvs() {
		take(s, floorKey, &b.floor, kv.GetValue(), kv.GetModRevision())
	}
	for i, key := range keys {
		b.entries[key] = s.readEntry(response, 2+i, key)
	}
	return b
}

// readEntry is the entry in a response of a transaction. A damaged one counts as unwritten, at
// the revision that it has.
func (s *Store) readEntry(response *clientv3.TxnResponse, i int, key string) stored {
	kvs := response.Responses[i].GetResponseRange().GetKvs()
	if len(kvs) == 0 {
		return stored{}
	}
	r, ok := s.decode(key, kvs[0])
	if !ok {
		return stored{revision: kvs[0].GetModRevision()}
	}
	return r
}

func modified(key string, revision int64) clientv3.Cmp {
	return clientv3.Compare(clientv3.ModRevision(key), "=", revision)
}

// plan returns the operations for a group and what its callers are told if they are carried
// out; a version of -1 stands for the transaction's revision.
func (s *Store) plan(b base, group []*write) ([]clientv3.Op, []written) {
	m := b.member.value
	if m.ID == "" {
		m.ID = s.region
	}
	// Counts go on from the wall clock if it is ahead. They need not be dense, and a store that was
	// restored from a backup then does not use those again that it has forgotten.
	m.Count = max(m.Count, uint64(time.Now().UnixMicro()))
	outcome := make([]written, len(group))
	var ops []clientv3.Op
	for i, w := range group {
		old := b.entries[w.key]
		record, live := old.record()
		version := int64(0)
		if live {
			version = record.Version
		}
		switch {
		case w.conditional && w.version != version:
			outcome[i].err = &VersionError{Key: w.key, Want: w.version, Have: version}
			continue
		case w.deleted && !live:
			continue
		}
		entry := old.entry
		if entry.Key == "" {
			entry = replica.Fresh(w.key, b.floor.value)
		}
		m.Count = max(m.Count, entry.Context[m.ID]) + 1
		dot := replica.Dot{Region: m.ID, Count: m.Count}
		if w.deleted {
			entry = entry.DeleteAt(dot)
		} else {
			entry = entry.PutAt(dot, w.value)
		}
		encoded, err := entry.Encode()
		if err != nil {
			outcome[i].err = &EntryError{Key: w.key, Err: err}
			continue
		}
		ops = append(ops, clientv3.OpPut(s.prefix+recordsDir+w.key, string(encoded)))
		outcome[i].version = -1
	}
	if len(ops) > 0 {
		ops = append(ops, clientv3.OpPut(s.prefix+memberKey, encode(m)))
	}
	return ops, outcome
}
