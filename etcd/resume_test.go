package etcd_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/naming/endpoints"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd"
)

func put(t *testing.T, client *clientv3.Client, n int) {
	t.Helper()
	must(client.Put(t.Context(), "services/mail/i"+strconv.Itoa(n), fmt.Sprintf(`{"v":1,"address":"10.0.0.1:%d"}`, n)))(t)
}

// A watch whose history is still there continues where it was: nothing is read again, and
// nothing is lost.
func TestWatchResumes(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	reader, r := throughRelay(t, s)
	client := s.client()
	for n := range 20 {
		put(t, client, n)
	}
	view := runView(t, reader)
	const rounds = 3
	for round := range rounds {
		r.breakOff()
		eventually(t, "the view is stale", func() bool { return view.Status().Stale })
		must(client.Delete(t.Context(), "services/mail/i"+strconv.Itoa(round)))(t)
		put(t, client, 100+round)
		r.mend()
		eventually(t, "the view is fresh and agrees", func() bool {
			return !view.Status().Stale && agrees(view, truth(t, client))
		})
	}
	if got := reader.WatchStatus(); got.Resumes != rounds || got.Resyncs != 0 || got.Reconnects != rounds || got.Restores != 0 {
		t.Errorf("after %d disconnects: %+v", rounds, got)
	}
	if got := view.Status(); got.Resyncs != 0 {
		t.Errorf("the view was read again %d times", got.Resyncs)
	}
}

// An answer that the watch overtakes, because writes come all the time, is no sign of a store
// that went back.
func TestWatchKeepsUpWithWrites(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	slow := s.client()
	slow.KV = slowKV{slow.KV}
	reader := etcd.New(slow, etcd.Options{TTL: ttl, Heartbeat: time.Millisecond})
	client := s.client()
	view := runView(t, reader)
	const writers, each = 8, 250
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for n := range each {
				_, err := client.Put(context.Background(), "services/mail/i"+strconv.Itoa(w), fmt.Sprintf(`{"v":1,"address":"10.0.0.1:%d"}`, 1+n))
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	eventually(t, "the view agrees", func() bool { return agrees(view, truth(t, client)) })
	if got := reader.WatchStatus(); got.Reconnects != 0 {
		t.Errorf("after writes without a pause: %+v", got)
	}
}

// A slowKV gives its answers late.
type slowKV struct{ clientv3.KV }

func (k slowKV) Get(ctx context.Context, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	response, err := k.KV.Get(ctx, key, opts...)
	time.Sleep(20 * time.Millisecond)
	return response, err
}

// A store that is replaced by another at the same address, with other content at the same
// revisions, is recognised.
func TestWatchRecognisesAnotherStore(t *testing.T) {
	t.Parallel()
	for _, more := range []int{0, 20} { // the other store is behind, or ahead
		s := newStore(t)
		reader, r := throughRelay(t, s)
		client := s.client()
		for n := range 10 {
			put(t, client, n)
		}
		view := runView(t, reader)
		r.breakOff()
		eventually(t, "the view is stale", func() bool { return view.Status().Stale })
		other := newStore(t)
		for n := range 5 + more {
			put(t, other.client(), 3+2*n)
		}
		r.redirect(other.listen)
		r.mend()
		eventually(t, "the view shows the other store", func() bool {
			return !view.Status().Stale && agrees(view, truth(t, other.client()))
		})
		if got := reader.WatchStatus(); got.Restores != 1 || got.Resumes != 0 {
			t.Errorf("the other store is %d writes ahead: %+v", more, got)
		}
	}
}

// An event that never comes is found by reading everything again, beside a watch that goes on.
func TestRelistRepairs(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	reader := s.client()
	reader.Watcher = &lossyWatcher{Watcher: reader.Watcher, lost: "services/mail/i3"}
	backend := etcd.New(reader, etcd.Options{TTL: ttl, Heartbeat: heartbeat, Relist: time.Second})
	client := s.client()
	for n := range 10 {
		put(t, client, n)
	}
	view := runView(t, backend)
	must(client.Delete(t.Context(), "services/mail/i3"))(t)
	put(t, client, 10)
	eventually(t, "the later change is seen", func() bool { return len(view.Get("mail")) == 11 })
	eventually(t, "the lost event is made up for", func() bool { return agrees(view, truth(t, client)) })
	if view.Status().Stale {
		t.Errorf("status: %+v", view.Status())
	}
	if got := backend.WatchStatus(); got.Relists == 0 || got.Reconnects != 0 || got.Repairs != 1 {
		t.Errorf("watch: %+v", got)
	}
	// Relists disturb nothing while the store changes all the time.
	before := backend.WatchStatus().Relists
	for n := 0; backend.WatchStatus().Relists < before+3; n++ {
		put(t, client, 20+n%50)
		must(client.Delete(t.Context(), "services/mail/i"+strconv.Itoa(20+(n+25)%50)))(t)
	}
	eventually(t, "the view agrees", func() bool { return agrees(view, truth(t, client)) })
	if got := backend.WatchStatus().Repairs; got != 1 {
		t.Errorf("%d repairs of a view that missed one event", got)
	}
}

// A lossyWatcher drops the removal of one key, as etcd has been seen to do.
type lossyWatcher struct {
	clientv3.Watcher

	lost string
}

func (w *lossyWatcher) Watch(ctx context.Context, key string, opts ...clientv3.OpOption) clientv3.WatchChan {
	responses := make(chan clientv3.WatchResponse)
	go func() {
		defer close(responses)
		for response := range w.Watcher.Watch(ctx, key, opts...) {
			if len(response.Events) > 0 {
				response.Events = slices.DeleteFunc(response.Events, func(e *clientv3.Event) bool {
					return e.GetType() == clientv3.EventTypeDelete && string(e.GetKv().GetKey()) == w.lost
				})
				if len(response.Events) == 0 {
					continue
				}
			}
			select {
			case responses <- response:
			case <-ctx.Done():
				return
			}
		}
	}()
	return responses
}

// The lag is the time between a question and its delivery, and grows while there is none.
func TestLagGrowsWithoutContact(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	reader, r := throughRelay(t, s)
	view := runView(t, reader)
	eventually(t, "the lag is known and small", func() bool {
		got := reader.WatchStatus()
		return got.Contact && got.Lag > 0 && got.Lag < time.Second
	})
	r.hold()
	eventually(t, "the lag grows", func() bool { return reader.WatchStatus().Lag > 3*time.Second })
	if !view.Status().Stale {
		t.Error("a lag of three seconds, and the view is not stale")
	}
	r.flow()
	eventually(t, "the lag is small again", func() bool { got := reader.WatchStatus(); return got.Contact && got.Lag < time.Second })
}

// What one side writes the other reads: etcd's own naming/endpoints, and ours.
func TestNamingEndpoints(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	client := s.client()
	manager := must(endpoints.NewManager(client, "services/mail"))(t)
	must(0, manager.AddEndpoint(t.Context(), "services/mail/theirs", endpoints.Endpoint{
		Addr: "10.0.0.9:1", Metadata: map[string]any{"zone": "z", "weight": "3", "number": 4},
	}))(t)
	must(0, manager.AddEndpoint(t.Context(), "services/mail/bare", endpoints.Endpoint{Addr: "10.0.0.8:1"}))(t)
	backend := etcd.New(client, etcd.Options{TTL: ttl, Heartbeat: heartbeat, Endpoints: true})
	ours := discovery.Instance{Service: "mail", ID: "ours", Address: "10.0.0.1:1", Zone: "a", Metadata: map[string]string{"weight": "2"}}
	announce(t, backend, ours)
	view := runView(t, backend)
	want := []discovery.Instance{
		{Service: "mail", ID: "bare", Address: "10.0.0.8:1"}, ours,
		{Service: "mail", ID: "theirs", Address: "10.0.0.9:1", Zone: "z", Metadata: map[string]string{"weight": "3"}},
	}
	eventually(t, "all three are seen", func() bool { return len(view.Get("mail")) == 3 })
	for i, got := range view.Get("mail") {
		if !got.Equal(want[i]) {
			t.Errorf("instance %d is %+v, want %+v", i, got, want[i])
		}
	}
	listed := must(manager.List(t.Context()))(t)
	if got := listed["services/mail/ours"]; got.Addr != ours.Address || fmt.Sprint(got.Metadata) != "map[weight:2]" {
		t.Errorf("naming/endpoints reads ours as %+v", got)
	}
	if len(listed) != 3 {
		t.Errorf("naming/endpoints lists %v", listed)
	}
	if skipped := backend.WatchStatus().Skipped; skipped != 0 {
		t.Errorf("%d values were skipped", skipped)
	}
}

// A process that leaves says so first: readers see it draining, then gone.
func TestCloseSaysFarewell(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	client := s.client()
	events := client.Watch(t.Context(), "services/mail/i1")
	announcement := must(s.backend().Announce(t.Context(), []discovery.Instance{instance("mail", 1)}))(t)
	must(0, announcement.Close(t.Context()))(t)
	var seen []string
	for len(seen) < 3 {
		for _, event := range (<-events).Events {
			seen = append(seen, event.GetType().String()+" "+string(event.GetKv().GetValue()))
		}
	}
	want := []string{
		`PUT {"v":1,"address":"10.0.0.1:1"}`,
		`PUT {"v":1,"address":"10.0.0.1:1","draining":true}`,
		`DELETE `,
	}
	if fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("the key's history is %q, want %q", seen, want)
	}
}
