package etcd_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd"
)

// losingClient returns a client that loses the response of the next transaction whenever
// armed is set: etcd has done it, and the client sees a broken connection.
func losingClient(s *store, armed *atomic.Bool) *clientv3.Client {
	s.t.Helper()
	lose := func(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		err := invoke(ctx, method, request, reply, conn, opts...)
		if err == nil && method == "/etcdserverpb.KV/Txn" && armed.CompareAndSwap(true, false) {
			return status.Error(codes.Unavailable, "error reading from server: EOF")
		}
		return err
	}
	return interceptedClient(s, lose)
}

// interceptedClient returns a client whose unary calls pass through intercept.
func interceptedClient(s *store, intercept grpc.UnaryClientInterceptor) *clientv3.Client {
	s.t.Helper()
	client, err := clientv3.New(clientv3.Config{
		Endpoints:   []string{s.listen},
		Logger:      zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(intercept)},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { client.Close() })
	return client
}

func storedKeys(t *testing.T, client *clientv3.Client) []string {
	t.Helper()
	found := must(client.Get(t.Context(), "services/", clientv3.WithPrefix(), clientv3.WithKeysOnly()))(t)
	keys := make([]string, len(found.Kvs))
	for i, kv := range found.Kvs {
		keys[i] = string(kv.GetKey())
	}
	return keys
}

// A write that happened although nobody heard of it must be undone like any other.
func TestLostResponseLeavesNoPhantom(t *testing.T) {
	var armed atomic.Bool
	client := losingClient(newStore(t), &armed)
	armed.Store(true)
	announcement := announce(t, etcd.New(client, etcd.Options{TTL: time.Minute}), instance("s", 1), instance("s", 2))
	if armed.Load() {
		t.Fatal("no response was lost")
	}
	if err := announcement.Update(t.Context(), []discovery.Instance{instance("s", 1)}); err != nil {
		t.Fatal(err)
	}
	if keys := storedKeys(t, client); len(keys) != 1 || keys[0] != "services/s/i1" {
		t.Fatalf("the store holds %q, want only what the last Update named", keys)
	}
}

// A write under a new lease that happened although nobody heard of it is not somebody
// else's.
func TestLostResponseAfterALostLease(t *testing.T) {
	var armed atomic.Bool
	client := losingClient(newStore(t), &armed)
	announcement := announce(t, etcd.New(client, etcd.Options{TTL: ttl}), instance("s", 1))
	leases := must(client.Leases(t.Context()))(t)
	armed.Store(true)
	for _, lease := range leases.Leases {
		must(client.Revoke(t.Context(), lease.ID))(t)
	}
	eventually(t, "registered again, without a fault", func() bool {
		now := announcement.Status()
		return now.Registrations == 2 && now.Registered && now.Err == nil && !armed.Load() && len(storedKeys(t, client)) > 0
	})
	if keys := storedKeys(t, client); len(keys) != 1 {
		t.Fatalf("the store holds %q, want one instance", keys)
	}
}

// The error names the lease that owns the key.
func TestOwnedErrorNamesTheLease(t *testing.T) {
	s := newStore(t)
	first := announce(t, s.backend(), instance("s", 1))
	announce(t, s.backend(), instance("s", 1))
	var owned *discovery.OwnedError
	eventually(t, "the first one notices", func() bool { return errors.As(first.Status().Err, &owned) })
	if owned.Owner == "" || owned.Owner == "0" {
		t.Fatalf("the error says %q, which names no lease", owned)
	}
}

// A write whose response was lost may have happened: it is written over, also if what is
// wanted again is what was there before.
func TestLostResponseIsWrittenOver(t *testing.T) {
	var armed atomic.Bool
	client := losingClient(newStore(t), &armed)
	first, second := instance("s", 1), instance("s", 1)
	second.Address = "10.0.0.2:2"
	announcement := announce(t, etcd.New(client, etcd.Options{TTL: time.Minute}), first)
	armed.Store(true)
	if err := announcement.Update(t.Context(), []discovery.Instance{second}); err == nil {
		t.Fatal("no response was lost")
	}
	if err := announcement.Update(t.Context(), []discovery.Instance{first}); err != nil { // before the next attempt
		t.Fatal(err)
	}
	if value := truth(t, client)["services/s/i1"]; !strings.Contains(value, first.Address) {
		t.Errorf("the store has %s, and %s is wanted; status %+v", value, first.Address, announcement.Status())
	}
}

// A farewell that cannot be said leaves time for the lease to be revoked.
func TestCloseRevokesThoughTheFarewellHangs(t *testing.T) {
	var armed atomic.Bool
	client := interceptedClient(newStore(t), func(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if method == "/etcdserverpb.KV/Txn" && armed.Load() {
			<-ctx.Done()
			return status.FromContextError(ctx.Err()).Err()
		}
		return invoke(ctx, method, request, reply, conn, opts...)
	})
	announcement := announce(t, etcd.New(client, etcd.Options{TTL: time.Minute}), instance("s", 1))
	armed.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // less than a request may take
	defer cancel()
	if err := announcement.Close(ctx); err != nil {
		t.Error(err)
	}
	if keys := storedKeys(t, client); len(keys) != 0 {
		t.Errorf("left behind: %q", keys)
	}
}

// A key that somebody wrote by hand never becomes free by itself, and the error says what to
// do.
func TestOwnedErrorOfAKeyWrittenByHand(t *testing.T) {
	s := newStore(t)
	client := s.client()
	announcement := announce(t, etcd.New(s.client(), etcd.Options{Prefix: "eu", TTL: ttl}), instance("s", 1))
	must(client.Put(t.Context(), "eu/services/s/i1", `{"v":1,"address":"10.0.0.9:1"}`))(t)
	var owned *discovery.OwnedError
	eventually(t, "the announcement notices", func() bool { return errors.As(announcement.Status().Err, &owned) })
	if text := owned.Error(); !strings.Contains(text, "by hand (no lease)") || !strings.Contains(text, "delete eu/services/s/i1") {
		t.Errorf("the error says %q", text)
	}
	must(client.Delete(t.Context(), "eu/services/s/i1"))(t)
	eventually(t, "it is announced again", func() bool { return announcement.Status().Registered })
}

// A set that takes longer to be written than its lease lasts is written all the same, under one
// lease.
func TestLargeSetOutlastsItsLease(t *testing.T) {
	s := newStore(t)
	slow := func(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if method == "/etcdserverpb.KV/Txn" {
			time.Sleep(150 * time.Millisecond) // how slow the store is, is the point
		}
		return invoke(ctx, method, request, reply, conn, opts...)
	}
	const lease = 2 * time.Second // as etcd rounds it up, at most three
	var all []discovery.Instance
	for n := range 1000 {
		all = append(all, instance("s", n))
	}
	began := time.Now()
	announcement := announce(t, etcd.New(interceptedClient(s, slow), etcd.Options{TTL: lease}), all...)
	eventually(t, "all are registered", func() bool { return announcement.Status().Registered })
	if took := time.Since(began); took < 2*lease {
		t.Errorf("it took %v, so the lease was not put to the test", took)
	}
	if n := announcement.Status().Registrations; n != 1 {
		t.Errorf("%d leases were taken, want one", n)
	}
	if keys := storedKeys(t, s.client()); len(keys) != len(all) {
		t.Errorf("%d keys are stored, want %d", len(keys), len(all))
	}
}
