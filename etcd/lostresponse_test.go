package etcd_test

import (
	"context"
	"errors"
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
	client, err := clientv3.New(clientv3.Config{
		Endpoints:   []string{s.listen},
		Logger:      zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(lose)},
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
		return now.Registrations == 2 && now.Registered && now.Err == nil && !armed.Load()
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
