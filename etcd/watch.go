package etcd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"

	"github.com/roster-go/roster/discovery"
)

const (
	pageSize      = 1000 // keys that one request of a full read asks for
	maxUnanswered = 3    // heartbeats in a row before the store counts as gone
)

// A ContactError is what [discovery.Sink.Stale] is told: the watch lost the store, and
// resynchronises as soon as it answers again.
type ContactError struct {
	Endpoints []string
	Err       error
}

func (e *ContactError) Error() string {
	return fmt.Sprintf("etcd: lost contact with %q, check that it runs and is reachable; trying again: %v", e.Endpoints, e.Err)
}

// Unwrap returns what was lost.
func (e *ContactError) Unwrap() error { return e.Err }

var (
	errDisconnected = errors.New("the connection is down")
	errSilent       = errors.New("no sign of life within three heartbeats")
	errWatchClosed  = errors.New("the watch was closed")
)

// Watch implements [discovery.Source]. It reads everything at one revision and watches from
// the next. After any loss of contact, and when the store compacted the history that the
// watch would have needed, it does so again.
//
// Contact counts as lost when the connection to the last endpoint breaks (noticed at once),
// when the member in use has no leader, and when nothing was heard for three heartbeats,
// for example because the network drops packets.
func (b *Backend) Watch(ctx context.Context, sink discovery.Sink) error {
	number := b.watches.Add(1)
	var pause backoff
	level := slog.LevelWarn // of the next failure: the first of several in a row is news
	synced, contact := false, false
	for {
		err := b.follow(ctx, number, sink, func() {
			pause.reset()
			if synced {
				b.resyncs.Add(1)
			}
			synced, contact, level = true, true, slog.LevelWarn
		})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if contact {
			b.losses.Add(1)
		}
		contact = false
		lost := &ContactError{Endpoints: b.client.Endpoints(), Err: err}
		b.log.Log(ctx, level, "watch has no contact, trying again", slog.Any("error", lost))
		level = slog.LevelDebug
		sink.Stale(lost)
		if !sleep(ctx, pause.next()) {
			return context.Cause(ctx)
		}
	}
}

// follow reads everything once, calls synced, and follows the changes until contact is
// lost. The error says how, and is not nil.
func (b *Backend) follow(ctx context.Context, number uint64, sink discovery.Sink, synced func()) error {
	// A stream of its own: the client shares one stream between watches whose metadata is
	// the same, and then signs of life would be mixed with those of others.
	ctx = metadata.AppendToOutgoingContext(ctx, "roster-watch", strconv.FormatUint(number, 10))
	ctx, cancel := context.WithCancelCause(clientv3.WithRequireLeader(ctx))
	defer cancel(nil)
	watched := b.superviseConnection(ctx, cancel)
	defer func() {
		cancel(nil)
		<-watched
	}()

	revision, instances, err := b.list(ctx)
	if err != nil {
		return cause(ctx, err)
	}
	sink.Sync(revision, instances)
	synced()

	responses := b.client.Watch(ctx, b.prefix+servicesDir,
		clientv3.WithPrefix(), clientv3.WithRev(revision+1),
		clientv3.WithProgressNotify(), clientv3.WithFragment())
	heartbeat := time.NewTicker(b.heartbeat)
	defer heartbeat.Stop()
	unanswered := 0
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-heartbeat.C:
			if unanswered == maxUnanswered {
				return errSilent
			}
			unanswered++
			if err := b.client.RequestProgress(ctx); err != nil {
				return cause(ctx, fmt.Errorf("ask for a sign of life: %w", err))
			}
		case response, open := <-responses:
			if !open {
				return cause(ctx, errWatchClosed)
			}
			if err := response.Err(); err != nil {
				return cause(ctx, fmt.Errorf("watch: %w", err))
			}
			unanswered = 0
			b.deliver(response, sink)
		}
	}
}

// cause prefers the reason for which ctx was ended to what failed because of it.
func cause(ctx context.Context, err error) error {
	if reason := context.Cause(ctx); reason != nil {
		return reason
	}
	return err
}

// superviseConnection ends the watch when the connection breaks: the client would silently
// connect again and resume, and nobody would know that the view was stale meanwhile. The
// channel is closed when the supervision has ended.
func (b *Backend) superviseConnection(ctx context.Context, cancel context.CancelCauseFunc) <-chan struct{} {
	done := make(chan struct{})
	conn := b.client.ActiveConnection()
	if conn == nil { // an in-process client has none, and cannot lose it
		close(done)
		return done
	}
	go func() {
		defer close(done)
		for state := connectivity.Idle; state != connectivity.Ready; {
			state = conn.GetState()
			if !conn.WaitForStateChange(ctx, state) {
				return
			}
		}
		cancel(errDisconnected) // it was ready and no longer is, or no longer without a break
	}()
	return done
}

// list reads everything as it was at one revision.
func (b *Backend) list(ctx context.Context) (int64, []discovery.Instance, error) {
	prefix := b.prefix + servicesDir
	end := clientv3.GetPrefixRangeEnd(prefix)
	var instances []discovery.Instance
	revision := int64(0) // the first page says at which revision the others are read
	for from := prefix; ; {
		page, err := b.get(ctx, from,
			clientv3.WithRange(end), clientv3.WithLimit(pageSize), clientv3.WithRev(revision))
		if err != nil {
			return 0, nil, fmt.Errorf("read %s: %w", prefix, err)
		}
		if revision == 0 {
			revision = page.Header.GetRevision()
		}
		for _, kv := range page.Kvs {
			instance, err := decode(b.prefix, string(kv.GetKey()), kv.GetValue())
			if err != nil {
				b.skip(err)
				continue
			}
			instances = append(instances, instance)
		}
		if !page.More || len(page.Kvs) == 0 {
			return revision, instances, nil
		}
		from = string(page.Kvs[len(page.Kvs)-1].GetKey()) + "\x00"
	}
}

func (b *Backend) get(ctx context.Context, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return b.client.Get(ctx, key, opts...) //nolint:wrapcheck // the caller says what it was reading
}

// deliver passes on one response of the watch, which holds whole revisions: the store ends
// a response at the end of a revision, and the client joins the fragments of one.
func (b *Backend) deliver(response clientv3.WatchResponse, sink discovery.Sink) {
	if response.IsProgressNotify() {
		sink.Fresh(response.Header.GetRevision())
		return
	}
	changes := make([]discovery.Change, 0, len(response.Events))
	revision := int64(0)
	for _, event := range response.Events {
		revision = event.GetKv().GetModRevision()
		if change, ok := b.change(event); ok {
			changes = append(changes, change)
		}
	}
	if revision > 0 {
		sink.Apply(revision, changes)
	}
}

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
	b.skipped.Add(1)
	b.log.Warn("skipped a value that is not an instance", slog.Any("error", err))
}
