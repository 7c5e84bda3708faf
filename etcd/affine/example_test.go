package affine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/roster-go/roster/etcd/affine"
	"github.com/roster-go/roster/etcd/embedded"
	"github.com/roster-go/roster/replica/move"
	"github.com/roster-go/roster/replica/strong"
)

// startRegion gives a region with an etcd of its own.
func startRegion(name string, global *strong.Memory) (region *affine.Region, store *strong.Store, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	dir, _ := os.MkdirTemp("", "example")
	server, err := embedded.Start(ctx, embedded.Config{Dir: dir, ClientListen: "127.0.0.1:0", Fast: true})
	if err != nil {
		panic(err)
	}
	client, err := server.Client()
	if err != nil {
		panic(err)
	}
	store = strong.New(global.Member(name)) // in production an engine of package etcd/strong
	region, err = affine.NewRegion(name, client, store, affine.Options{})
	if err != nil {
		panic(err)
	}
	var running sync.WaitGroup
	running.Go(func() { _ = store.Run(ctx) })
	<-store.Ready()
	running.Go(func() { _ = region.Warden(ctx) })
	return region, store, func() {
		cancel()
		running.Wait()
		_ = client.Close()
		_ = server.Close(context.Background())
		_ = os.RemoveAll(dir)
	}
}

// Two regions, and a namespace that moves from one to the other.
func Example() {
	ctx := context.Background()
	global := strong.NewMemory()
	directory := affine.NewDirectory(strong.New(global.Member("operator")))
	_ = directory.Setup(ctx, move.Terms{})
	_ = directory.AddRegion(ctx, "eu")
	_ = directory.AddRegion(ctx, "us")
	eu, euStore, stopEU := startRegion("eu", global)
	defer stopEU()
	us, usStore, stopUS := startRegion("us", global)
	defer stopUS()

	_, _ = directory.Create(ctx, "orders", "eu")
	_, _ = euStore.Barrier(ctx), usStore.Barrier(ctx) // both have heard of it
	put := func(region *affine.Region, key, value string) {
		for {
			receipt, err := region.Namespace("orders").Put(ctx, key, []byte(value))
			if elsewhere, ok := errors.AsType[*affine.NotHomeError](err); ok {
				fmt.Printf("not in %s: orders are at home in %s\n", elsewhere.Region, elsewhere.Home)
				return
			}
			if err == nil {
				fmt.Printf("%s took %s\n", receipt.Home, key)
				return
			}
			time.Sleep(10 * time.Millisecond) // the namespace is being opened
		}
	}
	put(eu, "4711", "two apples")
	put(us, "4712", "a pear")

	mover := affine.NewMover(directory, func(name string) (affine.Contents, error) {
		return map[string]*affine.Region{"eu": eu, "us": us}[name].Contents(), nil
	})
	report, err := mover.Move(ctx, "orders", "us")
	fmt.Printf("moved %d item to %s: %v\n", report.Contents.Items, report.Record.Home, err)
	_ = usStore.Barrier(ctx)
	put(us, "4712", "a pear")
	// Output:
	// eu took 4711
	// not in us: orders are at home in eu
	// moved 1 item to us: <nil>
	// us took 4712
}
