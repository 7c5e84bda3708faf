package replication

import (
	"context"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd/internal/pace"
	"github.com/roster-go/roster/replica"
)

// maxKeys bounds the keys of one comparison that wait for its end.
const maxKeys = 1 << 20

// compare answers a peer's digest, and its keys.
func (s *stream) compare(m message) error {
	switch {
	case m.Digest != nil:
		if len(m.Digest.Buckets) != replica.Buckets {
			return &Refusal{Code: RefusedData, Text: "a digest has 256 buckets"}
		}
		if err := s.catchUp(); err != nil {
			return err
		}
		s.keys, s.closing, s.wants, s.got = nil, nil, 0, 0
		own := s.store.digest()
		return s.reply.send(reply{Differ: &differ{ID: m.Digest.ID, Buckets: replica.Compare(own, [replica.Buckets]replica.Bucket(m.Digest.Buckets))}})
	case m.Keys != nil:
		if len(s.keys)+len(m.Keys) > maxKeys {
			return &Refusal{Code: RefusedData, Text: "too many keys in one comparison"}
		}
		s.keys = append(s.keys, m.Keys...)
		return nil
	}
	s.closing = m.Done
	var want []string
	s.store.mu.Lock()
	for _, k := range s.keys {
		if k.Hash != hashOf(s.store.records[k.Key].entry) {
			want = append(want, k.Key)
		}
	}
	s.store.mu.Unlock()
	s.keys, s.wants, s.got = nil, len(want), 0
	if len(want) > 0 {
		return s.reply.send(reply{Want: want})
	}
	return s.settle()
}

// settle ends a comparison when everything that was wanted has come.
func (s *stream) settle() error {
	if s.closing == nil || s.got < s.wants {
		return nil
	}
	id := s.closing.ID
	s.closing = nil
	return s.reply.send(reply{Settled: &settled{ID: id, Wanted: s.wants}})
}

// catchUp waits until the local view has what this stream stored.
func (s *stream) catchUp() error {
	t, ok := s.target.(*recordTarget)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, helloTimeout)
	defer cancel()
	return s.store.await(ctx, t.wrote)
}

// await waits until the local view has a revision.
func (s *Store) await(ctx context.Context, revision int64) error {
	for {
		s.mu.Lock()
		reached, changed := s.revision >= revision, s.changed
		s.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Sync waits until everything that was written in this region's etcd before the call is in the
// local view, so that a program reads what it, or somebody who told it, has written.
func (s *Store) Sync(ctx context.Context) error {
	if err := s.AwaitReady(ctx); err != nil {
		return err
	}
	asking, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
	defer cancel()
	got, err := s.client.Get(asking, s.prefix+memberKey, clientv3.WithCountOnly())
	if err != nil {
		return fmt.Errorf("replication: ask etcd for its latest revision: %w", err)
	}
	revision := got.Header.GetRevision()
	asked := time.Now()
	for {
		s.mu.Lock()
		reached := s.revision >= revision || s.confirmed.After(asked)
		changed := s.changed
		s.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-changed:
		case <-time.After(s.heartbeat / 4): // progress without events changes nothing
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
