package strong

import (
	"context"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd/internal/follow"
	"github.com/roster-go/roster/replica/strong"
)

// Watch implements [strong.Engine].
func (e *Engine) Watch(ctx context.Context, ask <-chan struct{}, sink strong.Sink) error {
	watch := follow.Watch{
		Client:    e.client,
		Prefix:    e.prefix,
		Identity:  e.cluster,
		Heartbeat: e.opts.Heartbeat,
		Relist:    e.opts.Relist,
		Ask:       ask,
		Logger:    e.opts.Logger,
	}
	return watch.Run(ctx, &entrySink{engine: e, sink: sink})
}

// An entrySink passes on what the pairs mean: entries.
type entrySink struct {
	engine *Engine
	sink   strong.Sink
}

var _ follow.Sink = (*entrySink)(nil)

// Sync passes everything on.
func (s *entrySink) Sync(revision int64, kvs []*mvccpb.KeyValue) {
	entries := make([]strong.Entry, 0, len(kvs))
	for _, kv := range kvs {
		entries = append(entries, s.engine.entry(kv))
	}
	s.sink.Sync(strong.Version(revision), entries)
}

// Apply passes events on.
func (s *entrySink) Apply(revision int64, events []*clientv3.Event) {
	changes := make([]strong.Change, 0, len(events))
	for _, event := range events {
		change := strong.Change{Entry: s.engine.entry(event.GetKv())}
		if event.GetType() == clientv3.EventTypeDelete {
			change.Removed, change.Value = true, nil
		}
		changes = append(changes, change)
	}
	s.sink.Apply(strong.Version(revision), changes)
}

// Fresh passes the proof on.
func (s *entrySink) Fresh(revision int64, asked time.Time) {
	s.sink.Fresh(asked, strong.Version(revision))
}

// Stale says that the quorum is away.
func (s *entrySink) Stale(err error) {
	s.sink.Lost(&strong.ContactError{Asked: s.engine.client.Endpoints(), Err: err})
}
