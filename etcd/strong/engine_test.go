package strong_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/roster-go/roster/etcd"
	"github.com/roster-go/roster/etcd/embedded"
	etcdstrong "github.com/roster-go/roster/etcd/strong"
	"github.com/roster-go/roster/replica/strong"
	"github.com/roster-go/roster/replica/strongtest"
)

const patience = 20 * time.Second

// serve runs an etcd for the test and gives its address.
func serve(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	server, err := embedded.Start(ctx, embedded.Config{Dir: t.TempDir(), ClientListen: "127.0.0.1:0", Fast: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return server.Endpoint()
}

func engine(t *testing.T, endpoint, prefix string) strong.Engine {
	t.Helper()
	client, err := etcd.Dial(context.Background(), []string{endpoint}, etcd.DialOptions{Timeout: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return etcdstrong.New(client, etcdstrong.Options{Prefix: prefix, Heartbeat: 100 * time.Millisecond, Timeout: 2 * time.Second})
}

func TestEnginePassesTheKit(t *testing.T) {
	endpoint := serve(t)
	tests := 0
	strongtest.Run(t, func(t *testing.T) strongtest.System {
		t.Helper()
		tests++
		prefix := fmt.Sprint("test", tests)
		way := newWay(t, endpoint)
		return strongtest.System{
			Engine: engine(t, way.address, prefix), Other: engine(t, endpoint, prefix),
			Cut: way.cut, Mend: way.mend, Mute: way.mute,
			Wait: patience,
		}
	})
}
