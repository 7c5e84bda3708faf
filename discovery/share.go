package discovery

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
)

// A Shared is a [Source] that watches another one once, however many sinks it serves: a
// process with a hundred views costs the store one watch. The first Watch starts the
// watch of the other source and the last one to return ends it.
//
// It keeps a copy of the content for sinks that come later. The sinks do not wait for each
// other: one that is slow gets the changes it missed in one call, and if there are more of
// them than instances, a Sync instead.
//
// It is safe for concurrent use.
type Shared struct {
	source Source

	lifecycle sync.Mutex // held while the watch of source is started or ended
	stop      context.CancelFunc
	ended     chan struct{} // closed when the watch of source has ended

	mu        sync.Mutex // guards the fields below
	followers map[*follower]struct{}
	content   map[Key]Instance
	revision  int64
	synced    bool
	stale     error      // nil while the source is in contact
	snapshot  []Instance // content as a slice, nil if it has changed since or nobody waits for it
	owed      int        // followers that are to be told everything
	repairs   uint64
	failure   error // why the watch of source has ended, nil while it goes on
}

// Share returns a source that watches source once for all its sinks.
func Share(source Source) *Shared {
	return &Shared{source: source, followers: make(map[*follower]struct{})}
}

// A follower is one sink and what it has not been told yet. Its fields are guarded by
// Shared.mu.
type follower struct {
	woken    chan struct{} // capacity 1
	resync   bool          // told by a Sync, which makes pending void
	pending  []Change
	own      bool  // pending is this follower's own slice, and not the source's
	revision int64 // after pending
	fresh    bool  // contact was confirmed
	stale    error // lost contact, after all the above
	failure  error // the source has ended
}

func (f *follower) wake() {
	select {
	case f.woken <- struct{}{}:
	default:
	}
}

// Watch implements [Source].
func (s *Shared) Watch(ctx context.Context, sink Sink) error {
	f := &follower{woken: make(chan struct{}, 1)}
	s.join(f)
	defer s.leave(f)
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-f.woken:
		}
		if err := s.tell(f, sink); err != nil {
			return err
		}
	}
}

// join adds a follower, and starts the watch of the source for the first.
func (s *Shared) join(f *follower) {
	s.lifecycle.Lock()
	defer s.lifecycle.Unlock()
	s.mu.Lock()
	first := len(s.followers) == 0
	s.followers[f] = struct{}{}
	if s.synced {
		s.owe(f)
	}
	if first {
		s.failure = nil
	}
	f.revision, f.stale, f.failure = s.revision, s.stale, s.failure
	f.wake()
	s.mu.Unlock()
	if !first {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	s.stop, s.ended = stop, ended
	go func() {
		defer close(ended)
		s.fail(s.source.Watch(ctx, (*sharedSink)(s)))
	}()
}

// leave removes a follower, and ends the watch of the source after the last.
func (s *Shared) leave(f *follower) {
	s.lifecycle.Lock()
	defer s.lifecycle.Unlock()
	s.mu.Lock()
	delete(s.followers, f)
	if f.resync {
		s.owed--
	}
	last := len(s.followers) == 0
	s.mu.Unlock()
	if !last {
		return
	}
	s.stop()
	<-s.ended
	s.mu.Lock()
	defer s.mu.Unlock()
	s.content, s.snapshot, s.synced, s.stale = nil, nil, false, nil
}

var errSourceEnded = errors.New("discovery: the source has ended")

// fail tells all followers that the source has ended.
func (s *Shared) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		err = errSourceEnded
	}
	s.failure = err
	for f := range s.followers {
		f.failure = err
		f.wake()
	}
}

// tell brings a sink up to date. Only its own goroutine calls it, so that the sink is
// called without a lock held.
func (s *Shared) tell(f *follower, sink Sink) error {
	s.mu.Lock()
	told := *f
	var all []Instance
	if f.resync {
		all = s.settle()
	}
	f.resync, f.pending, f.fresh, f.stale = false, nil, false, nil
	s.mu.Unlock()

	switch {
	case told.resync:
		sink.Sync(told.revision, all)
	case len(told.pending) > 0:
		sink.Apply(told.revision, told.pending)
	}
	switch {
	case told.stale != nil:
		sink.Stale(told.stale)
	case told.fresh && !told.resync:
		sink.Fresh(told.revision)
	}
	return told.failure
}

// owe notes that a follower is to be told everything. The caller holds s.mu.
func (s *Shared) owe(f *follower) {
	if !f.resync {
		s.owed++
	}
	f.resync, f.pending = true, nil
}

// settle returns the content for one follower that is owed it. They share one slice, which
// is kept no longer than one of them waits for it. The caller holds s.mu.
func (s *Shared) settle() []Instance {
	all := s.snapshot
	if all == nil {
		all = slices.AppendSeq(make([]Instance, 0, len(s.content)), maps.Values(s.content))
	}
	s.snapshot = all
	s.owed--
	if s.owed == 0 {
		s.snapshot = nil
	}
	return all
}

// Repairs tells how many instances the source found to differ when it read everything again
// although it had not lost contact.
func (s *Shared) Repairs() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.repairs
}

// differences counts the instances that are only in one of both, or not the same.
func differences(a, b map[Key]Instance) int {
	n := 0
	for key, instance := range a {
		if other, ok := b[key]; !ok || !other.Equal(instance) {
			n++
		}
	}
	for key := range b {
		if _, ok := a[key]; !ok {
			n++
		}
	}
	return n
}

// A sharedSink is the sink of the one watch.
type sharedSink Shared

func (s *sharedSink) shared() *Shared { return (*Shared)(s) }

// Sync implements [Sink].
func (s *sharedSink) Sync(revision int64, all []Instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, unbroken := s.content, s.synced && s.stale == nil
	s.content = make(map[Key]Instance, len(all))
	for _, instance := range all {
		s.content[instance.Key()] = instance
	}
	if unbroken {
		s.repairs += uint64(differences(before, s.content))
	}
	s.snapshot, s.revision, s.synced, s.stale = all, revision, true, nil
	for f := range s.followers {
		s.shared().owe(f)
		f.revision, f.stale = revision, nil
		f.wake()
	}
}

// Apply implements [Sink].
func (s *sharedSink) Apply(revision int64, changes []Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.synced {
		return // against the contract
	}
	for _, change := range changes {
		if change.Removed {
			delete(s.content, change.Instance.Key())
		} else {
			s.content[change.Instance.Key()] = change.Instance
		}
	}
	s.snapshot, s.revision = nil, revision
	for f := range s.followers {
		f.revision = revision
		switch {
		case f.resync:
		case len(f.pending) == 0:
			f.pending, f.own = changes, false
		case len(f.pending)+len(changes) > len(s.content)+minBacklog:
			s.shared().owe(f)
		default:
			if !f.own { // belongs to nobody, and others have it
				f.pending, f.own = slices.Clip(f.pending), true
			}
			f.pending = append(f.pending, changes...)
		}
		f.wake()
	}
}

// minBacklog is how many changes a slow sink may miss in any case before it is told all.
const minBacklog = 1024

// Stale implements [Sink].
func (s *sharedSink) Stale(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale = err
	for f := range s.followers {
		f.stale, f.fresh = err, false
		f.wake()
	}
}

// Fresh implements [Sink].
func (s *sharedSink) Fresh(revision int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision, s.stale = max(s.revision, revision), nil
	for f := range s.followers {
		f.revision, f.fresh, f.stale = s.revision, true, nil
		f.wake()
	}
}
