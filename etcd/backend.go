package etcd

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd/internal/pace"
)

// Defaults of [Options].
const (
	DefaultTTL       = 30 * time.Second
	DefaultHeartbeat = time.Second
	DefaultRelist    = 10 * time.Minute
)

// Options adjust a [Backend]. The zero value is a good choice.
type Options struct {
	// Prefix stands before every key. A missing slash at its end is added. With the
	// default, "", an instance is at services/{name}/{instance_id}.
	Prefix string
	// Endpoints makes announcements readable for etcd's own package naming/endpoints, and
	// so for its gRPC resolver, whose target is then etcd:///{prefix}services/{name}. What
	// that package wrote there is read with and without this option.
	Endpoints bool
	// Regions makes watches show the instances of other regions as well, which an agent of
	// package replication copies into this region's etcd. They have their Region, and
	// "@" and the region behind their ID. While nothing is heard of their region they stay,
	// marked in their metadata by [Unconfirmed]. Revisions are then not those of the store.
	Regions bool
	// TTL is how long an instance outlives a crash of its process, [DefaultTTL] if zero.
	// It is rounded up to whole seconds, and a store raises it to a minimum of its own,
	// about one and a half election timeouts. Leases are renewed every third of it.
	TTL time.Duration
	// Heartbeat is how often the watch asks the store for its latest revision,
	// [DefaultHeartbeat] if zero. It is one small quorum read for the whole process. Up to
	// 1.5 s, lost contact is noticed within 3 s; beyond that within 2.1 times the heartbeat.
	Heartbeat time.Duration
	// Relist is how often everything is read again although nothing seems to be missing,
	// [DefaultRelist] if zero, never if negative. It finds events that the store dropped.
	Relist time.Duration
	// Logger is told of lost contact, lost leases and undecodable values. Nil is silent.
	Logger *slog.Logger
}

// A Backend announces and watches instances in etcd. It is safe for concurrent use. Close
// its announcements and end its watches, then close the client.
type Backend struct {
	client    *clientv3.Client
	prefix    string
	endpoints bool
	regions   bool
	ttl       time.Duration // whole seconds
	heartbeat time.Duration
	relist    time.Duration // 0 for never
	log       *slog.Logger

	feed    *discovery.Shared // one watch for all sinks of the process
	meter   meter
	others  meter // of the watch of other regions' instances, if there is one
	regrant atomic.Uint64
}

var (
	_ discovery.Registrar = (*Backend)(nil)
	_ discovery.Watched   = (*Backend)(nil)
)

// New returns a backend over client, which stays the caller's to close.
func New(client *clientv3.Client, opts Options) *Backend {
	b := &Backend{
		client:    client,
		prefix:    opts.Prefix,
		endpoints: opts.Endpoints,
		regions:   opts.Regions,
		ttl:       (opts.TTL + time.Second - 1).Truncate(time.Second),
		heartbeat: opts.Heartbeat,
		relist:    opts.Relist,
		log:       opts.Logger,
	}
	if b.prefix != "" && !strings.HasSuffix(b.prefix, "/") {
		b.prefix += "/"
	}
	if b.ttl <= 0 {
		b.ttl = DefaultTTL
	}
	if b.heartbeat <= 0 {
		b.heartbeat = DefaultHeartbeat
	}
	if b.relist == 0 {
		b.relist = DefaultRelist
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	b.feed = discovery.Share(&feed{b})
	return b
}

// Watch implements [discovery.Source]. All watches of a backend share one watch of the
// store.
func (b *Backend) Watch(ctx context.Context, sink discovery.Sink) error {
	return b.feed.Watch(ctx, sink)
}

// WatchStatus implements [discovery.Watched]. There is one for all watches of the backend.
func (b *Backend) WatchStatus() discovery.WatchStatus {
	status := b.meter.status()
	if b.regions {
		others := b.others.status()
		status.Contact = status.Contact && others.Contact
		status.Lag = max(status.Lag, others.Lag)
		status.Reconnects += others.Reconnects
		status.Resumes += others.Resumes
		status.Resyncs += others.Resyncs
		status.Relists += others.Relists
		status.Restores += others.Restores
	}
	status.Repairs = b.feed.Repairs()
	return status
}

// Reregistrations tells how often an announcement took a lease to replace a lost one.
func (b *Backend) Reregistrations() uint64 { return b.regrant.Load() }

// requestTimeout bounds a single request.
const requestTimeout = pace.RequestTimeout
