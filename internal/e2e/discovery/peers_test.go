package discovery_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/client/v3/naming/endpoints"
	"go.etcd.io/etcd/client/v3/naming/resolver"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/internal/e2e/clustertest"
)

func contextWithin(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}

// A reader is cut off while the store's history is compacted. Our view is right a moment after
// it is back. etcd's own, the control, goes on to show what was.
func TestDisconnectAndCompactionBesideThePeer(t *testing.T) {
	t.Parallel()
	c := clustertest.Start(t, 1, clustertest.Fast())
	writer := newProcess(t, c, 0)
	gone := must(writer.Announce(t.Context(), []discovery.Instance{instance("pay", "gone")}))(t)
	announce(t, writer, instance("pay", "stays"))
	ours, theirs := newProcess(t, c, 0), newProcess(t, c, 0)
	v := view(t, ours)
	manager := must(endpoints.NewManager(dial(t, "http://"+theirs.links[0].Address()), "services/pay"))(t)
	updates := must(manager.NewWatchChannel(t.Context()))(t)
	known := make(map[string]bool) // what the peer says there is
	drain := func() {
		for {
			select {
			case batch, open := <-updates:
				if !open { // it has given up
					return
				}
				for _, update := range batch {
					known[update.Key] = update.Op == endpoints.Add
				}
			default:
				return
			}
		}
	}
	knows := func(id string) bool { drain(); return known["services/pay/"+id] }
	eventually(t, patience, "both know both", func() bool {
		return len(v.Get("pay")) == 2 && knows("gone") && knows("stays")
	})

	ours.cut()
	theirs.cut()
	must(0, gone.Close(t.Context()))(t)
	for n := range 5 {
		announce(t, writer, instance("pay", "new"+string(rune('0'+n))))
	}
	c.Compact()
	ours.mend()
	theirs.mend()
	took := converge(t, c, patience, v)
	if len(v.Get("pay")) != 6 {
		t.Errorf("our view has %d instances, want 6", len(v.Get("pay")))
	}
	must(theirsAnswers(t, theirs))(t) // its client is connected again
	wait(t, time.Now(), long(time.Minute, 4*time.Second))
	drain()
	t.Logf("ours was right after %v; theirs: %v", took, known)
	if !knows("gone") || knows("new0") {
		t.Error("the control does not show the fault any more: etcd's resolver has recovered")
	}
}

func theirsAnswers(t *testing.T, p *process) (bool, error) {
	t.Helper()
	ctx, cancel := contextWithin(t, patience)
	defer cancel()
	_, err := dial(t, "http://"+p.links[0].Address()).Get(ctx, "x")
	return err == nil, err
}

// etcd's own resolver finds a server that we announced, and ours one that etcd's package
// announced.
func TestResolversOfBothKinds(t *testing.T) {
	t.Parallel()
	c := clustertest.Start(t, 1, clustertest.Fast())
	p := newProcess(t, c, 0)
	serveGRPC(t, p, "pay", 1)
	v := view(t, p)
	eventually(t, patience, "it is announced", func() bool { return len(v.Get("pay")) == 1 })

	builder := must(resolver.NewBuilder(c.Client(t)))(t)
	conn := must(grpc.NewClient("etcd:///services/pay", grpc.WithResolvers(builder), grpc.WithTransportCredentials(insecure.NewCredentials())))(t)
	t.Cleanup(func() { conn.Close() })
	if err := rpc(t.Context(), conn); err != nil {
		t.Errorf("through etcd's resolver: %v", err)
	}

	manager := must(endpoints.NewManager(c.Client(t), "services/theirs"))(t)
	address := v.Get("pay")[0].Address
	must(0, manager.AddEndpoint(t.Context(), "services/theirs/a", endpoints.Endpoint{Addr: address}))(t)
	eventually(t, patience, "theirs is seen", func() bool { return len(v.Get("theirs")) == 1 })
	if err := rpc(t.Context(), connect(t, v, "theirs")); err != nil {
		t.Errorf("through our resolver: %v", err)
	}
	if got := strings.Count(shown(v), "/"); got != 2 {
		t.Errorf("the view shows %s", shown(v))
	}
}
