package strongtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/roster-go/roster/replica/strong"
)

// A System is a store as the tests see it: with two ways to it, one of which can be cut.
type System struct {
	Engine strong.Engine // behind the link that Cut cuts
	Other  strong.Engine // never cut

	Cut  func()        // cuts Engine off from the quorum, without a word
	Mend func()        // ends Cut and Mute
	Mute func()        // lets the requests of Engine through and loses the answers; nil if that cannot be done
	Wait time.Duration // longer than the engine takes for any request and to notice any fault
}

// Run runs the suite. Each test creates a system of its own, with an empty store, and
// expects create to release it with t.Cleanup.
func Run(t *testing.T, create func(t *testing.T) System) {
	t.Helper()
	for _, c := range []struct {
		name string
		why  string // the promise, in the words of package strong
		test func(h *harness)
	}{
		{"WrittenIsRead", "what was written is read by everybody", writtenIsRead},
		{"VersionsGrow", "versions grow with every write, of whatever key", versionsGrow},
		{"DeleteRemoves", "Delete removes, and removing what is not there is no error", deleteRemoves},
		{"GuardHolds", "a guarded write is made only at the expected version", guardHolds},
		{"ListIsWhole", "List gives all keys under a prefix, sorted, and no others", listIsWhole},
		{"CounterIsExact", "of many that compare and set, each success counts once", counterIsExact},
		{"ViewFollows", "the view becomes what the store holds", viewFollows},
		{"AwaitShowsOwnWrites", "after Await of its version a write is in the view", awaitShowsOwnWrites},
		{"BarrierShowsAll", "after Barrier the view has everything acknowledged before", barrierShowsAll},
		{"AsOfIsTrue", "a view has everything acknowledged before AsOf", asOfIsTrue},
		{"ChangesAddUp", "the batches of Changes add up to the view", changesAddUp},
		{"NoQuorumIsClear", "without a quorum writes and reads say so, and nothing was written", noQuorumIsClear},
		{"NoQuorumReadsGoOn", "without a quorum the view stays and says why, and Local refuses", noQuorumReadsGoOn},
		{"MendedIsExact", "after an outage the view is exactly what the store holds", mendedIsExact},
		{"LostAnswerIsInDoubt", "a write whose answer was lost is in doubt, not failed", lostAnswerIsInDoubt},
		{"CancelledIsNotWritten", "a write whose context has ended is not made", cancelledIsNotWritten},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Logf("promise: %s", c.why)
			c.test(&harness{T: t, System: create(t)})
		})
	}
}

// A harness is one test's system with what the tests share.
type harness struct {
	*testing.T
	System
}

// store gives a store without a view over an engine.
func (h *harness) store(engine strong.Engine) *strong.Store { return strong.New(engine) }

// running gives a store that is ready and runs until the end of the test.
func (h *harness) running(engine strong.Engine) *strong.Store {
	h.Helper()
	store := strong.New(engine)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- store.Run(ctx) }()
	h.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) {
				h.Errorf("Run returned %v, want the cause of the context's end", err)
			}
		case <-time.After(h.Wait):
			h.Errorf("Run did not return within %v of its context's end", h.Wait)
		}
	})
	select {
	case <-store.Ready():
	case <-time.After(h.Wait):
		h.Fatalf("the store is not ready within %v: %v", h.Wait, store.View().Err())
	}
	return store
}

func (h *harness) context() context.Context {
	h.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), h.Wait)
	h.Cleanup(cancel)
	return ctx
}

func (h *harness) eventually(expected string, holds func() bool) {
	h.Helper()
	const pause = 5 * time.Millisecond
	for deadline := time.Now().Add(h.Wait); !holds(); time.Sleep(pause) {
		if time.Now().After(deadline) {
			h.Fatalf("not within %v: %s", h.Wait, expected)
		}
	}
}

func (h *harness) put(store *strong.Store, key, value string) strong.Version {
	h.Helper()
	version, err := store.Put(h.context(), key, []byte(value))
	if err != nil {
		h.Fatalf("Put %s: %v", key, err)
	}
	return version
}

// get reads over the quorum; "" if the key is not there.
func (h *harness) get(store *strong.Store, key string) strong.Entry {
	h.Helper()
	entry, found, err := store.Get(h.context(), key)
	if err != nil {
		h.Fatalf("Get %s: %v", key, err)
	}
	if found != (entry.Version != 0) {
		h.Fatalf("Get %s: found is %v, and the version %d", key, found, entry.Version)
	}
	return entry
}

func (h *harness) barrier(store *strong.Store) {
	h.Helper()
	if err := store.Barrier(h.context()); err != nil {
		h.Fatalf("Barrier: %v", err)
	}
}
