package roster

import (
	"sync"
	"sync/atomic"
)

// An Owner says who holds pins and leases, for the report of those that are
// stuck. One Owner may own any number of them: finding out the calling place
// takes longer than pinning a version, so that code that pins for each request
// makes its Owner once.
type Owner struct {
	label string
	site  callers
}

// NewOwner returns an owner made at the calling place, or with skip > 0 that
// many callers further out, as with [runtime.Caller].
func NewOwner(skip int) *Owner { return &Owner{site: callersOf(skip)} }

// For returns an owner made at the same place with a label that says more, for
// example which request it is.
func (o *Owner) For(label string) *Owner { return &Owner{label: label, site: o.site} }

// A hold keeps one version, or one entry, from being retired. It is claimed
// and let go without a lock: whoever claims a hold announces what he is about to
// use and then makes sure that it is still current; whoever retires something
// takes it out of use first and then looks at all holds. One of the two sees the
// other, as with hazard pointers (Michael, "Hazard Pointers: Safe Memory
// Reclamation for Lock-Free Objects", 2004).
//
// What a hold announces stays when it is let go, and means nothing then. When
// it is claimed again it is believed, until the new holder overwrites it; he
// tells the drain what he overwrote.
type hold[T any] struct {
	state   atomic.Uint64 // counts claims and releases; odd while held
	version atomic.Pointer[version[T]]
	lease   atomic.Pointer[Lease[T]] // if not nil, the hold is of this entry and not of a version
	owner   atomic.Pointer[Owner]
	home    *holdStripe[T]
}

// claim takes h if it is free and returns the state that says who has it.
func (h *hold[T]) claim() (state uint64, ok bool) {
	state = h.state.Load()
	if state%2 == 1 || !h.state.CompareAndSwap(state, state+1) {
		return 0, false
	}
	return state + 1, true
}

// letGo ends the claim that state stands for. It returns false if that has ended
// already.
func (h *hold[T]) letGo(state uint64) bool {
	if !h.state.CompareAndSwap(state, state+1) {
		return false
	}
	if h != &h.home.first {
		h.home.mu.Lock()
		defer h.home.mu.Unlock()
		h.home.free = append(h.home.free, h)
	}
	return true
}

func (h *hold[T]) held() bool { return h.state.Load()%2 == 1 }

// forget drops what a free hold announces, unless it is the current version, so
// that it does not stay in memory. Whoever claims the hold meanwhile finds that the version is not current
// and announces another.
func (h *hold[T]) forget() {
	v, l := h.version.Load(), h.lease.Load()
	if h.held() {
		return
	}
	if v != nil && v.tenure.over.Load() {
		h.version.CompareAndSwap(v, nil)
	}
	if l != nil {
		h.lease.CompareAndSwap(l, nil)
	}
}

// holds are all holds of a registry, striped as counters are.
type holds[T any] struct{ stripes []holdStripe[T] }

type holdStripe[T any] struct {
	first hold[T] // the one to try before taking the lock

	mu   sync.Mutex // guards the fields below
	free []*hold[T]
	all  []*hold[T] // but first
	_    [64]byte   // no cache line belongs to two stripes
}

func newHolds[T any]() *holds[T] {
	hs := &holds[T]{stripes: make([]holdStripe[T], stripes)}
	for i := range hs.stripes {
		hs.stripes[i].first.home = &hs.stripes[i]
	}
	return hs
}

// claim takes a free hold, or makes one.
func (hs *holds[T]) claim() (*hold[T], uint64) {
	s := &hs.stripes[stripe()]
	if state, ok := s.first.claim(); ok {
		return &s.first, state
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.free); n > 0 {
		h := s.free[n-1]
		s.free = s.free[:n-1]
		state, _ := h.claim() // nobody else claims a hold from the free list
		return h, state
	}
	h := &hold[T]{home: s}
	s.all = append(s.all, h)
	state, _ := h.claim()
	return h, state
}

// each calls f with every hold.
func (hs *holds[T]) each(f func(*hold[T])) {
	if hs == nil {
		return
	}
	for i := range hs.stripes {
		s := &hs.stripes[i]
		s.mu.Lock()
		held := make([]*hold[T], 0, len(s.all)+1)
		held = append(append(held, &s.first), s.all...)
		s.mu.Unlock()
		for _, h := range held {
			f(h)
		}
	}
}
