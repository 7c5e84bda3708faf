package replication

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/etcd/internal/follow"
	"github.com/roster-go/roster/replica"
)

// Defaults of [Options].
const (
	DefaultHeartbeat = time.Second
	DefaultRelist    = 10 * time.Minute
)

// Options adjust a [Store]. Region is required.
type Options struct {
	// Region is the name of the region that client's etcd belongs to.
	Region string
	// Prefix stands before every key. A missing slash at its end is added.
	Prefix string
	// Heartbeat is how often the store asks its etcd for the latest revision,
	// [DefaultHeartbeat] if zero.
	Heartbeat time.Duration
	// Relist is how often everything is read again to make sure, [DefaultRelist] if zero,
	// never if negative.
	Relist time.Duration
	// Name is what the table of records is called in Directory, "replica" if empty.
	Name string
	// Directory lists the table, [roster.DefaultDirectory] if nil.
	Directory *roster.Directory
	// Logger is told of lost contact and damaged entries. Nil is silent.
	Logger *slog.Logger
}

// A Store is the replicated records of a region, in the region's own etcd. It works while all
// other regions are away: a write is acknowledged by this region's etcd alone, and an [Agent]
// carries it to the others. It is safe for concurrent use.
type Store struct {
	client    *clientv3.Client
	region    string
	prefix    string
	heartbeat time.Duration
	relist    time.Duration
	log       *slog.Logger

	hot   *roster.Hot[*Record] // what readers see
	ready chan struct{}        // closed by the first full read

	writes chan *write
	stop   context.CancelFunc
	done   <-chan struct{} // closed when the store closes
	wg     sync.WaitGroup

	damaged   atomic.Uint64
	conflicts atomic.Uint64

	mu sync.Mutex // guards what is below; readers of records never take it
	state
}

// Open returns a store over client, which stays the caller's to close, after the store. It does
// not wait for etcd: see [Store.Ready]. End it with [Store.Close].
func Open(client *clientv3.Client, opts Options) (*Store, error) {
	if err := replica.ValidateRegion(opts.Region); err != nil {
		return nil, err
	}
	s := &Store{
		client: client, region: opts.Region, prefix: opts.Prefix,
		heartbeat: opts.Heartbeat, relist: opts.Relist, log: opts.Logger,
		ready:  make(chan struct{}),
		writes: make(chan *write, groupSize),
	}
	if s.prefix != "" && !strings.HasSuffix(s.prefix, "/") {
		s.prefix += "/"
	}
	if s.heartbeat <= 0 {
		s.heartbeat = DefaultHeartbeat
	}
	if s.relist == 0 {
		s.relist = DefaultRelist
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	name := opts.Name
	if name == "" {
		name = "replica"
	}
	s.hot = roster.NewHot[*Record](roster.Named(name), roster.In(opts.Directory))
	s.init()
	ctx, stop := context.WithCancel(context.Background())
	s.stop, s.done = stop, ctx.Done()
	s.wg.Go(func() {
		watch := follow.Watch{
			Client: client, Prefix: s.prefix + rootDir, Identity: s.prefix + identityKey,
			Heartbeat: s.heartbeat, Relist: s.relist, Logger: s.log,
		}
		_ = watch.Run(ctx, (*sink)(s)) // it ends with ctx
	})
	s.wg.Go(func() { s.commitWrites(ctx) })
	return s, nil
}

// Close ends the store and waits for its goroutines. Writes under way fail with [ErrClosed];
// whether they happened is then open. The error of the context ends the wait.
func (s *Store) Close(ctx context.Context) error {
	s.stop()
	ended := make(chan struct{})
	go func() { s.wg.Wait(); close(ended) }()
	select {
	case <-ended:
		return s.hot.Close(ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Region returns the name of the store's region.
func (s *Store) Region() string { return s.region }

// Ready is closed when everything has been read for the first time.
func (s *Store) Ready() <-chan struct{} { return s.ready }

// AwaitReady waits for [Store.Ready].
func (s *Store) AwaitReady(ctx context.Context) error {
	select {
	case <-s.ready:
		return nil
	case <-s.done:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Get returns a record from the local view. It takes no lock and asks nobody.
func (s *Store) Get(key string) (Record, bool) {
	record, ok := s.hot.Get(key)
	if !ok {
		return Record{}, false
	}
	return *record, true
}

// All returns all records, sorted by key, as they were at one moment. It takes no lock.
func (s *Store) All() iter.Seq2[string, Record] {
	return func(yield func(string, Record) bool) {
		for key, record := range s.hot.All() {
			if !strings.HasPrefix(key, regionsNamespace+"/") && !yield(key, *record) {
				return
			}
		}
	}
}

// List returns the records of one namespace, sorted by key, as they were at one moment.
func (s *Store) List(namespace string) []Record {
	var records []Record
	for key, record := range s.hot.All() {
		if strings.HasPrefix(key, namespace+"/") {
			records = append(records, *record)
		}
	}
	return records
}

// View returns the local view, for programs that pin versions of it. Besides the records it
// has the table of regions, in the namespace roster-regions.
func (s *Store) View() roster.View[*Record] { return struct{ roster.View[*Record] }{s.hot} }

// Changes yields what changes in the local view, by key, until ctx ends. It starts with the
// next change. A follower that falls far behind is told so by [roster.Change] Missed.
func (s *Store) Changes(ctx context.Context) iter.Seq[roster.Change] {
	return s.hot.Changes(ctx, s.hot.Version())
}

// errNoContact is the reason for a view that was never confirmed.
var errNoContact = errors.New("replication: the region's etcd has not answered yet")
