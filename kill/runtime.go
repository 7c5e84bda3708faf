package kill

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// RuntimeOptions configure a [Runtime]. ID and Hubs are needed.
type RuntimeOptions struct {
	// ID names the process among all others, and is the same after a restart. With TLS it is the
	// NAME of the certificate's roster://runtime/NAME, or starts with it and a '/'.
	ID string
	// Boot tells one start of the process from another; by default it is random.
	Boot   string
	Region string
	// Hubs are where to connect: the hub of the own region first, then those of others, which
	// are used for as long as the own one does not answer.
	Hubs []Peer
	// TLS has the runtime's certificate and the authorities in RootCAs.
	TLS *tls.Config
	// Store is read once at the start, beside the hubs, if it is not nil. StoreName is what
	// [Switch.Source] calls it, "store" by default.
	Store     Store
	StoreName string
	// Count says what a target hits in this process. Without it nothing is said to be hit. It is
	// called on a goroutine of its own, one call at a time.
	Count func(Target) Impact
	// Patience is how long the start waits for a hub or the store before it makes do with what is
	// on disk; 3 s by default.
	Patience time.Duration
	Logger   *slog.Logger
}

const (
	defaultPatience = 3 * time.Second
	reconnectAfter  = 200 * time.Millisecond
	reconnectMost   = 500 * time.Millisecond
	// homeInterval is how often a runtime that is with another region's hub looks for its own.
	homeInterval = 5 * time.Second
)

// First says what a runtime started with.
type First struct {
	// Source is where the set was confirmed: "hub REGION", "peer region REGION", the name of
	// the store; or, if nobody could be reached, "disk" or "nothing".
	Source string
	// Confirmed is whether a hub has said that the set is current. A store has whatever hubs
	// have written to it, which may be a little behind.
	Confirmed bool
	// Orders is how many targets the set had.
	Orders int
	// Err is why no hub confirmed it.
	Err error
}

// String is First in one line.
func (f First) String() string {
	text := fmt.Sprintf("%d orders, from %s", f.Orders, f.Source)
	if !f.Confirmed {
		text += ", not confirmed by a hub"
	}
	return text
}

// A Runtime keeps the switch of a process in step with a hub: it receives orders, and acknowledges
// them when they are in effect and on disk.
type Runtime struct {
	options RuntimeOptions
	sw      *Switch
	log     *slog.Logger
	ready   chan struct{}
	once    sync.Once

	mu    sync.Mutex // guards the fields below
	lines []*line    // never empty; replaced, not changed
	first First
	state RuntimeStatus
}

// RuntimeStatus is how a runtime stands.
type RuntimeStatus struct {
	// Connected is whether it has a stream to a hub, of region Hub.
	Connected bool
	Hub       string
	// Current is whether the hub has said so since the stream began.
	Current bool
	// Since is when Connected changed, and Err why there is no stream.
	Since time.Time
	Err   error
}

// NewRuntime returns the client of a switch. Call Run to connect it.
func NewRuntime(sw *Switch, options RuntimeOptions) (*Runtime, error) {
	if err := checkTLS(options.TLS); err != nil {
		return nil, err
	}
	switch {
	case options.ID == "" || len(options.ID) > maxID || !plain(options.ID):
		return nil, fmt.Errorf("kill: a runtime needs an id of at most %d bytes", maxID)
	case len(options.Boot) > maxID || !plain(options.Boot) || len(options.Region) > MaxRegion || !plain(options.Region):
		return nil, errors.New("kill: the boot id or the region of the runtime is too long or has control characters")
	}
	if options.Boot == "" {
		options.Boot = rand.Text()
	}
	if options.StoreName == "" {
		options.StoreName = "store"
	}
	if options.Patience == 0 {
		options.Patience = defaultPatience
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Runtime{options: options, sw: sw, log: options.Logger, ready: make(chan struct{}), state: RuntimeStatus{Since: time.Now()}}
	if err := r.SetHubs(options.Hubs); err != nil {
		return nil, err
	}
	return r, nil
}

// SetHubs replaces the hubs that the runtime connects to, in the order of [RuntimeOptions]. A
// stream that stands goes on, so that no order passes the process by meanwhile: it is given up
// when it ends, or when a hub that comes before it in the list answers.
func (r *Runtime) SetHubs(hubs []Peer) error {
	if len(hubs) == 0 {
		return errors.New("kill: a runtime needs the address of a hub")
	}
	for _, hub := range hubs {
		if err := hub.check(r.options.TLS); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	known := make(map[string]*line, len(r.lines))
	for _, l := range r.lines {
		known[l.peer.key()] = l
	}
	lines := make([]*line, 0, len(hubs))
	for _, hub := range hubs {
		l, kept := known[hub.key()]
		if !kept {
			l = newLine(hub, r.options.TLS)
		}
		delete(known, hub.key())
		lines = append(lines, l)
	}
	for _, l := range known {
		l.close() // what is idle; a stream has its connection until it ends
	}
	r.lines = lines
	return nil
}

// hubs are the ways to the hubs of now.
func (r *Runtime) hubs() []*line {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines
}

// Ready is closed when the process may start to serve: when a hub has said that the set is
// current; or when every hub was tried in vain and the store, if there is one, has been read; or
// when patience has run out. [Runtime.First] says which.
func (r *Runtime) Ready() <-chan struct{} { return r.ready }

// First says what the process started with, once it is Ready.
func (r *Runtime) First() First {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first
}

// Status returns how the runtime stands.
func (r *Runtime) Status() RuntimeStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// begin makes the runtime ready, unless it is.
func (r *Runtime) begin(first First) {
	r.once.Do(func() {
		first.Orders = r.sw.Set().Len()
		r.mu.Lock()
		r.first = first
		r.mu.Unlock()
		if first.Confirmed {
			r.log.Info("kill: the kill set is current", "source", first.Source, "orders", first.Orders)
		} else {
			r.log.Warn("kill: no hub has confirmed the kill set", "source", first.Source, "orders", first.Orders, "error", first.Err)
		}
		close(r.ready)
	})
}

// Run keeps the runtime connected until ctx ends. It then tells the hub that the process serves
// nothing any more, so that no report waits for it: end ctx after everything else, and not at all
// if the process goes on. Run is called once. It returns why ctx ended.
func (r *Runtime) Run(ctx context.Context) error {
	tried := make(chan error, 1) // the outcome of the first attempt at all hubs
	var work sync.WaitGroup
	work.Go(func() { r.start(ctx, tried) })
	defer work.Wait()
	defer func() {
		for _, l := range r.hubs() {
			l.close()
		}
	}()
	wait := reconnectAfter
	for {
		began := time.Now()
		err := r.connect(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		select {
		case tried <- err:
		default:
		}
		r.disconnected(err)
		if wait = min(wait*3/2, reconnectMost); time.Since(began) > time.Second {
			wait = reconnectAfter
		}
		if !pause(ctx, jitter(wait)) {
			return ctx.Err()
		}
	}
}

// start makes the runtime ready without a hub if need be.
func (r *Runtime) start(ctx context.Context, tried <-chan error) {
	patience, cancel := context.WithTimeout(ctx, r.options.Patience)
	defer cancel()
	source, loadErr := r.sw.Source(), error(nil)
	if r.options.Store != nil {
		orders, err := r.options.Store.Load(patience)
		if err != nil && len(orders) > 0 { // one that cannot be read hides no other
			r.log.Error("kill: the store has orders that cannot be read", "store", r.options.StoreName, "error", err)
			err = nil
		}
		if err == nil {
			source = r.options.StoreName
			_, err = r.sw.Apply(source, orders...)
			if err != nil {
				r.log.Error("kill: orders are not kept", "source", source, "error", err)
			}
		} else {
			loadErr = fmt.Errorf("kill: read the %s: %w", r.options.StoreName, err)
		}
	}
	var err error
	select {
	case <-r.ready:
		return
	case err = <-tried:
	case <-patience.Done():
		err = r.Status().Err
		if err == nil {
			err = fmt.Errorf("kill: no hub has answered within %v", r.options.Patience)
		}
	}
	if ctx.Err() != nil {
		return
	}
	r.begin(First{Source: source, Err: errors.Join(err, loadErr)})
}

// connect tries the hubs in order, and stays with the first that answers until that stream ends.
func (r *Runtime) connect(ctx context.Context) error {
	var errs []error
	for i, l := range r.hubs() {
		current, err := r.follow(ctx, l, i == 0)
		if err != nil {
			errs = append(errs, err)
		}
		if ctx.Err() != nil || current {
			break // what was connected starts again with its own hub
		}
	}
	return errors.Join(errs...)
}

func (r *Runtime) connected(region string, current bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.state.Connected {
		r.state.Since = time.Now()
	}
	r.state.Connected, r.state.Hub, r.state.Current, r.state.Err = true, region, current, nil
}

func (r *Runtime) disconnected(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state.Connected {
		r.log.Warn("kill: the stream of the hub ended", "hub", r.state.Hub, "error", err)
		r.state.Since = time.Now()
	}
	r.state.Connected, r.state.Hub, r.state.Current, r.state.Err = false, "", false, err
}
