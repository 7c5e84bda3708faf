package replication

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd/internal/pace"
	"github.com/roster-go/roster/replica"
)

// An age tells which revision there was at a heartbeat. With a list of them the region knows how
// long ago a revision was, in heartbeats, across restarts and without a wall clock.
type age struct {
	Beat     uint64 `json:"beat"`
	Revision int64  `json:"revision"`
}

// agesKept is into how many steps the time that tombstones are kept is divided.
const agesKept = 24

// collect removes tombstones that are old and known everywhere, until ctx ends.
func (l *lead) collect(ctx context.Context) {
	every := max(l.agent.opts.Retain/agesKept, l.agent.opts.Heartbeat)
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		n, err := l.collectOnce(ctx)
		if err == nil {
			err = l.store.trimConflicts(ctx)
		}
		if err != nil && ctx.Err() == nil {
			l.log.Debug("tombstones wait to be collected", slog.Any("error", err))
		}
		if n > 0 {
			l.log.Info("collected tombstones", slog.Int("count", n))
		}
	}
}

func (l *lead) collectOnce(ctx context.Context) (int, error) {
	s := l.store
	s.mu.Lock()
	ages, beat, revision := s.ages, s.state.heartbeat.value.Beat, s.revision
	s.mu.Unlock()
	cut := int64(0)
	kept := make([]age, 0, agesKept+2)
	for _, a := range ages.value {
		if a.Beat+l.agent.beats <= beat {
			cut = max(cut, a.Revision)
		} else {
			kept = append(kept, a)
		}
	}
	step := max(1, l.agent.beats/agesKept)
	if len(kept) == 0 || kept[len(kept)-1].Beat+step <= beat {
		kept = append(kept, age{Beat: beat, Revision: revision})
	}
	if cut > 0 { // it stays the first until a later one is as old
		kept = slices.Insert(kept, 0, age{Revision: cut})
	}
	if !slices.Equal(kept, ages.value) {
		ctx, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
		defer cancel()
		_, err := s.client.Txn(ctx).If(l.leads(), modified(s.prefix+agesKey, ages.revision)).
			Then(clientv3.OpPut(s.prefix+agesKey, encode(kept))).Commit()
		if err != nil {
			return 0, fmt.Errorf("write down the age of revisions: %w", err)
		}
	}
	if cut == 0 {
		return 0, nil
	}
	return l.collectUpTo(ctx, cut)
}

// collectUpTo removes the tombstones that were last changed up to a revision, if every region
// knows what they know. The region remembers that it has forgotten them by its floor.
func (l *lead) collectUpTo(ctx context.Context, cut int64) (int, error) {
	s := l.store
	type victim struct {
		key string
		r   stored
	}
	var victims []victim
	s.mu.Lock()
	for key, r := range s.records {
		if r.revision <= cut && r.entry.Tombstone() {
			victims = append(victims, victim{key, r})
		}
	}
	floor := s.floor
	s.mu.Unlock()
	victims = slices.DeleteFunc(victims, func(v victim) bool { return !l.membersKnow(v.r.entry.Context) })
	ctx, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
	defer cancel()
	collected := 0
	for some := range slices.Chunk(victims, maxBatchItems) {
		forgotten := replica.Context(nil)
		guards := []clientv3.Cmp{l.leads(), modified(s.prefix+floorKey, floor.revision)}
		var ops []clientv3.Op
		for _, v := range some {
			forgotten = forgotten.Join(v.r.entry.Context)
			guards = append(guards, modified(s.prefix+recordsDir+v.key, v.r.revision))
			ops = append(ops, clientv3.OpDelete(s.prefix+recordsDir+v.key))
		}
		floor.value = floor.value.Join(forgotten)
		ops = append(ops, clientv3.OpPut(s.prefix+floorKey, encode(floor.value)))
		response, err := s.client.Txn(ctx).If(guards...).Then(ops...).Commit()
		if err != nil {
			return collected, fmt.Errorf("collect tombstones: %w", err)
		}
		if !response.Succeeded {
			return collected, nil // something was written meanwhile: next time
		}
		floor.revision = response.Header.GetRevision()
		collected += len(some)
	}
	return collected, nil
}
