package etcd

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd/internal/follow"
)

// clusterKey holds a random text that tells one store from another that took its place at
// the same addresses. The first announcement writes it.
const clusterKey = "roster/cluster_id"

// A ContactError is what [discovery.Sink.Stale] is told: the watch lost the store, and goes
// on as soon as it answers again.
type ContactError struct {
	Endpoints []string
	Err       error
}

func (e *ContactError) Error() string {
	return fmt.Sprintf("etcd: lost contact with %q, check that it runs and is reachable; trying again: %v", e.Endpoints, e.Err)
}

// Unwrap returns what was lost.
func (e *ContactError) Unwrap() error { return e.Err }

// A feed is the one watch of a backend.
type feed struct{ backend *Backend }

// Watch implements [discovery.Source]. It reads everything at one revision and watches from
// the next.
func (f *feed) Watch(ctx context.Context, sink discovery.Sink) error {
	if f.backend.regions {
		return f.backend.watchRegions(ctx, sink)
	}
	return f.backend.follow(servicesDir, &f.backend.meter).Run(ctx, &feedSink{f.backend, sink})
}

// follow says how the backend follows what is under a folder.
func (b *Backend) follow(dir string, meter follow.Meter) follow.Watch {
	return follow.Watch{
		Client: b.client, Prefix: b.prefix + dir, Identity: b.prefix + clusterKey,
		Heartbeat: b.heartbeat, Relist: b.relist, Logger: b.log, Meter: meter,
		Lost: func(err error) error { return &ContactError{Endpoints: b.client.Endpoints(), Err: err} },
	}
}

// A feedSink tells a sink of instances what is stored.
type feedSink struct {
	backend *Backend
	sink    discovery.Sink
}

var _ follow.Sink = (*feedSink)(nil)

func (s *feedSink) Sync(revision int64, all []*mvccpb.KeyValue) {
	instances := make([]discovery.Instance, 0, len(all))
	for _, kv := range all {
		instance, err := decode(s.backend.prefix, string(kv.GetKey()), kv.GetValue())
		if err != nil {
			s.backend.skip(err)
			continue
		}
		instances = append(instances, instance)
	}
	s.sink.Sync(revision, instances)
}

func (s *feedSink) Apply(revision int64, events []*clientv3.Event) {
	changes := make([]discovery.Change, 0, len(events))
	for _, event := range events {
		if change, ok := s.backend.change(event); ok {
			changes = append(changes, change)
		}
	}
	s.sink.Apply(revision, changes)
}

func (s *feedSink) Stale(err error) { s.sink.Stale(err) }

func (s *feedSink) Fresh(revision int64, _ time.Time) { s.sink.Fresh(revision) }

// change decodes an event. A value that is not an instance replaces whatever its key held,
// so it is a removal.
func (b *Backend) change(event *clientv3.Event) (discovery.Change, bool) {
	key := string(event.GetKv().GetKey())
	if event.GetType() != clientv3.EventTypeDelete {
		instance, err := decode(b.prefix, key, event.GetKv().GetValue())
		if err == nil {
			return discovery.Change{Instance: instance}, true
		}
		b.skip(err)
	}
	k, err := decodeKey(b.prefix, key)
	if err != nil {
		return discovery.Change{}, false
	}
	return discovery.Change{Removed: true, Instance: discovery.Instance{Service: k.Service, ID: k.ID}}, true
}

func (b *Backend) skip(err error) {
	b.meter.skipped()
	b.log.Warn("skipped a value that is not an instance", slog.Any("error", err))
}
