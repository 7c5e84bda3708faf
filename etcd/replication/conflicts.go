package replication

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd/internal/pace"
	"github.com/roster-go/roster/replica"
)

// Bounds of what is kept of conflicts in a region.
const (
	MaxConflicts       = 1000 // records; those that are oldest go first
	MaxConflictsPerKey = 8    // writes of one record that lost; likewise, and fewer if they are large
)

// maxConflictBytes bounds those of one record, for they are in one transaction with it.
const maxConflictBytes = maxBatchBytes

// A Conflict tells which writes of one record lost against a concurrent one. It stays when the
// record is written again, until it is one of too many or is dismissed.
type Conflict struct {
	Key    string          `json:"key"`
	Winner replica.Dot     `json:"winner"` // of the latest conflict
	Lost   []replica.Write `json:"lost"`   // oldest first
}

// Conflicts returns what is kept in this region, the latest first.
func (s *Store) Conflicts(ctx context.Context) ([]Conflict, error) {
	ctx, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
	defer cancel()
	got, err := s.client.Get(ctx, s.prefix+conflictsDir, clientv3.WithPrefix(), clientv3.WithSort(clientv3.SortByModRevision, clientv3.SortDescend))
	if err != nil {
		return nil, fmt.Errorf("replication: read the conflicts: %w", err)
	}
	var conflicts []Conflict
	for _, kv := range got.Kvs {
		var c Conflict
		if json.Unmarshal(kv.GetValue(), &c) == nil {
			conflicts = append(conflicts, c)
		}
	}
	return conflicts, nil
}

// Dismiss forgets the conflicts of a record in this region.
func (s *Store) Dismiss(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
	defer cancel()
	if _, err := s.client.Delete(ctx, s.prefix+conflictsDir+key); err != nil {
		return fmt.Errorf("replication: dismiss the conflicts of %q: %w", shorten(key), err)
	}
	return nil
}

// lost returns the writes that lose by a merge and had not lost before.
func lost(before, merged replica.Entry) []replica.Write {
	var losers []replica.Write
	for _, w := range merged.Conflicts() {
		was := slices.ContainsFunc(before.Conflicts(), func(o replica.Write) bool { return o.Dot == w.Dot })
		if !was {
			losers = append(losers, w)
		}
	}
	return losers
}

// conflictOp returns the operation that adds losers to what is kept, and the key's revision to guard.
func (s *Store) conflictOp(ctx context.Context, key string, winner replica.Dot, losers []replica.Write) (clientv3.Op, clientv3.Cmp, error) {
	stored := s.prefix + conflictsDir + key
	got, err := s.client.Get(ctx, stored)
	if err != nil {
		return clientv3.Op{}, clientv3.Cmp{}, fmt.Errorf("read the conflicts of %q: %w", shorten(key), err)
	}
	c, revision := Conflict{Key: key}, int64(0)
	for _, kv := range got.Kvs {
		revision = kv.GetModRevision()
		_ = json.Unmarshal(kv.GetValue(), &c) // what is damaged is replaced
	}
	c.Key, c.Winner = key, winner
	for _, w := range losers {
		if !slices.ContainsFunc(c.Lost, func(o replica.Write) bool { return o.Dot == w.Dot }) {
			c.Lost = append(c.Lost, w)
		}
	}
	if n := len(c.Lost); n > MaxConflictsPerKey {
		c.Lost = c.Lost[n-MaxConflictsPerKey:]
	}
	encoded := encode(c)
	for len(encoded) > maxConflictBytes && len(c.Lost) > 1 {
		c.Lost = c.Lost[1:]
		encoded = encode(c)
	}
	return clientv3.OpPut(stored, encoded), modified(stored, revision), nil
}

// trimConflicts removes the oldest if there are too many.
func (s *Store) trimConflicts(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
	defer cancel()
	dir := s.prefix + conflictsDir
	count, err := s.client.Get(ctx, dir, clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil || count.Count <= MaxConflicts {
		return err //nolint:wrapcheck // the caller says what it was doing
	}
	oldest, err := s.client.Get(ctx, dir, clientv3.WithPrefix(), clientv3.WithKeysOnly(), clientv3.WithLimit(count.Count-MaxConflicts),
		clientv3.WithSort(clientv3.SortByModRevision, clientv3.SortAscend))
	if err != nil {
		return err //nolint:wrapcheck // likewise
	}
	for chunk := range slices.Chunk(oldest.Kvs, maxBatchItems) {
		ops := make([]clientv3.Op, len(chunk))
		for i, kv := range chunk {
			ops[i] = clientv3.OpDelete(string(kv.GetKey()))
		}
		if _, err := s.client.Txn(ctx).Then(ops...).Commit(); err != nil {
			return err //nolint:wrapcheck // likewise
		}
	}
	return nil
}
