package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"google.golang.org/grpc"

	"github.com/roster-go/roster/etcd/internal/zapslog"
)

// closeTimeout bounds [Server.Close].
const closeTimeout = 10 * time.Second

// A Server is a running etcd. [Start] makes one.
type Server struct {
	dir      string
	endpoint string
	log      *slog.Logger
	lock     *os.File
	etcd     *embed.Etcd
	serving  atomic.Pointer[grpc.Server] // nil until clients are served

	failures sync.WaitGroup // the goroutine that logs what fails in the listeners
	stopping atomic.Bool    // listeners end because they should
	closing  sync.Once
	closed   chan struct{} // closed when nothing of the server is left
	closeErr error         // may be read once closed is closed
}

// Endpoint returns the URL for clients, such as "http://127.0.0.1:7071".
func (s *Server) Endpoint() string { return s.endpoint }

// Client returns a new client of the server, which is the caller's to close, before the
// server. It takes the way over the loopback interface, so that it notices and reports a
// loss of contact as a client of any other etcd does.
func (s *Server) Client() (*clientv3.Client, error) {
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{s.endpoint},
		Logger:    zapslog.New(s.log),
	})
	if err != nil {
		return nil, fmt.Errorf("embedded etcd: create a client for %s: %w", s.endpoint, err)
	}
	return client, nil
}

// Close stops the server, breaking off the streams of its clients, and waits until nothing
// of it runs and the directory may be used by another. It waits for as long as ctx lets it,
// but not for more than ten seconds; the error then is a [*TimeoutError], and the server
// goes on to stop. It may be called several times.
func (s *Server) Close(ctx context.Context) error {
	s.closing.Do(func() { go s.stop() })
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	select {
	case <-s.closed:
		return s.closeErr
	case <-ctx.Done():
		return &TimeoutError{Dir: s.dir, Action: "stop", After: time.Since(began), Err: context.Cause(ctx)}
	}
}

// stop ends what start began. It runs once.
func (s *Server) stop() {
	defer close(s.closed)
	s.stopping.Store(true)
	// etcd would give every stream, and watches have no end of their own, several seconds.
	if serving := s.serving.Load(); serving != nil {
		serving.Stop()
	}
	s.etcd.Close()
	s.failures.Wait()
	if err := s.lock.Close(); err != nil {
		s.closeErr = fmt.Errorf("embedded etcd: release the lock of %q: %w", s.dir, err)
	}
}

// logFailures logs what fails in the listeners until the server is closed.
func (s *Server) logFailures() {
	for err := range s.etcd.Err() {
		if err != nil && !s.stopping.Load() {
			s.log.Error("embedded etcd: a listener failed, clients cannot connect; restart the server", slog.Any("error", err))
		}
	}
}
