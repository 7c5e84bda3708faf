package discovery_test

import (
	"bytes"
	"context"
	"os"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd"
	"github.com/roster-go/roster/internal/e2e/clustertest"
)

type viewT = *discovery.View

func keepCopy(path string) discovery.ViewOption { return discovery.KeepCopy(path) }

func withPrefix() clientv3.OpOption { return clientv3.WithPrefix() }

// saveCopy runs a view that keeps a copy, and a test for whether it is written.
func saveCopy(t *testing.T, source discovery.Source, path string) (*discovery.View, func() bool) {
	t.Helper()
	v := view(t, source, keepCopy(path))
	eventually(t, patience, "all are announced", func() bool { return len(v.Get("pay")) == 3 })
	return v, func() bool { return copied(path) == 3 }
}

// copied tells how many instances the copy at path has.
func copied(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	return bytes.Count(text, []byte("\n")) - 1 // the header
}

// wait waits until some time has passed since a moment: how long the store is away is what
// the test is about.
func wait(t *testing.T, since time.Time, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(time.Until(since.Add(d))):
	case <-t.Context().Done():
	}
}

// counted are readers, each with a client of its own, whose requests are counted.
type counted struct {
	views    []*discovery.View
	backends []*etcd.Backend
	counter  requests
}

// requests counts requests by the second.
type requests struct {
	began   atomic.Int64 // Unix nanoseconds
	seconds [600]atomic.Int64
}

func (r *requests) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

func (r *requests) HandleRPC(_ context.Context, s stats.RPCStats) {
	if _, ok := s.(*stats.OutHeader); ok {
		if n := int(time.Since(time.Unix(0, r.began.Load())) / time.Second); n >= 0 && n < len(r.seconds) {
			r.seconds[n].Add(1)
		}
	}
}

func (r *requests) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (r *requests) HandleConn(context.Context, stats.ConnStats) {}

func newCounted(t *testing.T, c *clustertest.Cluster, n int) *counted {
	t.Helper()
	all := new(counted)
	all.reset()
	for range n {
		client := must(clientv3.New(clientv3.Config{
			Endpoints:   c.Endpoints(),
			Logger:      zap.NewNop(),
			DialOptions: []grpc.DialOption{grpc.WithStatsHandler(&all.counter)},
		}))(t)
		t.Cleanup(func() { client.Close() })
		backend := etcd.New(client, etcd.Options{})
		all.backends = append(all.backends, backend)
		all.views = append(all.views, view(t, backend))
	}
	return all
}

// reset counts from now on.
func (c *counted) reset() {
	c.counter.began.Store(time.Now().UnixNano())
	for i := range c.counter.seconds {
		c.counter.seconds[i].Store(0)
	}
}

// report logs the requests by the second, and fails the test if there were too many.
func (c *counted) report(t *testing.T) {
	t.Helper()
	var rates []int64
	most := int64(0)
	for i := range min(len(c.counter.seconds), int(time.Since(time.Unix(0, c.counter.began.Load()))/time.Second)) {
		rates = append(rates, c.counter.seconds[i].Load())
		most = max(most, rates[i])
	}
	var resumes, resyncs uint64
	for _, b := range c.backends {
		s := b.WatchStatus()
		resumes += s.Resumes
		resyncs += s.Resyncs
	}
	readers := int64(len(c.backends))
	t.Logf("%d readers: requests by the second since the return %v; %d resumes, %d full reads", readers, rates, resumes, resyncs)
	if most > 6*readers {
		t.Errorf("%d requests in one second from %d readers", most, readers)
	}
	if resyncs > 0 || resumes < uint64(readers) {
		t.Errorf("%d resumes and %d full reads of %d readers; nothing was lost, so all could resume", resumes, resyncs, readers)
	}
}
