package discovery_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/discovery/discoverytest"
)

// sharedMemory is a Memory behind a Shared, as the conformance kit wants it.
type sharedMemory struct {
	*discovery.Memory

	shared *discovery.Shared
}

func (m sharedMemory) Watch(ctx context.Context, sink discovery.Sink) error {
	return m.shared.Watch(ctx, sink)
}
func (m sharedMemory) TTL() time.Duration { return 200 * time.Millisecond }

func (m sharedMemory) Crash(a discovery.Announcement) { a.(*discovery.MemoryAnnouncement).Abandon() }

func (m sharedMemory) LoseLease(a discovery.Announcement) {
	a.(*discovery.MemoryAnnouncement).LoseLease()
}
func (m sharedMemory) Disconnect() { m.Interrupt(nil) }
func (m sharedMemory) Reconnect()  { m.Resume() }

func TestSharedConforms(t *testing.T) {
	discoverytest.Run(t, func(*testing.T) discoverytest.Backend {
		store := discovery.NewMemory(200 * time.Millisecond)
		return sharedMemory{store, discovery.Share(store)}
	})
}

// counting counts the watches that run.
type counting struct {
	discovery.Source

	running, most atomic.Int64
}

func (c *counting) Watch(ctx context.Context, sink discovery.Sink) error {
	c.most.Store(max(c.most.Load(), c.running.Add(1)))
	defer c.running.Add(-1)
	return c.Source.Watch(ctx, sink)
}

// Many views, which come and go while the store changes, see what it holds through one
// watch, and none is left in the end.
func TestSharedWatchesOnce(t *testing.T) {
	t.Parallel()
	store := discovery.NewMemory(time.Minute)
	source := &counting{Source: store}
	shared := discovery.Share(source)
	announcement, err := store.Announce(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	const views, states = 50, 200
	var all []*discovery.View
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for range views {
		v := discovery.NewView(discovery.In(roster.NewDirectory()))
		all = append(all, v)
		wg.Go(func() { _ = v.Run(ctx, shared) })
		wg.Go(func() { // one that does not stay
			brief, end := context.WithCancel(ctx)
			passing := discovery.NewView(discovery.In(roster.NewDirectory()))
			go func() { <-passing.Ready(); end() }()
			_ = passing.Run(brief, shared)
		})
	}
	for n := range states {
		if err := announcement.Update(ctx, []discovery.Instance{
			{Service: "mail", ID: "same", Address: "10.0.0.1:" + strconv.Itoa(n)},
			{Service: "mail", ID: strconv.Itoa(n), Address: "10.0.0.1:1"},
		}); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{strconv.Itoa(states - 1), "same"}
	for i, v := range all {
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
			var ids []string
			for _, instance := range v.Get("mail") {
				ids = append(ids, instance.ID)
			}
			if slices.Equal(ids, want) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("view %d shows %v, want %v", i, ids, want)
			}
		}
	}
	cancel()
	wg.Wait()
	if source.most.Load() != 1 || source.running.Load() != 0 {
		t.Errorf("at most %d watches at once, %d left; want 1 and 0", source.most.Load(), source.running.Load())
	}
}

// What ends the one watch ends all.
func TestSharedEndsWithItsSource(t *testing.T) {
	t.Parallel()
	fault := errors.New("no more")
	shared := discovery.Share(brokenSource{fault})
	if err := shared.Watch(t.Context(), discovery.NewView(discovery.In(roster.NewDirectory()))); !errors.Is(err, fault) {
		t.Errorf("Watch returned %v, want %v", err, fault)
	}
}

type brokenSource struct{ err error }

func (s brokenSource) Watch(context.Context, discovery.Sink) error { return s.err }

// A script is a source that does what a test wants.
type script func(ctx context.Context, sink discovery.Sink) error

func (s script) Watch(ctx context.Context, sink discovery.Sink) error { return s(ctx, sink) }

// A blockedSink is held in Apply and Stale until it is let go.
type blockedSink struct {
	entered chan struct{} // closed by the first call that is held
	once    sync.Once
	release chan struct{}
}

func newBlockedSink() *blockedSink {
	return &blockedSink{entered: make(chan struct{}), release: make(chan struct{})}
}

func (s *blockedSink) hold() {
	s.once.Do(func() { close(s.entered) })
	<-s.release
}
func (s *blockedSink) Sync(int64, []discovery.Instance) {}
func (s *blockedSink) Apply(int64, []discovery.Change)  { s.hold() }
func (s *blockedSink) Stale(error)                      { s.hold() }
func (s *blockedSink) Fresh(int64)                      {}

// Who joins when the source has ended, and others have not noticed yet, is told as well.
func TestSharedTellsWhoJoinsAfterTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fault := errors.New("no more")
		shared := discovery.Share(script(func(_ context.Context, sink discovery.Sink) error {
			sink.Stale(fault)
			return fault
		}))
		busy := newBlockedSink()
		ended := make(chan struct{})
		go func() { defer close(ended); _ = shared.Watch(t.Context(), busy) }()
		synctest.Wait() // the source has ended, and its only sink is busy with Stale
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := shared.Watch(ctx, newView()); !errors.Is(err, fault) {
			t.Errorf("who joined was told %v, want %v", err, fault)
		}
		close(busy.release)
		<-ended
	})
}

// What a slow sink misses costs no more per change the more there is of it: the source and
// all other sinks wait for it to be noted.
func TestSharedNotesWhatASlowSinkMissesCheaply(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	const n = 5_000
	all := make([]discovery.Instance, n)
	for i := range all {
		all[i] = at("mail", strconv.Itoa(i), "x:1")
	}
	slow := newBlockedSink()
	var spent uint64
	noted := make(chan struct{})
	shared := discovery.Share(script(func(ctx context.Context, sink discovery.Sink) error {
		sink.Sync(1, all)
		var before, after runtime.MemStats
		for revision := int64(2); ; revision++ { // the sink may take the first ones for a part of the Sync
			sink.Apply(revision, []discovery.Change{put(all[0])})
			select {
			case <-slow.entered:
			default:
				runtime.Gosched()
				continue
			}
			runtime.ReadMemStats(&before)
			for i := range n {
				sink.Apply(revision+1+int64(i), []discovery.Change{put(all[i])})
			}
			break
		}
		runtime.ReadMemStats(&after)
		spent = after.TotalAlloc - before.TotalAlloc
		close(noted)
		<-ctx.Done()
		return context.Cause(ctx)
	}))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = shared.Watch(ctx, slow) }()
	<-noted
	cancel()
	close(slow.release)
	<-ended
	// A copy of all that was missed at every change would be 2 GB.
	if spent > 64<<20 {
		t.Errorf("%d changes took %d MB", n, spent>>20)
	}
}
