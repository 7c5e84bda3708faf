package etcd_test

import (
	"context"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/discovery/discoverytest"
	"github.com/roster-go/roster/etcd"
)

// faultyBackend is a Backend with an etcd of its own, as the conformance kit wants it.
type faultyBackend struct {
	*etcd.Backend

	store *store
}

var _ discoverytest.Backend = faultyBackend{}

func (b faultyBackend) TTL() time.Duration { return ttl }

func (b faultyBackend) Crash(a discovery.Announcement) { etcd.Abandon(a) }

func (b faultyBackend) LoseLease(a discovery.Announcement) {
	b.store.t.Helper()
	client := must(b.store.server.Client())(b.store.t)
	defer client.Close()
	must(client.Revoke(b.store.t.Context(), etcd.CurrentLease(a)))(b.store.t)
}

func (b faultyBackend) Disconnect() { b.store.stop() }

// Reconnect compacts the history while the backend's own client cannot connect yet.
func (b faultyBackend) Reconnect() {
	b.store.t.Helper()
	b.store.start()
	compact(b.store.t, must(b.store.server.Client())(b.store.t))
}

// compact writes something and drops all history before it.
func compact(t *testing.T, client *clientv3.Client) {
	t.Helper()
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	written := must(client.Put(ctx, "unrelated", ""))(t)
	must(client.Compact(ctx, written.Header.GetRevision(), clientv3.WithCompactPhysical()))(t)
}

func TestBackendConforms(t *testing.T) {
	discoverytest.Run(t, func(t *testing.T) discoverytest.Backend {
		t.Helper()
		s := newStore(t)
		return faultyBackend{s.backend(), s}
	})
}
