package follow

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// A relist is a full read beside a watch that goes on, to find what the watch missed. It
// keeps the events that come meanwhile, since the read is of one moment among them.
type relist struct {
	active bool
	events []*clientv3.Event // delivered meanwhile
	ready  bool              // listed is there, and waits until the watch is as far
	listed listing
}

func (r *relist) begin() { *r = relist{active: true} }

// note keeps an event if a relist is under way.
func (r *relist) note(event *clientv3.Event) {
	if r.active {
		r.events = append(r.events, event)
	}
}

// relisted takes the result of a full read.
func (w *watch) relisted(ctx context.Context, listed listing) {
	if listed.err != nil {
		w.Logger.Debug("the check against the store has to wait", slog.Any("error", listed.err))
		w.relist = relist{}
		return
	}
	w.relist.ready, w.relist.listed = true, listed
	if listed.revision > w.position.revision {
		_ = w.prod(ctx) // if it fails so does the watch
	}
}

// finishRelist tells the sink what the store has, once the watch is as far as the full
// read: what was read and what the watch delivered since.
func (w *watch) finishRelist() {
	r := &w.relist
	if !r.ready || w.position.revision < r.listed.revision {
		return
	}
	later := r.events
	for len(later) > 0 && later[0].GetKv().GetModRevision() <= r.listed.revision {
		later = later[1:]
	}
	merged := r.listed.kvs
	if len(later) > 0 {
		byKey := make(map[string]*mvccpb.KeyValue, len(merged))
		for _, kv := range merged {
			byKey[string(kv.GetKey())] = kv
		}
		for _, event := range later {
			r.listed.note(event)
			if event.GetType() == clientv3.EventTypeDelete {
				delete(byKey, string(event.GetKv().GetKey()))
			} else {
				byKey[string(event.GetKv().GetKey())] = event.GetKv()
			}
		}
		merged = slices.Collect(maps.Values(byKey))
	}
	revision := w.position.revision
	w.position = r.listed.position
	w.position.revision = revision
	w.relist = relist{}
	w.Meter.Relisted()
	w.sink.Sync(revision, merged)
}
