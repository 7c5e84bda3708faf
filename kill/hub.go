package kill

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// A Store keeps orders where whole regions can read them, such as etcd. It is never in the way: a
// hub reads it when it starts and now and then, and writes to it after an order has gone out.
type Store interface {
	// Load returns the orders in the store. With an error it may return those that it could read.
	Load(ctx context.Context) ([]Order, error)
	// Save merges the orders into the store: for each target the one that stands remains.
	Save(ctx context.Context, orders []Order) error
}

// HubOptions configure a [Hub]. Region is needed.
type HubOptions struct {
	// Region is the hub's own.
	Region string
	// Peers returns the hubs of the other regions, whenever it is called. One of the hub's own
	// region is left out.
	Peers func() []Peer
	// TLS has the hub's certificate, with the URI roster://hub/REGION, in Certificates or
	// GetCertificate and GetClientCertificate, and the authorities in RootCAs and ClientCAs.
	// Without it only loopback addresses are used.
	TLS *tls.Config
	// Store also keeps the orders, if it is not nil; StoreName is what [Switch.Source] calls
	// it, "store" by default.
	Store     Store
	StoreName string
	// Known is the file that keeps the list of runtimes. Without it, a hub that restarts misses
	// no runtime that does not come back.
	Known string
	// Gossip is how often hashes are compared with each peer; 2 s by default. While a peer is
	// not reached or differs it happens every 250 ms.
	Gossip time.Duration
	// Expire is after which time an unreachable runtime is called expired; 1 h by default. Forget is
	// after which time it is not reported any more; 30 days by default.
	Expire time.Duration
	Forget time.Duration
	// Ask bounds how long the question for the impact of a kill waits; 1 s by default.
	Ask time.Duration
	// Canary is how often a canary kill is sent; 1 min by default, never if negative.
	Canary time.Duration
	Logger *slog.Logger
}

// Defaults of the options.
const (
	defaultGossip = 2 * time.Second
	eagerGossip   = 250 * time.Millisecond
	defaultExpire = time.Hour
	defaultForget = 30 * 24 * time.Hour
	defaultAsk    = time.Second
	defaultCanary = time.Minute
)

// A Hub is the control endpoint of a region: it takes orders, brings them to the hubs of the other
// regions and to every runtime of its own, and says who has acknowledged.
type Hub struct {
	options HubOptions
	sw      *Switch
	log     *slog.Logger
	known   *knownFile

	ctx    context.Context //nolint:containedctx // the hub's own life, which Close ends
	cancel context.CancelFunc
	unhook func()

	// closing guards the start of work against Close waiting for it.
	closing sync.Mutex
	closed  bool
	work    sync.WaitGroup

	// mu guards the fields below. It is never held while something is sent or written. It is
	// taken after Switch.mu.
	mu       sync.Mutex
	journal  journal
	runtimes map[string]*record
	trackers map[*tracker]struct{}
	lines    map[string]*peerLine // by Peer.key
	epochs   map[Target]uint64    // the highest that this hub has given out
	query    uint64
	saved    Set // what the store is known to have
	storeErr error
	toStore  chan struct{}

	learned   chan struct{} // closed when the hub has heard all that can be heard at its start
	storeRead chan struct{} // closed after the first attempt to read the store

	canary canaryLog
}

// OpenHub starts a hub on top of the switch, which stays the caller's to close, after the hub.
func OpenHub(sw *Switch, options HubOptions) (*Hub, error) {
	if options.Region == "" || len(options.Region) > MaxRegion || !plain(options.Region) {
		return nil, errors.New("kill: a hub needs the name of its region")
	}
	if err := checkTLS(options.TLS); err != nil {
		return nil, err
	}
	known, err := readKnown(options.Known)
	if options.Known == "" {
		known, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	options = options.withDefaults()
	h := &Hub{
		options:  options,
		sw:       sw,
		log:      options.Logger,
		runtimes: make(map[string]*record),
		trackers: make(map[*tracker]struct{}),
		lines:    make(map[string]*peerLine),
		epochs:   make(map[Target]uint64),
		toStore:  make(chan struct{}, 1),
		learned:  make(chan struct{}), storeRead: make(chan struct{}),
	}
	h.journal.changed = make(chan struct{})
	for _, k := range known {
		h.runtimes[k.ID] = &record{knownRuntime: k}
	}
	h.known = newKnownFile(options.Known, h.knownRuntimes)
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.unhook = sw.attach(h, h.learn)
	h.start(h.known.run)
	h.start(h.followPeers)
	h.start(h.learnFirst)
	h.start(h.sweep)
	if options.Store != nil {
		h.start(h.keepStore)
	}
	if options.Canary > 0 {
		h.start(h.sing)
	}
	return h, nil
}

func (o HubOptions) withDefaults() HubOptions {
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{
		{&o.Gossip, defaultGossip},
		{&o.Expire, defaultExpire},
		{&o.Forget, defaultForget},
		{&o.Ask, defaultAsk},
		{&o.Canary, defaultCanary},
	} {
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	if o.Peers == nil {
		o.Peers = func() []Peer { return nil }
	}
	if o.StoreName == "" {
		o.StoreName = "store"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Logger = o.Logger.With("region", o.Region)
	return o
}

// start runs f until the hub is closed.
func (h *Hub) start(f func(ctx context.Context)) {
	if !h.enter() {
		return
	}
	go func() {
		defer h.work.Done()
		f(h.ctx)
	}()
}

// enter notes that something runs that Close has to wait for, unless it is too late.
func (h *Hub) enter() bool {
	h.closing.Lock()
	defer h.closing.Unlock()
	if h.closed {
		return false
	}
	h.work.Add(1)
	return true
}

// Close ends all streams and waits for everything the hub has started.
func (h *Hub) Close() error {
	h.closing.Lock()
	h.closed = true
	h.closing.Unlock()
	h.cancel()
	h.unhook()
	h.work.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.lines {
		l.close()
	}
	return h.known.status()
}

// learn is told by the switch what newly stands, while it holds its lock. It wakes the streams of the
// runtimes: their acknowledgements depend neither on the hub's own disk nor on its hooks.
func (h *Hub) learn(orders []Order) {
	h.mu.Lock()
	for _, o := range orders {
		h.journal.add(o)
		for t := range h.trackers {
			t.find(o, h.journal.head)
		}
	}
	h.journal.wake()
	for _, l := range h.lines {
		l.poke()
	}
	h.mu.Unlock()
	select {
	case h.toStore <- struct{}{}:
	default:
	}
}
