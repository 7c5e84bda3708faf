package daemon

import (
	"context"
	"log/slog"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd"
	"github.com/roster-go/roster/etcd/embedded"
	"github.com/roster-go/roster/etcd/replication"
	"github.com/roster-go/roster/kill"
)

// regionDaemon is what of a daemon of region eu has to do with its etcd and its switch. Everything
// ends with the test, the context after half a minute.
func regionDaemon(t *testing.T) (context.Context, *daemon, *clientv3.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	server, err := embedded.Start(ctx, embedded.Config{Dir: t.TempDir(), ClientListen: "127.0.0.1:0", Fast: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close(context.WithoutCancel(ctx)) })
	client, err := server.Client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	records, err := replication.Open(client, replication.Options{Region: "eu", Name: "records"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = records.Close(context.WithoutCancel(ctx)) })
	sw, err := kill.Open("")
	if err != nil {
		t.Fatal(err)
	}
	return ctx, &daemon{
		config: Config{Host: "h", Region: "eu"}, log: slog.New(slog.DiscardHandler), view: discovery.NewView(), records: records,
		control: &control{sw: sw, store: etcd.NewKills(client, "")},
	}, client
}

// follow has the daemon find its hubs until the test ends, and returns when it may serve.
func (d *daemon) follow(ctx context.Context, t *testing.T) {
	t.Helper()
	first, done := make(chan struct{}), make(chan struct{})
	following, stop := context.WithCancel(ctx)
	go func() { d.followHubs(following, first); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	<-first
}
