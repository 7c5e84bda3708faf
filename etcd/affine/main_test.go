package affine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd"
	"github.com/roster-go/roster/etcd/affine"
	"github.com/roster-go/roster/etcd/embedded"
	"github.com/roster-go/roster/replica/move"
	"github.com/roster-go/roster/replica/strong"
)

const patience = 20 * time.Second

// quick terms make a failover wait little more than a second.
var quick = move.Terms{TTL: time.Second, Grace: 200 * time.Millisecond, Drift: 0.05}

// A region is one region of a test: its etcd, and its way to the strong store.
type region struct {
	*affine.Region

	client *clientv3.Client
	way    *strong.Member
	store  *strong.Store
	stop   func() // ends its warden and what feeds its view
}

// A world is all regions of a test.
type world struct {
	t       *testing.T
	memory  *strong.Memory
	regions map[string]*region
	dir     *affine.Directory // over a way of its own
}

func newWorld(t *testing.T, names ...string) *world {
	t.Helper()
	w := &world{t: t, memory: strong.NewMemory(), regions: make(map[string]*region)}
	w.dir = affine.NewDirectory(strong.New(w.memory.Member("operator")))
	must(t, w.dir.Setup(t.Context(), quick))
	for _, name := range names {
		must(t, w.dir.AddRegion(t.Context(), name))
		r := &region{way: w.memory.Member(name), client: etcdFor(t)}
		r.store = strong.New(r.way)
		var err error
		r.Region, err = affine.NewRegion(name, r.client, r.store, affine.Options{Prefix: "test"})
		must(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 2)
		go func() { ended <- r.store.Run(ctx) }()
		go func() { ended <- r.Warden(ctx) }()
		r.stop = func() {
			cancel()
			for range 2 {
				if err := <-ended; !errors.Is(err, context.Canceled) {
					t.Errorf("region %s: %v", name, err)
				}
			}
			r.stop = func() {}
		}
		t.Cleanup(func() { r.stop() })
		w.regions[name] = r
	}
	return w
}

// mover gives a mover at the operator's.
func (w *world) mover() *affine.Mover {
	return affine.NewMover(w.dir, func(name string) (affine.Contents, error) {
		r, ok := w.regions[name]
		if !ok {
			return nil, fmt.Errorf("no region %s", name)
		}
		return r.Contents(), nil
	})
}

// create makes a namespace and waits until it takes writes.
func (w *world) create(namespace, home string) {
	w.t.Helper()
	_, err := w.dir.Create(w.t.Context(), namespace, home)
	must(w.t, err)
	w.eventually("the namespace takes writes at "+home, func() bool {
		_, err := w.regions[home].Namespace(namespace).Delete(w.t.Context(), "probe")
		return err == nil
	})
}

func (w *world) eventually(expected string, holds func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("not within %v: %s", patience, expected)
		}
	}
}

// raw reads what is under a prefix in a region's etcd, as key=value.
func (w *world) raw(name, prefix string) (list []string) {
	w.t.Helper()
	response, err := w.regions[name].client.Get(w.t.Context(), "test/"+prefix, clientv3.WithPrefix())
	must(w.t, err)
	for _, kv := range response.Kvs {
		list = append(list, fmt.Sprintf("%s=%s", kv.GetKey(), kv.GetValue()))
	}
	return list
}

// etcdFor runs an etcd for the test and gives a client.
func etcdFor(t *testing.T) *clientv3.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	server, err := embedded.Start(ctx, embedded.Config{Dir: t.TempDir(), ClientListen: "127.0.0.1:0", Fast: true})
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		must(t, server.Close(ctx))
	})
	client, err := etcd.Dial(context.Background(), []string{server.Endpoint()}, etcd.DialOptions{})
	must(t, err)
	t.Cleanup(func() { client.Close() })
	return client
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
