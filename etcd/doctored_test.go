package etcd_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/roster-go/roster/etcd"
)

// A doctored stream is a watch's whose answers a test changes or holds back, as those of
// stores are that fail in ways that the one at hand does not.
type doctored struct {
	grpc.ClientStream

	doctor func(*etcdserverpb.WatchResponse)
}

func (d doctored) RecvMsg(m any) error {
	err := d.ClientStream.RecvMsg(m)
	if response, ok := m.(*etcdserverpb.WatchResponse); ok && err == nil {
		d.doctor(response)
	}
	return err
}

func doctoredBackend(t *testing.T, s *store, opts etcd.Options, doctor func(*etcdserverpb.WatchResponse)) *etcd.Backend {
	t.Helper()
	intercept := func(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		stream, err := open(ctx, desc, conn, method, opts...)
		if err != nil {
			return nil, err
		}
		return doctored{stream, doctor}, nil
	}
	client := must(clientv3.New(clientv3.Config{
		Endpoints:   []string{s.listen},
		Logger:      zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithChainStreamInterceptor(intercept)},
	}))(t)
	t.Cleanup(func() { client.Close() })
	return etcd.New(client, opts)
}

// etcd before 3.5.8 may say that a watch has delivered a revision before it has.
func TestWatchSurvivesProgressThatIsEarly(t *testing.T) {
	s := newStore(t)
	var early atomic.Bool
	backend := doctoredBackend(t, s, etcd.Options{Heartbeat: heartbeat}, func(r *etcdserverpb.WatchResponse) {
		if len(r.GetEvents()) == 0 && !r.GetCreated() && early.CompareAndSwap(true, false) {
			r.Header.Revision++
		}
	})
	view := runView(t, backend)
	other := s.client()
	early.Store(true)
	must(other.Put(t.Context(), "elsewhere", ""))(t) // so that the watch is asked how far it is
	eventually(t, "it was told too early", func() bool { return !early.Load() })
	must(other.Put(t.Context(), "services/mail/i1", `{"v":1,"address":"10.0.0.1:1"}`))(t)
	eventually(t, "the instance is seen", func() bool { return len(view.Get("mail")) == 1 && !view.Status().Stale })
	if got := backend.WatchStatus(); got.Resyncs != 1 || got.Restores != 0 {
		t.Errorf("it was not read again, once: %+v", got)
	}
}

// A watch whose answers come from another cluster tells nothing about this one.
func TestWatchOfAnotherClusterIsNotBelieved(t *testing.T) {
	s := newStore(t)
	var wrong atomic.Bool
	backend := doctoredBackend(t, s, etcd.Options{Heartbeat: heartbeat}, func(r *etcdserverpb.WatchResponse) {
		if len(r.GetEvents()) > 0 && wrong.CompareAndSwap(true, false) {
			r.Header.ClusterId++
			r.Events[0].Kv.Value = []byte(`{"v":1,"address":"10.6.6.6:1"}`)
		}
	})
	view := runView(t, backend)
	wrong.Store(true)
	must(s.client().Put(t.Context(), "services/mail/i1", `{"v":1,"address":"10.0.0.1:1"}`))(t)
	eventually(t, "the instance is seen", func() bool {
		got := view.Get("mail")
		return len(got) == 1 && got[0].Address == "10.0.0.1:1"
	})
	if got := backend.WatchStatus(); got.Resyncs != 1 || got.Restores != 1 {
		t.Errorf("it was not read again, once: %+v", got)
	}
}

// A watch that delivers no more is noticed when the delivery is overdue, and not at some
// heartbeat after that.
func TestWatchThatFallsBehindTurnsStaleInTime(t *testing.T) {
	s := newStore(t)
	const rhythm = 1400 * time.Millisecond // a little less than a delivery may take
	var held atomic.Pointer[chan struct{}]
	backend := doctoredBackend(t, s, etcd.Options{Heartbeat: rhythm}, func(*etcdserverpb.WatchResponse) {
		if flows := held.Load(); flows != nil {
			<-*flows
		}
	})
	view := runView(t, backend)
	eventually(t, "the watch delivers", func() bool { return backend.WatchStatus().Lag > 0 })
	flows := make(chan struct{})
	t.Cleanup(func() { close(flows) })
	held.Store(&flows)
	must(s.client().Put(t.Context(), "services/mail/i1", `{"v":1,"address":"10.0.0.1:1"}`))(t)
	eventually(t, "it is stale", func() bool { return view.Status().Stale })
	// The lag is the time since the question that is open.
	if lag := backend.WatchStatus().Lag; lag < 1400*time.Millisecond || lag > 2200*time.Millisecond {
		t.Errorf("stale %v after the question, want 1.5 s", lag)
	}
}

// A watch that the store does not even confirm is noticed as well.
func TestWatchThatIsNotOpenedTurnsStale(t *testing.T) {
	s := newStore(t)
	flows := make(chan struct{})
	backend := doctoredBackend(t, s, etcd.Options{Heartbeat: heartbeat}, func(*etcdserverpb.WatchResponse) { <-flows })
	view := runView(t, backend)
	eventually(t, "it is stale", func() bool { return view.Status().Stale })
	close(flows)
	eventually(t, "it is fresh", func() bool { return !view.Status().Stale && backend.WatchStatus().Lag > 0 })
}
