package discoverytest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
)

// Run runs the kit. Each test creates a backend of its own, with an empty store, and
// expects create to release it with t.Cleanup.
func Run(t *testing.T, create func(t *testing.T) Backend) {
	t.Helper()
	for _, c := range []struct {
		name string
		why  string // the promise, in the words of package discovery
		test func(h *harness)
	}{
		{"AnnouncedIsSeen", "a view holds what is announced before and after it starts", announcedIsSeen},
		{"EmptyStoreIsReady", "a view of an empty store is ready", emptyStoreIsReady},
		{"EverythingSurvives", "every field of an instance arrives as it was announced", everythingSurvives},
		{"InvalidIsRefused", "an invalid instance is refused and nothing is announced", invalidIsRefused},
		{"CloseRemoves", "Close removes the instances without waiting for the lease", closeRemoves},
		{"CloseTwice", "only the first Close does anything, and Update fails after it", closeTwice},
		{"CrashExpires", "the instances of a crashed process vanish with its lease", crashExpires},
		{"RenewalHolds", "a living announcement outlasts its lease time", renewalHolds},
		{"UpdateReplaces", "Update adds, changes and removes", updateReplaces},
		{"LeavingIsAnnounced", "what Update or Close removes drains first, so that readers can tell it from what expired", leavingIsAnnounced},
		{"LostLeaseReturns", "an announcement that lost its lease registers again", lostLeaseReturns},
		{"SuccessorStays", "a successor with the same key outlives its predecessor's Close", successorStays},
		{"SuccessorIsNotOverwritten", "registering again leaves a successor's key alone", successorIsNotOverwritten},
		{"DisconnectTurnsStale", "a view that lost contact says so, keeps its state, and recovers", disconnectTurnsStale},
		{"NoLossNoPhantom", "after a disconnect the view is exactly what the store holds", noLossNoPhantom},
		{"AnnounceWhileDown", "an announcement made while the store is away registers later", announceWhileDown},
		{"SinkContract", "the source keeps the contract of Sink", sinkContract},
		{"TwoWatches", "two watches of one source do not disturb each other", twoWatches},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Logf("promise: %s", c.why)
			c.test(&harness{T: t, backend: create(t)})
		})
	}
}

// A harness is one test's backend with what the tests share.
type harness struct {
	*testing.T

	backend Backend
}

// patience bounds every wait for something that does happen.
func (h *harness) patience() time.Duration { return 10*time.Second + 4*h.backend.TTL() }

// eventually waits until holds returns true.
func (h *harness) eventually(expected string, holds func() bool) {
	h.Helper()
	const pause = 5 * time.Millisecond
	for deadline := time.Now().Add(h.patience()); !holds(); time.Sleep(pause) {
		if time.Now().After(deadline) {
			h.Fatalf("not within %v: %s", h.patience(), expected)
		}
	}
}

// view runs a ready view until the end of the test.
func (h *harness) view() *discovery.View {
	h.Helper()
	view := discovery.NewView(discovery.In(roster.NewDirectory()))
	h.watch(view)
	select {
	case <-view.Ready():
	case <-time.After(h.patience()):
		h.Fatalf("the view is not ready within %v: %v", h.patience(), view.Status().Err)
	}
	return view
}

// watch runs a watch into sink until the end of the test.
func (h *harness) watch(sink discovery.Sink) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		if view, ok := sink.(*discovery.View); ok {
			ended <- view.Run(ctx, h.backend)
		} else {
			ended <- h.backend.Watch(ctx, sink)
		}
	}()
	h.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) {
				h.Errorf("Watch returned %v, want the cause of the context's end", err)
			}
		case <-time.After(h.patience()):
			h.Errorf("Watch did not return within %v of its context's end", h.patience())
		}
	})
}

// announce announces until the end of the test.
func (h *harness) announce(instances ...discovery.Instance) discovery.Announcement {
	h.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), h.patience())
	defer cancel()
	announcement, err := h.backend.Announce(ctx, instances)
	if err != nil {
		h.Fatalf("Announce: %v", err)
	}
	h.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = announcement.Close(ctx) // the test may have ended it, or the store is away
	})
	return announcement
}

func (h *harness) close(announcement discovery.Announcement) {
	h.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), h.patience())
	defer cancel()
	if err := announcement.Close(ctx); err != nil {
		h.Fatalf("Close: %v", err)
	}
}

func (h *harness) update(announcement discovery.Announcement, instances ...discovery.Instance) {
	h.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), h.patience())
	defer cancel()
	if err := announcement.Update(ctx, instances); err != nil {
		h.Fatalf("Update: %v", err)
	}
}

// sees waits until the view holds exactly want.
func (h *harness) sees(view *discovery.View, want ...discovery.Instance) {
	h.Helper()
	slices.SortFunc(want, byKey)
	h.eventually(fmt.Sprintf("the view holds %v", keys(want)), func() bool {
		return slices.EqualFunc(content(view), want, discovery.Instance.Equal)
	})
}

// registered waits until the announcement says that everything is registered.
func (h *harness) registered(announcement discovery.Announcement) {
	h.Helper()
	h.eventually("the announcement is registered", func() bool {
		status := announcement.Status()
		return status.Registered && status.Err == nil
	})
}

// content is all that a view shows, in order.
func content(view *discovery.View) []discovery.Instance {
	var all []discovery.Instance
	for _, instances := range view.All() {
		all = append(all, instances...)
	}
	return all
}

func byKey(a, b discovery.Instance) int {
	return slices.Compare([]string{a.Service, a.ID}, []string{b.Service, b.ID})
}

func keys(instances []discovery.Instance) []string {
	list := make([]string, len(instances))
	for i, instance := range instances {
		list[i] = instance.Key().String()
	}
	return list
}

// instance returns an instance that can be told from others by its address.
func instance(service, id, address string) discovery.Instance {
	return discovery.Instance{Service: service, ID: id, Address: address}
}
