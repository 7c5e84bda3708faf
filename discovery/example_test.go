package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

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

// A program that starts while the store is away serves from what its last run saw.
func ExampleKeepCopy() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dir, err := os.MkdirTemp("", "roster")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "view.json")

	store := discovery.NewMemory(discovery.DefaultTTL)
	if _, err := store.Announce(ctx, []discovery.Instance{{Service: "mail", ID: "a", Address: "10.0.0.1:25"}}); err != nil {
		fmt.Println(err)
		return
	}
	firstRun, stopped := context.WithCancel(ctx)
	view := discovery.NewView(discovery.KeepCopy(path))
	ended := make(chan error)
	go func() { ended <- view.Run(firstRun, store) }()
	<-view.Ready()
	stopped()
	<-ended // the copy is written

	store.Interrupt(errors.New("the store is away"))
	view = discovery.NewView(discovery.KeepCopy(path))
	go view.Run(ctx, store)
	<-view.Ready()
	status := view.Status()
	fmt.Println(view.Get("mail")[0].Address, "stale:", status.Stale, "from the copy:", status.FromCopy)
	// Output:
	// 10.0.0.1:25 stale: true from the copy: true
}

// Hundreds of instances that expire in one second have hardly all died.
func ExampleProtect() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	store := discovery.NewMemory(50 * time.Millisecond)
	view := discovery.NewView(discovery.Protect(discovery.Protection{}))
	go view.Run(ctx, store)
	for n := range 10 {
		announcement, err := store.Announce(ctx, []discovery.Instance{
			{Service: "mail", ID: strconv.Itoa(n), Address: "10.0.0.1:25"},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		cutOff(announcement) // renews its lease no more
	}
	for view.Status().Protecting.IsZero() {
		time.Sleep(time.Millisecond)
	}
	for view.Status().Held < 10 {
		time.Sleep(time.Millisecond)
	}
	fmt.Println(len(view.Get("mail")), "shown,", view.Status().Held, "held back")

	view.Release() // somebody has looked
	fmt.Println(len(view.Get("mail")), "shown")
	// Output:
	// 10 shown, 10 held back
	// 0 shown
}

// cutOff separates an announcement from its store, as a fault of the network would.
func cutOff(announcement discovery.Announcement) {
	if memory, ok := announcement.(*discovery.MemoryAnnouncement); ok {
		memory.Abandon()
	}
}
