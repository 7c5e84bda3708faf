package discovery

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roster-go/roster"
)

// A View is a local copy of what is announced, kept up to date by a [Source]. Create it
// with [NewView] and fill it with [View.Run].
//
// All methods are safe for concurrent use. The package comment says what a reader may see
// and how old it may be.
type View struct {
	table   *roster.Hot[[]Instance] // what readers see
	ready   chan struct{}           // closed by the first Sync
	running atomic.Bool             // Run is under way

	copy  *diskCopy             // nil unless the view keeps a copy on disk
	hide  []func(Instance) bool // which instances not to show
	guard *guard                // nil unless the view is protected against mass expiry; guarded by mu

	// mu serialises the source's calls with Status and Changes. It guards the fields
	// below. Get, Services and All never take it.
	mu          sync.Mutex
	services    map[string][]Instance // what is announced; the slices are immutable and sorted by id
	instances   int                   // in services
	shown       map[string][]Instance // what table publishes: services itself if nothing can be hidden
	hidden      int                   // instances that are in services and not in shown
	revision    int64
	synced      bool // by a source; ready may also be closed by a copy from disk
	resyncs     uint64
	invalid     uint64
	stale       bool
	staleSince  time.Time
	err         error
	subscribers map[*subscriber]struct{}
}

var _ Sink = (*View)(nil)

// A ViewOption adjusts a view when it is created.
type ViewOption func(*viewSettings)

type viewSettings struct {
	name      string
	directory *roster.Directory
	copy      string
	guard     *guard
	hide      []func(Instance) bool
	told      []func(*View) // to do when the view is there
}

// In lists the view's table in d instead of [roster.DefaultDirectory].
func In(d *roster.Directory) ViewOption {
	return func(s *viewSettings) { s.directory = d }
}

// Named names the view's table, as the directory shows it. Without it the name is
// "services". Like [roster.Named], a name that cannot be a registry's makes [NewView] panic.
func Named(name string) ViewOption {
	return func(s *viewSettings) { s.name = name }
}

// NewView creates an empty view. It is not ready, and stale, until a source has
// synchronised it.
//
// The view keeps its table, service → instances, in a [roster.Hot] that the directory
// lists, so that metrics and debug pages show it, with the lookups made in it.
func NewView(opts ...ViewOption) *View {
	s := viewSettings{name: "services"}
	for _, opt := range opts {
		opt(&s)
	}
	v := &View{
		guard:       s.guard,
		table:       roster.NewHot[[]Instance](roster.Named(s.name), roster.In(s.directory)),
		ready:       make(chan struct{}),
		services:    make(map[string][]Instance),
		stale:       true,
		staleSince:  time.Now(),
		err:         errNotSynchronised,
		subscribers: make(map[*subscriber]struct{}),
	}
	v.shown = v.services
	if v.hide = s.hide; len(v.hide) > 0 {
		v.shown = make(map[string][]Instance)
	}
	if s.copy != "" {
		v.copy = newDiskCopy(s.copy)
	}
	for _, tell := range s.told {
		tell(v)
	}
	return v
}

var (
	errNotSynchronised = errors.New("discovery: the view has not been synchronised yet; wait for Ready")
	errNoSource        = errors.New("discovery: the view is no longer kept up to date; call Run again")

	// ErrRunning is returned by [View.Run] while another Run of the same view is under way.
	ErrRunning = errors.New("discovery: the view has a source already; end that Run first")
)

// Run keeps the view up to date from source until ctx ends, and returns what
// [Source.Watch] returned. The view then stays readable, and stale, until Run is called
// again, with the same source or another. One Run at a time: another returns [ErrRunning].
func (v *View) Run(ctx context.Context, source Source) error {
	if !v.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer v.running.Store(false)
	defer v.Stale(errNoSource)
	stop := v.keepUp(ctx)
	defer stop()
	return source.Watch(ctx, v)
}

// keepUp starts what a view with a copy on disk or with protection does on its own while
// it runs. The function ends it and waits for it.
func (v *View) keepUp(ctx context.Context) (stop func()) {
	if v.copy == nil && v.guard == nil {
		return func() {}
	}
	if v.copy != nil {
		v.restore()
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { v.tend(ctx) })
	return func() {
		cancel()
		wg.Wait()
	}
}

// tendInterval is how often a view looks after its copy on disk and after instances that
// it holds back.
const tendInterval = time.Second

func (v *View) tend(ctx context.Context) {
	tick := time.NewTicker(tendInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			v.releaseOverdue(time.Now())
			v.save(false)
		case <-ctx.Done():
			v.save(true)
			return
		}
	}
}

// Get returns the instances of a service sorted by id, or nil if there are none. It is one
// lookup in a map: it does not lock, allocate, or touch the store.
//
// The slice and what is in it are shared by all readers and must not be modified. They
// never change: a later state of the service is another slice.
func (v *View) Get(service string) []Instance {
	instances, _ := v.table.Get(service)
	return instances
}

// Lookup is Get with an error, a [*roster.UnknownError], that names the services there are
// and those whose names come close.
func (v *View) Lookup(service string) ([]Instance, error) {
	return v.table.Lookup(service)
}

// Version is a number that grows whenever anything that Get returns changes. Reading it is
// one atomic load, so that a caller who keeps something derived from the view can check at
// every use whether it still holds.
func (v *View) Version() uint64 { return v.table.Generation() }

// Services lists the services that have an instance, sorted. The slice is the caller's.
func (v *View) Services() []string { return v.table.Names() }

// All yields every service and its instances at one revision, sorted by service. The
// slices are those of [View.Get].
func (v *View) All() iter.Seq2[string, []Instance] { return v.table.All() }

// Table is the registry in which the view keeps its services, for code that takes a
// [roster.View].
func (v *View) Table() roster.View[[]Instance] { return v.table }

// Ready is closed once the view has been synchronised for the first time, or has a copy
// from disk and its source reports that it has no contact, see [KeepCopy]. It stays closed
// when the view turns stale.
func (v *View) Ready() <-chan struct{} { return v.ready }

// A ViewStatus is how a view stands at one moment.
type ViewStatus struct {
	Ready      bool      // synchronised at least once, or started from a copy on disk
	Stale      bool      // out of contact with the store: what is shown may be outdated
	StaleSince time.Time // zero unless Stale
	Err        error     // why it is stale; nil unless Stale
	Revision   int64     // the store's revision up to which the view is complete
	Resyncs    uint64    // how often everything was read again after the first time
	Invalid    uint64    // instances that broke the rules of Instance.Validate and were left out
	Instances  int       // in all services
	Services   int       // with at least one instance
	Hidden     int       // instances that are announced and not shown, see [Hide]

	FromCopy bool  // what is shown was read from the copy on disk
	CopyErr  error // why the copy could not be read or written the last time; nil if it could

	Protecting time.Time // since when expired instances are held back, zero if none are
	Held       int       // instances held back, which the store no longer has
}

// Status returns how the view stands.
func (v *View) Status() ViewStatus {
	v.mu.Lock()
	defer v.mu.Unlock()
	status := ViewStatus{
		Ready:      v.isReady(),
		Stale:      v.stale,
		StaleSince: v.staleSince,
		Err:        v.err,
		Revision:   v.revision,
		Resyncs:    v.resyncs,
		Invalid:    v.invalid,
		Instances:  v.instances - v.hidden,
		Services:   len(v.shown),
		Hidden:     v.hidden,
	}
	if v.copy != nil {
		status.FromCopy, status.CopyErr = v.copy.serving, v.copy.err
	}
	if v.guard != nil {
		status.Protecting, status.Held = v.guard.since, len(v.guard.held)
	}
	return status
}

func (v *View) isReady() bool {
	select {
	case <-v.ready:
		return true
	default:
		return false
	}
}
