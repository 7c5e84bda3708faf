package discoverygrpc_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/discovery/pick"
	"github.com/roster-go/roster/etcd/discoverygrpc"
)

const patience = 20 * time.Second

// health answers, or fails with code.
type health struct {
	grpc_health_v1.UnimplementedHealthServer

	code  codes.Code
	calls atomic.Int64
}

func (h *health) Check(context.Context, *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	h.calls.Add(1)
	if h.code != codes.OK {
		return nil, status.Error(h.code, "as the test wants")
	}
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, nil
}

type fleet struct {
	t     *testing.T
	store *discovery.Memory
	view  *discovery.View
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{t, discovery.NewMemory(time.Minute), discovery.NewView(discovery.In(roster.NewDirectory()))}
	f.run()
	return f
}

// run keeps the view up to date until the test ends.
func (f *fleet) run() {
	f.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = f.view.Run(ctx, f.store) }()
	f.t.Cleanup(func() { cancel(); <-ended })
	<-f.view.Ready()
}

// start serves as an instance until stop is called, or the test ends.
func (f *fleet) start(id, zone string, h *health) (stop func()) {
	f.t.Helper()
	listener, err := new(net.ListenConfig).Listen(f.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, h)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- discoverygrpc.Serve(ctx, f.store, server, listener, discovery.Service{
			Instances: []discovery.Instance{{Service: "pay", ID: id, Zone: zone, Address: listener.Addr().String()}},
			Linger:    50 * time.Millisecond,
		})
	}()
	f.eventually(id+" is announced", func() bool { return f.address(id) != "" })
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				f.t.Errorf("server %s: %v", id, err)
			}
		})
	}
	f.t.Cleanup(stop)
	return stop
}

func (f *fleet) address(id string) string {
	for _, instance := range f.view.Get("pay") {
		if instance.ID == id {
			return instance.Address
		}
	}
	return ""
}

func (f *fleet) eventually(expected string, holds func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			f.t.Fatalf("not within %v: %s", patience, expected)
		}
	}
}

func (f *fleet) dial(opts pick.Options, more ...grpc.DialOption) *grpc.ClientConn {
	f.t.Helper()
	resolver, err := discoverygrpc.NewResolver(f.view, opts)
	if err != nil {
		f.t.Fatal(err)
	}
	conn, err := grpc.NewClient("roster:///pay", append(more, grpc.WithResolvers(resolver), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { conn.Close() })
	return conn
}

// call returns the address that answered.
func call(ctx context.Context, conn *grpc.ClientConn, opts ...grpc.CallOption) (string, error) {
	var from peer.Peer
	_, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{}, append(opts, grpc.Peer(&from))...)
	if err != nil {
		return "", err
	}
	return from.Addr.String(), nil
}

// reached calls until each of the instances has answered.
func (f *fleet) reached(conn *grpc.ClientConn, ids ...string) {
	f.t.Helper()
	f.eventually(strings.Join(ids, ", ")+" answer", func() bool {
		seen := make(map[string]bool)
		for n := range 10 * len(ids) {
			if address, err := call(discoverygrpc.WithKey(f.t.Context(), strconv.Itoa(n)), conn); err == nil {
				seen[address] = true
			}
		}
		for _, id := range ids {
			if !seen[f.address(id)] {
				return false
			}
		}
		return true
	})
}

func TestCallsFollowTheFleet(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	conn := f.dial(pick.Options{})
	_, err := call(t.Context(), conn)
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), `"pay" has no instance`) {
		t.Errorf("without an instance: %v", err)
	}
	stopA := f.start("a", "", new(health))
	f.start("b", "", new(health))
	f.reached(conn, "a", "b")
	seen := make(map[string]int)
	for range 100 {
		address, err := call(t.Context(), conn)
		if err != nil {
			t.Fatal(err)
		}
		seen[address]++
	}
	if seen[f.address("a")] != 50 || seen[f.address("b")] != 50 {
		t.Errorf("of 100 calls: %v", seen)
	}
	stopA()
	for range 20 {
		if address, err := call(t.Context(), conn); err != nil || address != f.address("b") {
			t.Fatalf("after a has left: %s, %v", address, err)
		}
	}
}

// A call that wants to wait for an instance does, and tells at its deadline what it waited for.
func TestWaitForReadyWaits(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	conn := f.dial(pick.Options{})
	f.eventually("a call in a hurry is told", func() bool {
		_, err := call(t.Context(), conn)
		return status.Code(err) == codes.Unavailable
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := call(ctx, conn, grpc.WaitForReady(true))
	if status.Code(err) != codes.DeadlineExceeded || !strings.Contains(err.Error(), `"pay" has no instance`) {
		t.Errorf("without an instance: %v", err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := call(t.Context(), conn, grpc.WaitForReady(true))
		answered <- err
	}()
	f.start("a", "", new(health))
	select {
	case err := <-answered:
		if err != nil {
			t.Errorf("with an instance: %v", err)
		}
	case <-time.After(patience):
		t.Error("the call still waits although there is an instance")
	}
}

// Servers are replaced one after the other under load, and no call fails.
func TestRollingRestartFailsNoCall(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	stops := []func(){f.start("0", "", new(health)), f.start("1", "", new(health))}
	conn := f.dial(pick.Options{Policy: pick.LeastLoaded})
	f.reached(conn, "0", "1")
	done := make(chan struct{})
	var calls atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := call(context.Background(), conn); err != nil {
					t.Errorf("call %d: %v", calls.Load(), err)
					return
				}
				calls.Add(1)
			}
		})
	}
	for n := range 6 {
		stops = append(stops, f.start(strconv.Itoa(n+2), "", new(health)))
		stops[n]()
	}
	close(done)
	wg.Wait()
	if calls.Load() < 100 {
		t.Errorf("only %d calls", calls.Load())
	}
}

func TestPoliciesOverGRPC(t *testing.T) { //nolint:tparallel // its parts share a fleet
	t.Parallel()
	f := newFleet(t)
	ids := []string{"a", "b", "c", "d"}
	for i, id := range ids {
		f.start(id, "z"+strconv.Itoa(i/2), new(health))
	}
	t.Run("consistent hash", func(t *testing.T) {
		conn := f.dial(pick.Options{Policy: pick.ConsistentHash})
		f.reached(conn, ids...)
		hits := make(map[string]string)
		for n := range 64 {
			address, err := call(discoverygrpc.WithKey(t.Context(), "key"+strconv.Itoa(n)), conn)
			if err != nil {
				t.Fatal(err)
			}
			hits[strconv.Itoa(n)] = address
		}
		for n := range 64 {
			address, err := call(discoverygrpc.WithKey(t.Context(), "key"+strconv.Itoa(n)), conn)
			if err != nil || address != hits[strconv.Itoa(n)] {
				t.Errorf("key %d went to %s and then to %s, %v", n, hits[strconv.Itoa(n)], address, err)
			}
		}
	})
	t.Run("zone first, by the program's own service config", func(t *testing.T) {
		conn := f.dial(pick.Options{}, grpc.WithDisableServiceConfig(),
			grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"roster":{"policy":"least_loaded","zone":"z1","decay":"2s"}}]}`))
		f.reached(conn, "c", "d")
		for range 50 {
			if address, err := call(f.t.Context(), conn); err != nil || (address != f.address("c") && address != f.address("d")) {
				t.Fatalf("a call went to %s, %v", address, err)
			}
		}
	})
	t.Run("a subset is all that is connected", func(t *testing.T) {
		conn := f.dial(pick.Options{Subset: 2, Client: "me"})
		seen := make(map[string]bool)
		f.eventually("two answer", func() bool {
			if address, err := call(f.t.Context(), conn); err == nil {
				seen[address] = true
			}
			return len(seen) == 2
		})
		for range 50 {
			if address, err := call(f.t.Context(), conn); err != nil || !seen[address] {
				t.Fatalf("a call went to %s, %v", address, err)
			}
		}
	})
}

// An instance that fails is left alone after some calls; its own refusals do not count.
func TestOutlierIsEjected(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	sick, strict := &health{code: codes.Unavailable}, &health{code: codes.InvalidArgument}
	f.start("good", "", new(health))
	f.start("sick", "", sick)
	f.start("strict", "", strict)
	conn := f.dial(pick.Options{Outliers: pick.Outliers{Failures: 3, Ejection: time.Hour}})
	f.eventually("all are called", func() bool {
		_, _ = call(t.Context(), conn)
		return sick.calls.Load() >= 3 && strict.calls.Load() >= 3
	})
	before := strict.calls.Load()
	for range 60 {
		_, _ = call(t.Context(), conn)
	}
	if n := sick.calls.Load(); n > 4 {
		t.Errorf("the sick instance was called %d times", n)
	}
	if n := strict.calls.Load() - before; n < 25 {
		t.Errorf("the strict instance was called %d times of 60, want half", n)
	}
}

func TestBadTargetsAndConfigs(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	resolver, err := discoverygrpc.NewResolver(f.view, pick.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]string{
		"roster://pay":   "three slashes",
		"roster:///":     "does not name a service",
		"roster:///a/b":  "does not name a service",
		"roster:///%20a": "does not name a service",
	} {
		conn, err := grpc.NewClient(target, grpc.WithResolvers(resolver), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err == nil {
			_, err = call(t.Context(), conn)
			conn.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", target, err, want)
		}
	}
	if _, err := discoverygrpc.NewResolver(f.view, pick.Options{Policy: "best"}); err == nil {
		t.Error("an unknown policy was accepted")
	}
	for _, config := range []string{`{"policy":"best"}`, `{"polizy":"least_loaded"}`, `{"decay":"soon"}`} {
		_, err := grpc.NewClient("roster:///pay", grpc.WithResolvers(resolver), grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultServiceConfig(fmt.Sprintf(`{"loadBalancingConfig":[{"roster":%s}]}`, config)))
		if err == nil {
			t.Errorf("the config %s was accepted", config)
		}
	}
}
