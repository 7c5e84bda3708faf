package discoverygrpc_test

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/serviceconfig"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/discovery/pick"
	"github.com/roster-go/roster/etcd/discoverygrpc"
)

// A countingConn counts what a resolver tells it.
type countingConn struct {
	resolver.ClientConn

	updates atomic.Int64
}

func (c *countingConn) UpdateState(resolver.State) error { c.updates.Add(1); return nil }
func (c *countingConn) ReportError(error)                {}
func (c *countingConn) ParseServiceConfig(string) *serviceconfig.ParseResult {
	return new(serviceconfig.ParseResult)
}

// build connects conn to a service of the fleet.
func (f *fleet) build(service string, conn resolver.ClientConn) {
	f.t.Helper()
	builder, err := discoverygrpc.NewResolver(f.view, pick.Options{})
	if err != nil {
		f.t.Fatal(err)
	}
	built, err := builder.Build(resolver.Target{URL: url.URL{Scheme: "roster", Path: "/" + service}}, conn, resolver.BuildOptions{})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(built.Close)
}

func TestOtherServicesLeaveAConnectionAlone(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	pay, other := new(countingConn), new(countingConn)
	f.build("pay", pay)
	f.build("other", other)
	announcement, err := f.store.Announce(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	const changes = 50
	for n := range int64(changes) {
		seen := other.updates.Load()
		if err := announcement.Update(t.Context(), []discovery.Instance{
			{Service: "other", ID: "x", Address: "10.0.0.1:" + strconv.FormatInt(n+1, 10)},
		}); err != nil {
			t.Fatal(err)
		}
		f.eventually("who follows the service is told", func() bool { return other.updates.Load() > seen })
	}
	if n := pay.updates.Load(); n > 1 {
		t.Errorf("the connection was updated %d times although its service did not change", n)
	}
}

// The error says that the service has no instance, and goes on to say so when the last
// connections have ended.
func TestErrorAfterTheLastInstanceLeft(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	conn := f.dial(pick.Options{})
	stopA := f.start("a", "", new(health))
	stopB := f.start("b", "", new(health))
	f.reached(conn, "a", "b")
	stopA()
	stopB()
	said := func() (error, bool) {
		_, err := call(t.Context(), conn)
		return err, status.Code(err) == codes.Unavailable && strings.Contains(err.Error(), `"pay" has no instance`)
	}
	f.eventually("the error says so", func() bool { _, ok := said(); return ok })
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); { // in which connections end
		if err, ok := said(); !ok {
			t.Fatalf("later: %v", err)
		}
	}
}

// Instances that cannot be reached are out of order: a zone in which three of four are does
// not send all its calls to the fourth.
func TestUnreachableInstancesSpillOver(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.start("near", "z1", new(health))
	far := []string{"f1", "f2", "f3", "f4"}
	for _, id := range far {
		f.start(id, "z2", new(health))
	}
	var dead []discovery.Instance
	for _, port := range []string{"1", "2", "3"} {
		dead = append(dead, discovery.Instance{Service: "pay", ID: "dead" + port, Zone: "z1", Address: "127.0.0.1:" + port})
	}
	if _, err := f.store.Announce(t.Context(), dead); err != nil {
		t.Fatal(err)
	}
	f.eventually("all are announced", func() bool { return len(f.view.Get("pay")) == 8 })
	conn := f.dial(pick.Options{Zone: "z1"})
	f.reached(conn, append([]string{"near"}, far...)...)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	near := 0
	for range 1000 {
		address, err := call(ctx, conn)
		if err != nil {
			t.Fatal(err)
		}
		if address == f.address("near") {
			near++
		}
	}
	// One of four, by Envoy's overprovisioning factor of 1.4.
	if near < 250 || near > 450 {
		t.Errorf("of 1000 calls %d went to the near instance that answers, want about 350", near)
	}
}

// Calls through a view that does not know anything yet fail with the reason, not with their
// deadline, and succeed once it does.
func TestCallsBeforeTheFirstStateSayWhy(t *testing.T) {
	t.Parallel()
	f := &fleet{t: t, store: discovery.NewMemory(time.Minute), view: discovery.NewView(discovery.In(roster.NewDirectory()))}
	conn := f.dial(pick.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := call(ctx, conn)
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "not been synchronised") || ctx.Err() != nil {
		t.Errorf("before the first state: %v", err)
	}
	f.run()
	f.start("a", "", new(health))
	f.reached(conn, "a")
}
