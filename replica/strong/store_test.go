package strong_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roster-go/roster/replica/strong"
)

// A scripted engine hands its sink to the test.
type scripted struct {
	strong.Engine

	sinks chan strong.Sink
	asked chan struct{}
}

func (s *scripted) Watch(ctx context.Context, ask <-chan struct{}, sink strong.Sink) error {
	s.sinks <- sink
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ask:
			s.asked <- struct{}{}
		}
	}
}

// script runs a store whose engine is the test.
func script(t *testing.T) (*strong.Store, strong.Sink, <-chan struct{}) {
	t.Helper()
	engine := &scripted{Engine: strong.NewMemory().Member("test"), sinks: make(chan strong.Sink), asked: make(chan struct{}, 100)}
	store := strong.New(engine)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- store.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
		if store.View().Err() == nil {
			t.Error("a store that does not run says nothing")
		}
	})
	return store, <-engine.sinks, engine.asked
}

func entry(key string, version strong.Version) strong.Entry {
	return strong.Entry{Key: key, Value: []byte(key), Version: version}
}

func TestProofEndsWithItsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, sink, _ := script(t)
		if _, err := store.Local(time.Hour); !isA[*strong.StaleError](err) {
			t.Errorf("before anything was read: %v", err)
		}
		asked := time.Now()
		time.Sleep(300 * time.Millisecond) // the answer's way
		sink.Sync(7, []strong.Entry{entry("a", 3)})
		if _, err := store.Local(time.Hour); !isA[*strong.StaleError](err) {
			t.Errorf("read, but not proven: %v", err)
		}
		sink.Fresh(asked, 7)
		for _, c := range []struct {
			bound time.Duration
			ok    bool
		}{{299 * time.Millisecond, false}, {300 * time.Millisecond, true}, {time.Second, true}} {
			if _, err := store.Local(c.bound); (err == nil) != c.ok {
				t.Errorf("Local(%v) 300 ms after the question: %v", c.bound, err)
			}
		}
		sink.Lost(errors.New("gone"))
		time.Sleep(600 * time.Millisecond) // time without contact
		if _, err := store.Local(time.Second); err != nil {
			t.Errorf("a proof holds on without contact: %v", err)
		}
		time.Sleep(200 * time.Millisecond) // time without contact
		_, err := store.Local(time.Second)
		if stale, ok := errors.AsType[*strong.StaleError](err); !ok || stale.Age != 1100*time.Millisecond || stale.Have != 7 || stale.Err == nil {
			t.Errorf("1.1 s after the question: %v", err)
		}
		// An older question that is answered late takes nothing back.
		now := time.Now()
		sink.Fresh(now, 8)
		sink.Fresh(asked, 8)
		if view := store.View(); !view.AsOf().Equal(now) || view.Version() != 8 || view.Err() != nil {
			t.Errorf("as of %v at %d: %v", view.AsOf(), view.Version(), view.Err())
		}
	})
}

func TestProofsOfAnotherStoreDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, sink, _ := script(t)
		sink.Sync(7, []strong.Entry{entry("a", 3)})
		sink.Fresh(time.Now(), 7)
		sink.Sync(9, []strong.Entry{entry("a", 3)}) // read again beside the watch
		if _, err := store.Local(time.Second); err != nil {
			t.Errorf("the same store: %v", err)
		}
		sink.Lost(errors.New("gone"))
		sink.Sync(12, []strong.Entry{entry("b", 11)}) // restored from a backup, perhaps
		if _, err := store.Local(time.Second); err == nil {
			t.Error("what was proven of a store that was lost counts for the one that was found")
		}
	})
}

func TestBarrierWaitsForAQuestionOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, sink, asked := script(t)
		before := time.Now()
		sink.Sync(7, nil)
		time.Sleep(time.Second) // so that the times differ
		done := make(chan error, 1)
		go func() { done <- store.Barrier(t.Context()) }()
		<-asked
		sink.Fresh(before, 7) // was asked before the call
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("it did not wait: %v", err)
		default:
		}
		sink.Fresh(time.Now(), 7)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestOneRunAtATime(t *testing.T) {
	store, _, _ := script(t)
	if err := store.Run(t.Context()); !errors.Is(err, strong.ErrRunning) {
		t.Errorf("a second Run: %v", err)
	}
}

func TestStoreConcurrentSafe(t *testing.T) {
	memory := strong.NewMemory()
	member := memory.Member("here")
	store, stop := running(member)
	defer stop()
	ctx, cancel := context.WithCancel(t.Context())
	var working sync.WaitGroup
	for n := range 4 {
		working.Go(func() {
			for i := range 200 {
				key := strconv.Itoa((i + n) % 10)
				_, _ = store.Put(ctx, key, []byte(key))
				_, _ = store.Delete(ctx, key)
				_ = store.Barrier(ctx)
				if view, err := store.Local(time.Second); err == nil {
					view.Get(key)
					for entry := range view.List("") {
						if string(entry.Value) != entry.Key {
							t.Errorf("%+v", entry)
						}
					}
				}
			}
		})
	}
	var looping sync.WaitGroup
	looping.Go(func() {
		last := strong.Version(0)
		for batch := range store.Changes(ctx) {
			if batch.Version < last {
				t.Errorf("version %d after %d", batch.Version, last)
			}
			last = batch.Version
		}
	})
	working.Wait()
	cancel()
	looping.Wait()
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func TestReadsDoNotAllocate(t *testing.T) {
	store, stop := running(strong.NewMemory().Member("here"))
	defer stop()
	if _, err := store.Put(t.Context(), "key", []byte("value")); err != nil {
		t.Fatal(err)
	}
	if err := store.Barrier(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop() // so that nothing else allocates; the proof lasts
	n := testing.AllocsPerRun(1000, func() {
		view, err := store.Local(time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := view.Get("key"); !ok {
			t.Fatal("not there")
		}
		if _, ok := store.View().Get("key"); !ok {
			t.Fatal("not there")
		}
	})
	if n != 0 {
		t.Errorf("a read allocates %v times", n)
	}
}
