package kill

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
)

var errHash = errors.New("kill: a hash has 64 hexadecimal digits")

// A Switch holds the kill set of a process: what must not be used, whoever asks for it.
type Switch struct {
	killed atomic.Pointer[map[Target]Order] // nil if no kill stands
	state  atomic.Pointer[switchState]

	// mu guards the changes of killed and state, and the fields below. It is held for as long as
	// a merge takes, never while a hook runs or the disk is waited for.
	mu    sync.Mutex
	queue [][]Order              // changes that the hooks have not seen, oldest first
	hub   map[*Hub]func([]Order) // is told of changes at once, so that a hook that hangs stops no kill

	// deliver is held while hooks run, so that they see the changes in order and one at a
	// time. It guards hooks. It is taken before mu.
	deliver sync.Mutex
	hooks   []*hook

	disk   *disk // nil if nothing is kept
	loaded Loaded

	// mendedMu guards onMended, which is told when everything is on disk again.
	mendedMu sync.Mutex
	onMended []*func()
}

// Where a switch has its orders from, if not from a hub or a store.
const (
	SourceNothing = "nothing"
	SourceDisk    = "disk"
)

type switchState struct {
	set    Set
	source string
}

type hook struct{ f func(now []Order) }

// see gives the hook what it is to see of the orders: canaries are the hub's business alone.
func (h *hook) see(orders []Order) {
	told := slices.Clone(orders)
	told = slices.DeleteFunc(told, func(o Order) bool { return o.Target.Kind == KindCanary })
	if len(told) > 0 {
		h.f(told)
	}
}

// An Option changes what [Open] returns.
type Option func(*Switch)

// A Receipt says what became of the orders that were applied.
type Receipt struct {
	// Durable is whether the whole set is on disk.
	Durable bool
	// Hash is that of the set after the orders.
	Hash Hash
	// New is how many of the orders stand now and did not before.
	New int
}

// Open returns the switch that is kept in the file, with what is in it. With an empty path the
// switch is not kept: what it acknowledges is not durable.
func Open(path string, options ...Option) (*Switch, error) {
	s := &Switch{}
	s.state.Store(&switchState{source: SourceNothing})
	if path == "" {
		return s, nil
	}
	s.disk = newDisk(path)
	for _, option := range options {
		option(s)
	}
	orders, loaded, err := s.disk.load()
	if err != nil {
		return nil, err
	}
	if len(orders) > 0 {
		s.merge(SourceDisk, orders)
		s.queue = nil // nobody listens yet
	}
	loaded.Orders = s.Set().Len()
	s.loaded = loaded
	ctx, stop := context.WithCancel(context.Background())
	s.disk.stop = stop
	if s.disk.broken != nil {
		s.nudge()
	}
	go s.maintain(ctx)
	return s, nil
}

// Loaded says what Open found on disk.
func (s *Switch) Loaded() Loaded { return s.loaded }

// Killed reports whether a kill stands for the target, and which. It does not look at other
// targets that would cover this one: ask for a plugin and for its version. It takes no lock and
// allocates nothing; while no kill stands it costs one atomic load.
func (s *Switch) Killed(t Target) (Order, bool) {
	killed := s.killed.Load()
	if killed == nil {
		return Order{}, false
	}
	order, found := (*killed)[t]
	return order, found
}

// Apply merges the orders into the set, makes them effective, tells the hooks, and writes them
// to disk before it returns. source says where they came from, such as "hub eu". Orders that are
// not valid are left out and reported in the error. If the disk fails, the orders are effective
// all the same, the error says so, and writing is tried again until it succeeds.
func (s *Switch) Apply(source string, orders ...Order) (Receipt, error) {
	taken, invalid := s.take(source, orders)
	receipt, err := s.finish(taken)
	receipt.New = taken.news
	return receipt, errors.Join(invalid, err)
}

// taken are orders that are in effect, but not yet told and not yet on disk.
type taken struct {
	news int
	upTo uint64
}

// take makes the valid ones of the orders effective. It waits neither for a hook nor for the disk.
func (s *Switch) take(source string, orders []Order) (taken, error) {
	var errs []error
	valid := make([]Order, 0, len(orders))
	for _, o := range orders {
		if err := o.Validate(); err != nil {
			errs = append(errs, err)
			continue
		}
		valid = append(valid, o)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	news := s.merge(source, valid)
	t := taken{news: len(news)}
	if s.disk != nil {
		for _, o := range news {
			s.disk.pending = appendLine(s.disk.pending, o)
		}
		s.disk.added += uint64(len(news))
		t.upTo = s.disk.added
	}
	return t, errors.Join(errs...)
}

// finish returns when what was taken, and all that was taken before, has been told and is on disk.
func (s *Switch) finish(t taken) (Receipt, error) {
	s.tell()
	if s.disk == nil {
		return Receipt{Hash: s.Hash()}, nil
	}
	err := s.settle(t.upTo)
	return Receipt{Hash: s.Hash(), Durable: err == nil}, err
}

// Durable reports whether the whole set is on disk now.
func (s *Switch) Durable() bool {
	d := s.disk
	if d == nil {
		return false
	}
	d.io.Lock()
	defer d.io.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return d.broken == nil && !d.closed && d.synced == d.added
}

// mended tells who wants to know that everything is on disk again.
func (s *Switch) mended() {
	s.mendedMu.Lock()
	defer s.mendedMu.Unlock()
	for _, f := range s.onMended {
		(*f)()
	}
}

// whenMended calls f, which must not block or call s, when everything is on disk after it was not.
func (s *Switch) whenMended(f func()) (stop func()) {
	s.mendedMu.Lock()
	defer s.mendedMu.Unlock()
	s.onMended = append(s.onMended, &f)
	return func() {
		s.mendedMu.Lock()
		defer s.mendedMu.Unlock()
		s.onMended = slices.DeleteFunc(s.onMended, func(other *func()) bool { return other == &f })
	}
}

// merge makes the orders effective; s.mu is held.
func (s *Switch) merge(source string, orders []Order) []Order {
	set, news := s.Set().merge(orders)
	if len(news) == 0 {
		return nil
	}
	s.state.Store(&switchState{set: set, source: source})
	killed := make(map[Target]Order)
	for i := range set.sorted {
		if o := set.sorted[i].order; o.Killed() && o.Target.Kind != KindCanary {
			killed[o.Target] = o
		}
	}
	if len(killed) == 0 {
		s.killed.Store(nil)
	} else {
		s.killed.Store(&killed)
	}
	s.queue = append(s.queue, news)
	for _, learn := range s.hub {
		learn(news)
	}
	return news
}

// tell gives the hooks what is queued, and returns when they have seen it.
func (s *Switch) tell() {
	s.deliver.Lock()
	defer s.deliver.Unlock()
	for {
		s.mu.Lock()
		queue := s.queue
		s.queue = nil
		s.mu.Unlock()
		if len(queue) == 0 {
			return
		}
		for _, news := range queue {
			for _, h := range s.hooks {
				h.see(news)
			}
		}
	}
}

// OnChange calls f with all the orders that stand, before it returns, and then with the orders
// that newly stand before [Switch.Apply] returns, kills and revivals both. Calls of f come one at
// a time and in the order of the changes; what f is told has been effective for
// [Switch.Killed] before. f may call the methods of s that read, not Apply, OnChange or stop.
// Keep it short: the acknowledgement waits for it. After stop returns f is not called any more.
func (s *Switch) OnChange(f func(now []Order)) (stop func()) {
	h := &hook{f}
	s.deliver.Lock()
	defer s.deliver.Unlock()
	// The new one gets the whole set as it is now, and the older hooks what they have not been told of it.
	s.mu.Lock()
	queue := s.queue
	s.queue = nil
	set := s.Set()
	s.mu.Unlock()
	for _, news := range queue {
		for _, other := range s.hooks {
			other.see(news)
		}
	}
	h.see(set.Orders())
	s.hooks = append(s.hooks, h)
	return func() {
		s.deliver.Lock()
		defer s.deliver.Unlock()
		s.hooks = slices.DeleteFunc(s.hooks, func(other *hook) bool { return other == h })
	}
}

// attach tells the hub what stands and then every change, canaries included, before anything is
// waited for. learn must not block.
func (s *Switch) attach(h *Hub, learn func([]Order)) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hub == nil {
		s.hub = make(map[*Hub]func([]Order))
	}
	s.hub[h] = learn
	learn(s.Set().Orders())
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.hub, h)
	}
}

// Set is what stands now.
func (s *Switch) Set() Set { return s.state.Load().set }

// Hash is that of the set.
func (s *Switch) Hash() Hash { return s.Set().Hash() }

// Source says where the latest orders of the set came from: "disk", what was given to
// [Switch.Apply], such as "hub eu", "etcd" or "peer region us", or "nothing".
func (s *Switch) Source() string { return s.state.Load().source }

// Close ends the writing of orders to disk and gives the file back. The set can still be read, and
// orders still take effect; they are not durable.
func (s *Switch) Close() error {
	d := s.disk
	if d == nil {
		return nil
	}
	d.stop()
	<-d.done
	d.io.Lock()
	defer d.io.Unlock()
	if d.closed {
		return nil
	}
	if err := d.release(); err != nil {
		return &DiskError{d.path, err}
	}
	return nil
}
