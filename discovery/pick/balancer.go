package pick

import (
	"sync"
	"sync/atomic"

	"github.com/roster-go/roster/discovery"
)

// A Source is where a [Balancer] reads instances: a [discovery.View], or a fake in a test.
// Both methods are called concurrently.
type Source interface {
	// Get returns the instances of a service. The slice and what is in it never change; a
	// later state is another slice.
	Get(service string) []discovery.Instance

	// Version grows whenever what Get returns has changed, for any service, and not before
	// Get returns the new state. It is called for every Pick.
	Version() uint64
}

var _ Source = (*discovery.View)(nil)

// A Balancer is a [Pool] that follows one service of a view. It needs no goroutine: Pick
// notices a new state of the view by itself. Create it with [New].
//
// All methods are safe for concurrent use.
type Balancer struct {
	pool    *Pool
	view    Source
	service string
	seen    atomic.Uint64 // the version that the pool has, or a later one without changes

	// following serialises what brings the pool up to date. It guards list, and writes of seen.
	following sync.Mutex
	list      []discovery.Instance // what the pool has
}

// New creates a balancer for a service of a view. The service need not have an instance
// yet. The error is an [*OptionError].
func New(view Source, service string, opts Options) (*Balancer, error) {
	pool, err := NewPool(opts)
	if err != nil {
		return nil, err
	}
	pool.set.Store(pool.newSet(&layout{service: service}))
	b := &Balancer{pool: pool, view: view, service: service}
	b.follow()
	return b, nil
}

// Pick is [Pool.Pick] from the view's present state.
func (b *Balancer) Pick(key string) (Picked, error) {
	if b.view.Version() != b.seen.Load() {
		b.catchUp()
	}
	picked, err := b.pool.Pick(key)
	return picked, b.explain(err)
}

// PickOther is [Pool.PickOther] from the view's present state.
func (b *Balancer) PickOther(key string, tried ...Picked) (Picked, error) {
	if b.view.Version() != b.seen.Load() {
		b.catchUp()
	}
	picked, err := b.pool.PickOther(key, tried...)
	return picked, b.explain(err)
}

// explain adds to a [*NoneError] that the view has not been synchronised yet.
func (b *Balancer) explain(err error) error {
	if err == nil {
		return nil
	}
	none, isNone := err.(*NoneError) //nolint:errorlint // the pool returns it as it is
	view, tells := b.view.(interface{ Status() discovery.ViewStatus })
	if !isNone || !tells {
		return err
	}
	if status := view.Status(); !status.Ready && status.Err != nil {
		return &NoneError{Service: none.Service, Known: none.Known, Draining: none.Draining, Err: status.Err}
	}
	return err
}

// Status is [Pool.Status] for the view's present state.
func (b *Balancer) Status() []EndpointStatus {
	if b.view.Version() != b.seen.Load() {
		b.follow()
	}
	return b.pool.Status()
}

// catchUp follows the view. While somebody else does, it does not wait, unless there is
// nothing to pick otherwise.
func (b *Balancer) catchUp() {
	if b.pool.set.Load().none != nil {
		b.follow()
		return
	}
	if b.following.TryLock() {
		defer b.following.Unlock()
		b.followLocked()
	}
}

// follow brings the pool up to date with the view.
func (b *Balancer) follow() {
	b.following.Lock()
	defer b.following.Unlock()
	b.followLocked()
}

// followLocked is follow for who holds following.
func (b *Balancer) followLocked() {
	version := b.view.Version() // before Get: what changes in between is noticed next time
	list := b.view.Get(b.service)
	if !sameSlice(list, b.list) {
		b.pool.update(list, nil)
		b.list = list
	}
	b.seen.Store(version)
}

// sameSlice tells whether both are the same slice of an immutable list: most versions are
// about other services.
func sameSlice(a, b []discovery.Instance) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
