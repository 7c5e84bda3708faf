package etcd

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/discovery"
)

// Defaults of [Options].
const (
	DefaultTTL       = 30 * time.Second
	DefaultHeartbeat = 5 * time.Second
)

// Options adjust a [Backend]. The zero value is a good choice.
type Options struct {
	// Prefix stands before every key. A missing slash at its end is added. With the
	// default, "", an instance is at services/{name}/{instance_id}.
	Prefix string
	// TTL is how long an instance outlives a crash of its process, [DefaultTTL] if zero.
	// It is rounded up to whole seconds, and a store raises it to a minimum of its own,
	// about one and a half election timeouts. Leases are renewed every third of it.
	TTL time.Duration
	// Heartbeat is how often a watch asks the store for a sign of life, [DefaultHeartbeat]
	// if zero. A watch that hears nothing for three of them starts over.
	Heartbeat time.Duration
	// Logger is told of lost contact, lost leases and undecodable values. Nil is silent.
	Logger *slog.Logger
}

// A Backend announces and watches instances in etcd. It is safe for concurrent use and
// holds no resources of its own: close its announcements, end its watches, then close the
// client.
type Backend struct {
	client    *clientv3.Client
	prefix    string
	ttl       time.Duration // whole seconds
	heartbeat time.Duration
	log       *slog.Logger

	watches atomic.Uint64 // numbers the watches
	resyncs atomic.Uint64
	skipped atomic.Uint64
	losses  atomic.Uint64
	regrant atomic.Uint64
}

var (
	_ discovery.Registrar = (*Backend)(nil)
	_ discovery.Source    = (*Backend)(nil)
)

// New returns a backend over client, which stays the caller's to close.
func New(client *clientv3.Client, opts Options) *Backend {
	b := &Backend{
		client:    client,
		prefix:    opts.Prefix,
		ttl:       (opts.TTL + time.Second - 1).Truncate(time.Second),
		heartbeat: opts.Heartbeat,
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
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	return b
}

// A Status counts what happened to a backend since it was created. The counts only grow.
type Status struct {
	Resyncs       uint64 // full reads by watches after their first one
	Disconnects   uint64 // how often a watch lost contact
	Skipped       uint64 // values read that could not be decoded, each time they were read
	Registrations uint64 // leases taken by announcements to replace a lost one
}

// Status returns the counts.
func (b *Backend) Status() Status {
	return Status{
		Resyncs:       b.resyncs.Load(),
		Disconnects:   b.losses.Load(),
		Skipped:       b.skipped.Load(),
		Registrations: b.regrant.Load(),
	}
}

// requestTimeout bounds a single request, which otherwise waits for as long as there is no
// connection.
const requestTimeout = 5 * time.Second

// A backoff spaces out attempts: exponential, with full jitter in the upper half, so that a
// fleet does not return to a restarted store in one wave.
type backoff struct {
	failures int
}

const (
	minPause = 50 * time.Millisecond
	maxPause = 5 * time.Second
)

func (b *backoff) reset() { b.failures = 0 }

func (b *backoff) next() time.Duration {
	pause := maxPause
	if shifted := minPause << b.failures; shifted < maxPause {
		pause = shifted
		b.failures++
	}
	return pause/2 + rand.N(pause/2)
}

// sleep waits for d, or until ctx ends, which it reports as false.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
