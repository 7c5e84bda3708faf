package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd"
	"github.com/roster-go/roster/internal/e2e/clustertest"
)

const (
	ttl      = 3 * time.Second
	patience = time.Minute // for what has no limit of its own
)

// soaking tells whether the tests run at length.
func soaking() bool { return os.Getenv("ROSTER_SOAK") != "" }

// long is how long something takes in a soak, or else.
func long(soak, otherwise time.Duration) time.Duration {
	if soaking() {
		return soak
	}
	return otherwise
}

func TestMain(m *testing.M) {
	if address := os.Getenv(childVariable); address != "" {
		if err := runChild(address); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func eventually(t *testing.T, limit time.Duration, expected string, holds func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !holds() {
		if time.Since(began) > limit {
			t.Fatalf("not within %v: %s", limit, expected)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(began)
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// dial returns a client of endpoints that need not answer yet.
func dial(t *testing.T, endpoints ...string) *clientv3.Client {
	t.Helper()
	client := must(etcd.Dial(context.Background(), endpoints, etcd.DialOptions{Timeout: -1}))(t)
	t.Cleanup(func() { client.Close() })
	return client
}

// A process is what one process of a fleet has: a client behind links of its own.
type process struct {
	*etcd.Backend

	links []*clustertest.Link
}

// newProcess reaches members of the cluster, each through a link of its own.
func newProcess(t *testing.T, c *clustertest.Cluster, members ...int) *process {
	t.Helper()
	p := new(process)
	var endpoints []string
	for _, k := range members {
		link := clustertest.NewLink(t, strings.TrimPrefix(c.DirectEndpoint(k), "http://"))
		p.links = append(p.links, link)
		endpoints = append(endpoints, "http://"+link.Address())
	}
	p.Backend = etcd.New(dial(t, endpoints...), etcd.Options{TTL: ttl, Endpoints: true})
	return p
}

func (p *process) hold() {
	for _, link := range p.links {
		link.Hold()
	}
}

func (p *process) cut() {
	for _, link := range p.links {
		link.Cut()
	}
}

func (p *process) mend() {
	for _, link := range p.links {
		link.Mend()
	}
}

// view runs a ready view over a source until the test ends.
func view(t *testing.T, source discovery.Source, opts ...discovery.ViewOption) *discovery.View {
	t.Helper()
	v := discovery.NewView(append(opts, discovery.In(roster.NewDirectory()))...)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- v.Run(ctx, source) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
	})
	select {
	case <-v.Ready():
	case <-time.After(patience):
		t.Fatalf("the view is not ready: %v", v.Status().Err)
	}
	return v
}

func announce(t *testing.T, registrar discovery.Registrar, instances ...discovery.Instance) discovery.Announcement {
	t.Helper()
	a := must(registrar.Announce(t.Context(), instances))(t)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = a.Close(ctx) // the test may have closed it, or the store is away
	})
	return a
}

func instance(service, id string) discovery.Instance {
	return discovery.Instance{Service: service, ID: id, Address: "10.0.0.1:80"}
}

// shown is what a view shows, as service/id, sorted.
func shown(v *discovery.View) string {
	var list []string
	for service, instances := range v.All() {
		for _, i := range instances {
			list = append(list, service+"/"+i.ID)
		}
	}
	sort.Strings(list)
	return strings.Join(list, " ")
}

// converge waits until the views are fresh and show what the store holds.
func converge(t *testing.T, c *clustertest.Cluster, limit time.Duration, views ...*discovery.View) time.Duration {
	t.Helper()
	client := c.Client(t)
	began := time.Now()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		got, err := client.Get(ctx, "services/", clientv3.WithPrefix(), clientv3.WithKeysOnly())
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, kv := range got.Kvs {
			list = append(list, strings.TrimPrefix(string(kv.GetKey()), "services/"))
		}
		sort.Strings(list)
		want := strings.Join(list, " ")
		wrong := ""
		for i, v := range views {
			if s := v.Status(); s.Stale || shown(v) != want {
				wrong = fmt.Sprintf("view %d (stale: %v, %v) shows %s", i, s.Stale, s.Err, shown(v))
			}
		}
		if wrong == "" {
			return time.Since(began)
		}
		if time.Since(began) > limit {
			t.Fatalf("after %v %s\nthe store holds %s", limit, wrong, want)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// rpc is one call over a connection.
func rpc(ctx context.Context, conn *grpc.ClientConn) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return check(ctx, conn)
}
