package strong_test

import (
	"context"
	"fmt"
	"os"

	"github.com/roster-go/roster/etcd/embedded"
	etcdstrong "github.com/roster-go/roster/etcd/strong"
	"github.com/roster-go/roster/replica/strong"
)

// A store over etcd. In production the client is of a cluster with members in several regions.
func Example() {
	ctx := context.Background()
	dir, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(dir)
	server, err := embedded.Start(ctx, embedded.Config{Dir: dir, ClientListen: "127.0.0.1:0", Fast: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close(ctx)
	client, err := server.Client()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	store := strong.New(etcdstrong.New(client, etcdstrong.Options{}))
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- store.Run(running) }()
	defer func() {
		stop()
		<-ended
	}()
	<-store.Ready()

	version, err := store.CompareAndSet(ctx, "owner/orders", 0, []byte("eu"))
	if err != nil {
		fmt.Println(err)
	}
	if err := store.Await(ctx, version); err != nil {
		fmt.Println(err)
	}
	entry, _ := store.View().Get("owner/orders")
	fmt.Printf("%s\n", entry.Value)
	// Output: eu
}
