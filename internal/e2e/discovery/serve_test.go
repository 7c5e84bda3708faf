package discovery_test

import (
	"context"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/discovery/pick"
	"github.com/roster-go/roster/etcd/discoverygrpc"
)

// serveGRPC announces a gRPC server with the health service until the test ends.
func serveGRPC(t *testing.T, registrar discovery.Registrar, service string, n int) {
	t.Helper()
	listener := must(new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0"))(t)
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- discoverygrpc.Serve(ctx, registrar, server, listener, discovery.Service{
			Instances: []discovery.Instance{{Service: service, ID: strconv.Itoa(n), Address: listener.Addr().String()}},
			Linger:    -1,
		})
	}()
	t.Cleanup(func() { cancel(); <-ended })
}

func connect(t *testing.T, v *discovery.View, service string) *grpc.ClientConn {
	t.Helper()
	resolver := must(discoverygrpc.NewResolver(v, pick.Options{Policy: pick.LeastLoaded}))(t)
	conn := must(grpc.NewClient("roster:///"+service, grpc.WithResolvers(resolver), grpc.WithTransportCredentials(insecure.NewCredentials())))(t)
	t.Cleanup(func() { conn.Close() })
	return conn
}

func check(ctx context.Context, conn *grpc.ClientConn) error {
	_, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	return err
}

// A load looks services up and calls them until it is stopped.
type load struct {
	lookups, empty, calls atomic.Int64
	done                  chan struct{}
	wg                    sync.WaitGroup
}

func startLoad(t *testing.T, v *discovery.View, service string, call func(context.Context) error) *load {
	t.Helper()
	l := &load{done: make(chan struct{})}
	running := func() bool {
		select {
		case <-l.done:
			return false
		default:
			return true
		}
	}
	l.wg.Go(func() {
		for running() {
			for range 100 {
				if len(v.Get(service)) == 0 {
					l.empty.Add(1)
				}
				l.lookups.Add(1)
			}
		}
	})
	for range 2 {
		l.wg.Go(func() {
			for running() {
				if err := call(context.Background()); err != nil {
					t.Errorf("call %d: %v", l.calls.Load(), err)
					return
				}
				l.calls.Add(1)
			}
		})
	}
	return l
}

// stop ends the load and fails the test if a lookup failed, or if there was hardly any.
func (l *load) stop(t *testing.T) {
	t.Helper()
	close(l.done)
	l.wg.Wait()
	t.Logf("%d lookups, %d failed; %d calls", l.lookups.Load(), l.empty.Load(), l.calls.Load())
	if l.empty.Load() > 0 {
		t.Errorf("%d lookups found nothing", l.empty.Load())
	}
	if l.lookups.Load() < 1000 || l.calls.Load() < 100 {
		t.Errorf("only %d lookups and %d calls", l.lookups.Load(), l.calls.Load())
	}
}
