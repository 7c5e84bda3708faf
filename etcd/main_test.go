package etcd_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd"
	"github.com/roster-go/roster/etcd/embedded"
)

const (
	ttl       = 2 * time.Second
	heartbeat = 200 * time.Millisecond
	patience  = 30 * time.Second
)

// A store is an embedded etcd that can be stopped and started on the same directory and
// port.
type store struct {
	t      *testing.T
	dir    string
	listen string
	server *embedded.Server // nil while stopped
}

func newStore(t *testing.T) *store {
	t.Helper()
	s := &store{t: t, dir: filepath.Join(t.TempDir(), "etcd"), listen: freeAddress(t)}
	s.start()
	t.Cleanup(func() {
		if s.server != nil {
			s.stop()
		}
	})
	return s
}

// freeAddress returns an address of the loopback interface that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func (s *store) start() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	server, err := embedded.Start(ctx, embedded.Config{Dir: s.dir, ClientListen: s.listen, Fast: true})
	if err != nil {
		s.t.Fatal(err)
	}
	s.server = server
}

func (s *store) stop() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.server.Close(ctx); err != nil {
		s.t.Error(err)
	}
	s.server = nil
}

// client returns a client that outlives restarts of the store.
func (s *store) client() *clientv3.Client {
	s.t.Helper()
	client, err := etcd.Dial(context.Background(), []string{s.listen}, etcd.DialOptions{Timeout: -1})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { client.Close() })
	return client
}

func (s *store) backend() *etcd.Backend {
	s.t.Helper()
	return etcd.New(s.client(), etcd.Options{TTL: ttl, Heartbeat: heartbeat})
}

// runView runs a ready view of source until the test ends.
func runView(t *testing.T, source discovery.Source, opts ...discovery.ViewOption) *discovery.View {
	t.Helper()
	view := discovery.NewView(append(opts, discovery.In(roster.NewDirectory()))...)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- view.Run(ctx, source) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
	})
	select {
	case <-view.Ready():
	case <-time.After(patience):
		t.Fatalf("the view is not ready: %v", view.Status().Err)
	}
	return view
}

// announce announces until the test ends.
func announce(t *testing.T, registrar discovery.Registrar, instances ...discovery.Instance) discovery.Announcement {
	t.Helper()
	announcement, err := registrar.Announce(t.Context(), instances)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = announcement.Close(ctx) // the test may have closed it, or stopped the store
	})
	return announcement
}

func eventually(t *testing.T, expected string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, expected)
		}
	}
}

// must returns v, or fails the test.
func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func instance(service string, n int) discovery.Instance {
	return discovery.Instance{Service: service, ID: "i" + strconv.Itoa(n), Address: "10.0.0.1:" + strconv.Itoa(n)}
}
