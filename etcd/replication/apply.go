package replication

import (
	"context"
	"fmt"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/replica"
)

// A recordTarget merges what is received into the region's records.
type recordTarget struct {
	keeper

	recent map[string]stored // what was stored and may not be in the local view yet
	wrote  int64             // revision of the latest transaction
	seen   map[string]bool   // keys of a full sync, while this region is behind what its source has forgotten
	turn   bool              // the full sync has the agent's turn
}

func newRecordTarget(s *stream) *recordTarget {
	return &recordTarget{keeper: keeper{s: s}, recent: make(map[string]stored)}
}

// full implements [target].
func (t *recordTarget) full(ctx context.Context, epoch string) error {
	if err := t.takeTurn(ctx); err != nil {
		return err
	}
	t.cursor.Cluster, t.cursor.Session = t.s.hello.Cluster, t.s.hello.Session
	t.cursor.Partial, t.cursor.Revision = epoch, 0
	t.dirty = true
	t.seen = nil
	if t.s.behind() {
		t.seen = make(map[string]bool)
	}
	return nil
}

// maxTurn bounds how long a full sync waits for another.
const maxTurn = 30 * time.Second

// takeTurn waits while another region is sending everything. What both have is then merged once,
// instead of by both at the same time and against each other.
func (t *recordTarget) takeTurn(ctx context.Context) error {
	if t.turn {
		return nil
	}
	timer := time.NewTimer(maxTurn)
	defer timer.Stop()
	select {
	case t.s.agent.syncing <- struct{}{}:
		t.turn = true
	case <-timer.C: // the other one is slow
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// end implements [target].
func (t *recordTarget) end() {
	if t.turn {
		t.turn = false
		<-t.s.agent.syncing
	}
}

// apply implements [target].
func (t *recordTarget) apply(ctx context.Context, items []item, to int64) error {
	entries, err := t.decode(items)
	if err != nil {
		return err
	}
	changed, err := t.merge(ctx, entries, func() { t.moved(to) })
	t.s.agent.with(t.s.from, func(o *origin) { o.applied += uint64(changed) })
	return err
}

func sizeOf(e replica.Entry) int {
	size := len(e.Key)
	for _, w := range e.Writes {
		size += len(w.Value)*4/3 + 128
	}
	return size
}

// decode checks what was received, and merges what is of the same key.
func (t *recordTarget) decode(items []item) ([]replica.Entry, error) {
	entries := make([]replica.Entry, 0, len(items))
	index := make(map[string]int, len(items))
	limit := t.countLimit()
	for _, i := range items {
		e, err := decodeEntry(i.Key, i.Entry)
		if err != nil {
			return nil, err
		}
		for id, count := range e.Context {
			if replica.RegionOf(id) == t.s.store.region && count > limit {
				return nil, &EntryError{Key: i.Key, Err: fmt.Errorf("it speaks of the write %d of this region, which has not happened", count)}
			}
		}
		if t.seen != nil {
			t.seen[e.Key] = true
		}
		if n, ok := index[e.Key]; ok {
			entries[n] = replica.Merge(entries[n], e)
			continue
		}
		index[e.Key] = len(entries)
		entries = append(entries, e)
	}
	return entries, nil
}

// countLimit is more than what this region can have counted. The counts follow the clock; that of
// a store that was restored may have fallen behind.
func (t *recordTarget) countLimit() uint64 {
	t.s.store.mu.Lock()
	defer t.s.store.mu.Unlock()
	return max(t.s.store.member.value.Count, uint64(time.Now().Add(24*time.Hour).UnixMicro()))
}

// merge merges entries of different keys into what is stored, in as few transactions as etcd
// allows; the cursor moves in the last of them. It returns how many were changed by it. Where
// nothing changes nothing is written, not even the cursor.
func (t *recordTarget) merge(ctx context.Context, entries []replica.Entry, move func()) (changed int, err error) {
	for len(entries) > 0 {
		n, consumed, err := t.mergeSome(ctx, entries, move)
		if err != nil {
			return changed, err
		}
		changed += n
		entries = entries[consumed:]
	}
	return changed, nil
}

// mergeSome merges as many entries as fit into one transaction.
func (t *recordTarget) mergeSome(ctx context.Context, entries []replica.Entry, move func()) (changed, consumed int, err error) {
	s := t.s.store
	keys := make([]string, min(len(entries), maxBatchItems))
	for i := range keys {
		keys[i] = entries[i].Key
	}
	b := s.base(keys)
	for key, old := range b.entries {
		if r, ok := t.recent[key]; ok && r.revision > old.revision {
			b.entries[key] = r
		}
	}
	before := t.cursor
	for range maxRetries {
		t.cursor = before
		p, err := t.plan(ctx, b, entries[:len(keys)])
		if err != nil {
			return 0, 0, err
		}
		if p.consumed == len(entries) {
			move()
		}
		if len(p.merged) == 0 {
			return 0, p.consumed, nil
		}
		reads := make([]clientv3.Op, 0, len(keys)+1)
		reads = append(reads, clientv3.OpGet(s.prefix+floorKey))
		for _, key := range keys {
			reads = append(reads, clientv3.OpGet(s.prefix+recordsDir+key))
		}
		response, err := t.commit(ctx, p.guards, p.ops, reads)
		if err != nil {
			return 0, 0, err
		}
		if response.Succeeded {
			t.stored(response.Header.GetRevision(), p)
			return len(p.merged), p.consumed, nil
		}
		b.floor = versioned[replica.Context]{}
		for _, kv := range response.Responses[0].GetResponseRange().GetKvs() {
			take(s, floorKey, &b.floor, kv.GetValue(), kv.GetModRevision())
		}
		for i, key := range keys {
			b.entries[key] = s.readEntry(response, 1+i, key)
		}
	}
	return 0, 0, fmt.Errorf("replication: %w", errContended)
}

// A plan is a transaction that merges.
type plan struct {
	guards    []clientv3.Cmp
	ops       []clientv3.Op
	merged    map[string]replica.Entry
	consumed  int // how many entries it is for
	size      int // bytes of the values
	conflicts int
}

func (t *recordTarget) plan(ctx context.Context, b base, entries []replica.Entry) (plan, error) {
	s := t.s.store
	p := plan{merged: make(map[string]replica.Entry, len(entries))}
	sift := !t.current(b.floor.value)
	for _, e := range entries {
		if len(p.ops)+2 > maxTxnOps || (len(p.ops) > 0 && p.size+sizeOf(e) > 2*maxBatchBytes) {
			break
		}
		old := b.entries[e.Key]
		before := old.entry
		if before.Key == "" {
			before = replica.Entry{Key: e.Key}
			if sift { // the origin does not know what was deleted and forgotten here
				before = replica.Fresh(e.Key, b.floor.value)
			}
		}
		merged := replica.Merge(before, e)
		if len(merged.Writes) == 0 || merged.Equal(old.entry) {
			p.consumed++
			continue
		}
		encoded, err := merged.Encode()
		if err != nil {
			return p, &EntryError{Key: e.Key, Err: err}
		}
		stored := s.prefix + recordsDir + e.Key
		guards, ops := []clientv3.Cmp{modified(stored, old.revision)}, []clientv3.Op{clientv3.OpPut(stored, string(encoded))}
		size, losers := len(encoded), lost(old.entry, merged)
		if len(losers) > 0 {
			winner, _ := merged.Winner()
			op, guard, err := s.conflictOp(ctx, e.Key, winner.Dot, losers)
			if err != nil {
				return p, err
			}
			guards, ops = append(guards, guard), append(ops, op)
			size += len(op.ValueBytes())
		}
		if len(p.ops) > 0 && p.size+size > 2*maxBatchBytes {
			break
		}
		p.guards, p.ops = append(p.guards, guards...), append(p.ops, ops...)
		p.merged[e.Key] = merged
		p.consumed++
		p.size += size
		p.conflicts += len(losers)
	}
	p.guards = append(p.guards, modified(s.prefix+floorKey, b.floor.revision))
	return p, nil
}

// current tells whether the origin knows everything that was collected here. Then what it has and
// is missing here was not deleted, but lost.
func (t *recordTarget) current(floor replica.Context) bool {
	return t.s.hello.Known.Includes(floor)
}

// stored notes what a transaction stored.
func (t *recordTarget) stored(revision int64, p plan) {
	t.wrote = revision
	s := t.s.store
	s.mu.Lock()
	for key, r := range t.recent {
		if r.revision <= s.revision {
			delete(t.recent, key)
		}
	}
	s.mu.Unlock()
	for key, e := range p.merged {
		t.recent[key] = stored{entry: e, revision: revision}
	}
	if p.conflicts > 0 {
		s.conflicts.Add(uint64(p.conflicts))
		t.s.agent.with(t.s.from, func(o *origin) { o.conflicts += uint64(p.conflicts) })
	}
}

// repair implements [target].
func (t *recordTarget) repair(ctx context.Context, items []item) error {
	entries, err := t.decode(items)
	if err != nil {
		return err
	}
	changed, err := t.merge(ctx, entries, func() {})
	t.s.agent.with(t.s.from, func(o *origin) { o.repairs += uint64(changed) })
	return err
}

// beat implements [target]. It alone tells which of the origin's writes are known here: it comes behind
// all of them, while entries do not come in the order of counts, and in several transactions.
func (t *recordTarget) beat(ctx context.Context, b beat, to int64) error {
	for id, count := range b.Known {
		if replica.RegionOf(id) == t.s.from && count > t.cursor.Known[id] {
			t.cursor.Known = t.cursor.Known.Clone()
			t.cursor.Known[id] = count
		}
	}
	t.s.hello.Known = b.Known
	t.moved(to)
	const beats = 5
	return t.persist(ctx, beats*t.s.agent.opts.Heartbeat)
}

// synced implements [target]. A region that was behind what its source has forgotten removes what
// it still has of that: it was not sent, and everything about it is known to have been deleted.
func (t *recordTarget) synced(ctx context.Context, m synced, to int64) error {
	if m.Epoch != t.cursor.Partial {
		return &Refusal{Code: RefusedData, Text: "the end of another full sync"}
	}
	if err := m.Floor.Validate(); err != nil {
		return &Refusal{Code: RefusedData, Text: err.Error()}
	}
	if t.seen != nil {
		if err := t.s.store.await(ctx, t.wrote); err != nil {
			return err
		}
		if err := t.sweep(ctx, m.Floor); err != nil {
			return err
		}
		t.seen = nil
	}
	t.cursor.Partial = ""
	t.moved(to)
	if err := t.persist(ctx, 0); err != nil {
		return err
	}
	if err := t.s.store.await(ctx, t.wrote); err != nil { // so that who waits finds it
		return err
	}
	t.end()
	return nil
}

// sweep removes what a source has forgotten, and forgets it as well.
func (t *recordTarget) sweep(ctx context.Context, floor replica.Context) error {
	s := t.s.store
	type victim struct {
		key      string
		revision int64
	}
	var victims []victim
	s.mu.Lock()
	for key, r := range s.records {
		if !t.seen[key] && floor.Includes(r.entry.Context) {
			victims = append(victims, victim{key, r.revision})
		}
	}
	own := s.floor
	s.mu.Unlock()
	for some := range slices.Chunk(victims, maxBatchItems) {
		var guards []clientv3.Cmp
		var ops []clientv3.Op
		for _, v := range some {
			guards = append(guards, modified(s.prefix+recordsDir+v.key, v.revision))
			ops = append(ops, clientv3.OpDelete(s.prefix+recordsDir+v.key))
		}
		response, err := t.commit(ctx, guards, ops, nil)
		if err != nil {
			return err
		}
		if !response.Succeeded {
			return fmt.Errorf("replication: %w", errContended) // the full sync begins again
		}
		t.s.agent.with(t.s.from, func(o *origin) { o.swept += uint64(len(some)) })
	}
	joined := own.value.Join(floor)
	response, err := t.commit(ctx, []clientv3.Cmp{modified(s.prefix+floorKey, own.revision)},
		[]clientv3.Op{clientv3.OpPut(s.prefix+floorKey, encode(joined))}, nil)
	if err != nil {
		return err
	}
	if !response.Succeeded {
		return fmt.Errorf("replication: %w", errContended)
	}
	return nil
}
