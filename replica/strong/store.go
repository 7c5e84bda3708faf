package strong

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// A Store is a strongly consistent store over an [Engine]. Create it with [New] and keep its
// view up to date with [Store.Run]; all that goes over the quorum works without.
type Store struct {
	engine  Engine
	ask     chan struct{} // wakes the engine's watch up
	ready   chan struct{} // closed by the first Sync
	running atomic.Bool   // Run is under way

	current atomic.Pointer[View] // never nil

	mu          sync.Mutex // serialises the engine's calls with Changes and those who wait; guards the fields below
	synced      bool
	advanced    chan struct{} // closed and replaced whenever the view gets another version or proof
	subscribers map[*subscriber]struct{}
}

// New returns a store over an engine.
func New(engine Engine) *Store {
	s := &Store{
		engine:      engine,
		ask:         make(chan struct{}, 1),
		ready:       make(chan struct{}),
		advanced:    make(chan struct{}),
		subscribers: make(map[*subscriber]struct{}),
	}
	s.current.Store(&View{content: newContent(0, nil), lost: time.Now(), err: errNotSynchronised})
	return s
}

// Run keeps the view up to date until ctx ends, and returns the cause. The view then stays
// readable, and says that it is not kept up to date. One Run at a time: another returns
// [ErrRunning].
func (s *Store) Run(ctx context.Context) error {
	if !s.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer s.running.Store(false)
	sink := (*sink)(s)
	defer sink.Lost(errNotRunning)
	return s.engine.Watch(ctx, s.ask, sink)
}

// Ready is closed once the view has been filled.
func (s *Store) Ready() <-chan struct{} { return s.ready }

// View gives the latest view, however old. It is never nil. [View.Err] says whether it may
// be outdated, and why.
func (s *Store) View() *View { return s.current.Load() }

// Local gives a view of which it is proven that it has everything acknowledged anywhere up to
// bound before now. Otherwise the error is a [*StaleError]. The proofs come with the
// engine's heartbeat, so a bound has to be longer than that and a round trip.
//
// The age of the proof is the difference of two readings of this process's monotonic clock.
// That clock stands still while a machine is suspended on some systems, Linux among them: a
// program on a laptop that wakes up may be told that what it saw before is fresh.
func (s *Store) Local(bound time.Duration) (*View, error) {
	view := s.current.Load()
	if !view.asOf.IsZero() && time.Since(view.asOf) <= bound {
		return view, nil
	}
	return nil, view.refuse(bound)
}

func (v *View) refuse(bound time.Duration) *StaleError {
	err := &StaleError{Bound: bound, Have: v.content.version, Err: v.err}
	if !v.asOf.IsZero() {
		err.Age = time.Since(v.asOf)
	}
	return err
}

// Barrier waits until the view has everything that was acknowledged before Barrier was
// called. It needs Run. If ctx ends first the error is a [*NoQuorumError] that wraps the
// cause; bound ctx.
func (s *Store) Barrier(ctx context.Context) error {
	called := time.Now()
	return s.await(ctx, "barrier", func(v *View) bool { return !v.asOf.Before(called) }, true)
}

// Await waits until the view has a version, so that who was given it by a write can read
// what was written. It needs Run. If ctx ends first the error is a [*NoQuorumError] that
// wraps the cause; bound ctx.
func (s *Store) Await(ctx context.Context, version Version) error {
	return s.await(ctx, "await", func(v *View) bool { return v.content.version >= version }, false)
}

func (s *Store) await(ctx context.Context, op string, holds func(*View) bool, ask bool) error {
	for {
		s.mu.Lock()
		advanced := s.advanced
		s.mu.Unlock()
		if holds(s.View()) {
			return nil
		}
		if ask {
			s.askNow()
		}
		select {
		case <-advanced:
		case <-ctx.Done():
			return s.explain(op, "", &NoQuorumError{Err: context.Cause(ctx)})
		}
	}
}

func (s *Store) askNow() {
	select {
	case s.ask <- struct{}{}:
	default: // it has been asked and has not looked yet
	}
}

// Get reads one key over the quorum.
func (s *Store) Get(ctx context.Context, key string) (entry Entry, found bool, err error) {
	entry, found, err = s.engine.Get(ctx, key)
	return entry, found, s.explain("get", key, err)
}

// List reads all keys that start with prefix over the quorum, at one version, which it gives.
func (s *Store) List(ctx context.Context, prefix string) ([]Entry, Version, error) {
	entries, version, err := s.engine.List(ctx, prefix)
	return entries, version, s.explain("list", prefix, err)
}

// Put writes a value, whatever the key held.
func (s *Store) Put(ctx context.Context, key string, value []byte) (Version, error) {
	return s.write(ctx, "put", Write{Key: key, Value: value})
}

// Delete removes a key. It is no error if it is not there.
func (s *Store) Delete(ctx context.Context, key string) (Version, error) {
	return s.write(ctx, "delete", Write{Key: key, Remove: true})
}

// CompareAndSet writes a value if the key's version is the expected one, 0 for a key that is
// not there. Otherwise the error is a [*ConflictError].
func (s *Store) CompareAndSet(ctx context.Context, key string, expected Version, value []byte) (Version, error) {
	return s.write(ctx, "compare and set", Write{Key: key, Value: value, Guarded: true, Expect: expected})
}

// CompareAndDelete removes a key if its version is the expected one. Otherwise the error is
// a [*ConflictError].
func (s *Store) CompareAndDelete(ctx context.Context, key string, expected Version) (Version, error) {
	return s.write(ctx, "compare and delete", Write{Key: key, Remove: true, Guarded: true, Expect: expected})
}

func (s *Store) write(ctx context.Context, op string, w Write) (Version, error) {
	if w.Key == "" {
		return 0, &KeyError{}
	}
	// Where contact is known to be lost a question goes first, so that the answer is a clear
	// no instead of a doubt.
	if view := s.View(); view.err != nil && s.running.Load() {
		if _, _, err := s.engine.Get(ctx, w.Key); err != nil {
			return 0, s.explain(op, w.Key, err)
		}
	}
	version, err := s.engine.Write(ctx, w)
	return version, s.explain(op, w.Key, err)
}

// explain adds to an error what the store knows.
func (s *Store) explain(op, key string, err error) error {
	if doubt, ok := errors.AsType[*InDoubtError](err); ok {
		doubt.Op, doubt.Key = op, key
	}
	if none, ok := errors.AsType[*NoQuorumError](err); ok {
		view := s.View()
		none.Op, none.Key, none.Have = op, key, view.content.version
		if contact, ok := errors.AsType[*ContactError](view.err); ok && len(none.Asked) == 0 {
			none.Asked = contact.Asked
		}
		if s.running.Load() {
			none.Since = view.lost
		}
	}
	return err
}
