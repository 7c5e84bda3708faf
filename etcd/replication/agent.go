package replication

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"go.etcd.io/etcd/client/v3/concurrency"

	"github.com/roster-go/roster/etcd/internal/pace"
)

// Defaults of [AgentOptions].
const (
	DefaultTTL      = 10 * time.Second
	DefaultDigests  = time.Minute
	DefaultRetain   = 24 * time.Hour
	DefaultInFlight = 4 << 20
	DefaultLost     = 10 // heartbeats
)

// AgentOptions adjust an [Agent].
type AgentOptions struct {
	// Listen is the host:port on which peers push. Required. Without TLS it has to be on the
	// loopback interface.
	Listen string
	// Advertise are the host:port under which the other regions reach the region's agents, the
	// address of Listen if empty, which then is no wildcard. The agent keeps them in the table of regions.
	Advertise []string
	// Control goes into the table of regions beside them, for the kill switch.
	Control []string
	// TLS has the region's certificate, whose alternative names have the URI roster://region/NAME,
	// and in RootCAs the authority that signs those of all regions. Nil is for one machine only.
	TLS *tls.Config
	// TTL is how long the region is without an agent when the one that leads crashes,
	// [DefaultTTL] if zero. It is rounded up to whole seconds.
	TTL time.Duration
	// Heartbeat is how often the agent writes a heartbeat and asks the other regions how far
	// behind it is, [DefaultHeartbeat] if zero.
	Heartbeat time.Duration
	// Digests is how often everything is compared with each peer, [DefaultDigests] if zero.
	Digests time.Duration
	// Retain is how long deleted records are remembered after every region has seen the
	// deletion, [DefaultRetain] if zero. It is counted in heartbeats.
	Retain time.Duration
	// InFlight bounds the bytes that a peer has not acknowledged, [DefaultInFlight] if zero.
	InFlight int
	// Dial opens connections to peers, by a [net.Dialer] if nil.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Handler serves what other regions ask besides, on the port and under the certificates of
	// replication: every path that is not one of its own. See [PeerOf] and [Agent.Ask].
	Handler http.Handler
	// Logger is nil for silence.
	Logger *slog.Logger
}

// An Agent replicates a region's records and instances to the other regions and takes in theirs.
// Several daemons of a region may each run one: they elect a leader, which alone replicates, and
// the others wait. All methods are safe for concurrent use.
type Agent struct {
	store    *Store
	opts     AgentOptions
	log      *slog.Logger
	listener net.Listener
	server   *http.Server
	beats    uint64        // as it was rounded, in Retain
	syncing  chan struct{} // capacity 1: held by the stream that takes in a full sync

	mu      sync.Mutex // guards what is below
	lead    *lead      // nil while another agent leads
	streams map[string]*stream
	origins map[string]*origin // by region, as long as this agent leads
	paused  *Refusal           // nil while it replicates
	turned  chan struct{}      // closed when paused changes

	transports map[string]*http.Transport // by region, for Ask
}

// NewAgent returns an agent of a store's region. It listens from now on, and answers once
// [Agent.Run] runs, which has to be called.
func NewAgent(store *Store, opts AgentOptions) (*Agent, error) {
	if opts.TTL <= 0 {
		opts.TTL = DefaultTTL
	}
	if opts.Heartbeat <= 0 {
		opts.Heartbeat = DefaultHeartbeat
	}
	if opts.Digests <= 0 {
		opts.Digests = DefaultDigests
	}
	if opts.Retain <= 0 {
		opts.Retain = DefaultRetain
	}
	if opts.InFlight <= 0 {
		opts.InFlight = DefaultInFlight
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.TLS == nil {
		for _, address := range append([]string{opts.Listen}, opts.Advertise...) {
			if err := requireLoopback(address); err != nil {
				return nil, err
			}
		}
	} else if err := checkOwnCertificate(opts.TLS, store.region); err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", opts.Listen)
	if err != nil {
		return nil, fmt.Errorf("replication: listen on %q: %w", opts.Listen, err)
	}
	if len(opts.Advertise) == 0 {
		if address, ok := listener.Addr().(*net.TCPAddr); ok && address.IP.IsUnspecified() {
			_ = listener.Close()
			return nil, fmt.Errorf("replication: %q stands for all addresses of this machine: set Advertise to those that peers reach", opts.Listen)
		}
		opts.Advertise = []string{listener.Addr().String()}
	}
	a := &Agent{
		store: store, opts: opts, log: opts.Logger.With(slog.String("region", store.region)), listener: listener,
		beats:   uint64(max(1, opts.Retain/opts.Heartbeat)),
		syncing: make(chan struct{}, 1),
		streams: make(map[string]*stream), origins: make(map[string]*origin),
		turned: make(chan struct{}), transports: make(map[string]*http.Transport),
	}
	a.server = newServer(opts.TLS, a)
	a.server.ErrorLog = slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)
	return a, nil
}

// checkOwnCertificate finds a wrong certificate before the peers do.
func checkOwnCertificate(config *tls.Config, region string) error {
	for _, certificate := range config.Certificates {
		if certificate.Leaf == nil {
			continue
		}
		name, err := regionOfCertificate(certificate.Leaf)
		if err != nil {
			return &RegionError{Region: region, Fault: err.Error()}
		}
		if name != region {
			return &RegionError{Region: region, Fault: fmt.Sprintf("the certificate is that of region %q: use the region's own", name)}
		}
	}
	return nil
}

// Address returns where the agent listens.
func (a *Agent) Address() string { return a.listener.Addr().String() }

// Run replicates until ctx ends, and returns the cause of its end. It may be called once. When it
// returns, nothing of the agent runs any more, and the port is free.
func (a *Agent) Run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	serving, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	a.server.BaseContext = func(net.Listener) context.Context { return serving }
	running.Go(func() {
		var err error
		if a.opts.TLS != nil {
			err = a.server.ServeTLS(a.listener, "", "")
		} else {
			err = a.server.Serve(a.listener)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			stop(fmt.Errorf("replication: serve on %s: %w", a.Address(), err))
		}
	})
	defer func() {
		stop(nil)
		a.closeStreams()
		_ = a.server.Close() // it only breaks connections off
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, transport := range a.transports {
			transport.CloseIdleConnections()
		}
	}()
	var pause pace.Backoff
	for {
		err := a.campaign(serving, pause.Reset)
		if serving.Err() != nil {
			return context.Cause(serving)
		}
		a.log.Debug("the agent does not lead", slog.Any("error", err))
		if !pace.Sleep(serving, pause.Next()) {
			return context.Cause(serving)
		}
	}
}

// errDeposed ends the work of a leader whose lease is gone.
var errDeposed = errors.New("replication: the lease of the leader was lost")

// campaign waits until this agent leads, and leads until that ends.
func (a *Agent) campaign(ctx context.Context, won func()) error {
	if err := a.store.AwaitReady(ctx); err != nil {
		return err
	}
	granting, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
	defer cancel()
	seconds := int((a.opts.TTL + time.Second - 1) / time.Second)
	lease, err := a.store.client.Grant(granting, int64(seconds))
	if err != nil {
		return fmt.Errorf("take a lease: %w", err)
	}
	// A context of its own: when ctx ends, the lease is still to be revoked.
	session, err := concurrency.NewSession(a.store.client, concurrency.WithLease(lease.ID), concurrency.WithContext(context.WithoutCancel(ctx)))
	if err != nil {
		return fmt.Errorf("keep a lease: %w", err)
	}
	defer a.endSession(session)
	campaigning, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		select {
		case <-session.Done():
			stop(errDeposed)
		case <-campaigning.Done():
		}
	}()
	election := concurrency.NewElection(session, a.store.prefix+leaderDir)
	if err := election.Campaign(campaigning, a.Address()); err != nil {
		if cause := context.Cause(campaigning); cause != nil {
			err = cause
		}
		return fmt.Errorf("stand for leader: %w", err)
	}
	won()
	l := &lead{
		agent: a, store: a.store, log: a.log, key: election.Key(), term: election.Rev(), session: rand.Text(),
		links: make(map[string]*peerLinks),
	}
	a.log.Info("the agent leads", slog.Int64("term", l.term))
	return l.run(campaigning)
}

// endSession gives the lease back, so that another agent takes over at once, unless the process is
// made to crash.
func (a *Agent) endSession(session *concurrency.Session) {
	session.Orphan()
	if crashed != nil && crashed(a) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, _ = a.store.client.Revoke(ctx, session.Lease()) // it expires otherwise
}

// crashed is for tests: agents for which it is true end as if their process had died.
var crashed func(*Agent) bool
