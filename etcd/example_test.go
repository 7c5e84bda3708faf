package etcd_test

import (
	"context"
	"fmt"
	"os"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd"
	"github.com/roster-go/roster/etcd/embedded"
)

// A store inside the program, something announced in it, and a view of it. A fleet uses
// etcd.Dial in the place of embedded.Start; the rest is the same.
func ExampleBackend() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dir, err := os.MkdirTemp("", "roster")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	server, err := embedded.Start(ctx, embedded.Config{Dir: dir, ClientListen: "127.0.0.1:0", Fast: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close(context.Background())
	client, err := server.Client()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	backend := etcd.New(client, etcd.Options{})
	announcement, err := backend.Announce(ctx, []discovery.Instance{
		{Service: "image.thumbnail", ID: "host-a", Address: "10.0.0.7:7070"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer announcement.Close(context.Background())

	view := discovery.NewView()
	go view.Run(ctx, backend)
	<-view.Ready()
	fmt.Println(announcement.Status().Registered, view.Get("image.thumbnail")[0].Address)
	// Output:
	// true 10.0.0.7:7070
}
