package discovery_test

import (
	"context"
	"fmt"

	"github.com/roster-go/roster/discovery"
)

// One process announces what it serves, another reads it from a local view. Here both are
// one process and the store is in memory; with the etcd module's Backend in the place of
// Memory, they may be anywhere.
func ExampleView() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	store := discovery.NewMemory(discovery.DefaultTTL)

	announcement, err := store.Announce(ctx, []discovery.Instance{
		{Service: "image.thumbnail", ID: "host-a", Address: "10.0.0.7:7070", Zone: "a"},
		{Service: "markdown.render", ID: "host-a", Address: "10.0.0.7:7070", Zone: "a"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer announcement.Close(ctx)

	view := discovery.NewView()
	go view.Run(ctx, store)
	<-view.Ready()

	fmt.Println(view.Services())
	for _, instance := range view.Get("image.thumbnail") {
		fmt.Println(instance.ID, instance.Address)
	}
	// Output:
	// [image.thumbnail markdown.render]
	// host-a 10.0.0.7:7070
}

// A program that keeps connections open follows the differences instead of polling.
func ExampleView_Changes() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	store := discovery.NewMemory(discovery.DefaultTTL)
	announcement, err := store.Announce(ctx, []discovery.Instance{
		{Service: "mail", ID: "a", Address: "10.0.0.1:25"},
		{Service: "mail", ID: "b", Address: "10.0.0.2:25"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	view := discovery.NewView()
	go view.Run(ctx, store)

	for batch := range view.Changes(ctx) {
		for _, event := range batch.Events {
			fmt.Println(event.Kind, event.Instance.Key(), event.Instance.Address)
		}
		if batch.Events[0].Kind == discovery.Removed {
			break
		}
		err := announcement.Update(ctx, []discovery.Instance{{Service: "mail", ID: "b", Address: "10.0.0.9:25"}})
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	// Output:
	// added mail/a 10.0.0.1:25
	// added mail/b 10.0.0.2:25
	// removed mail/a 10.0.0.1:25
	// updated mail/b 10.0.0.9:25
}
