package replication_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/etcd/embedded"
	"github.com/roster-go/roster/etcd/replication"
)

// site is a region inside this program. A fleet uses etcd.Dial in the place of embedded.Start, and
// gives the agent certificates.
func site(ctx context.Context, name string) (store *replication.Store, agent *replication.Agent, end func()) {
	dir, err := os.MkdirTemp("", "roster")
	if err != nil {
		panic(err)
	}
	server, err := embedded.Start(ctx, embedded.Config{Dir: dir, ClientListen: "127.0.0.1:0", Fast: true})
	if err != nil {
		panic(err)
	}
	client, err := server.Client()
	if err != nil {
		panic(err)
	}
	store, err = replication.Open(client, replication.Options{Region: name, Directory: roster.NewDirectory()})
	if err != nil {
		panic(err)
	}
	agent, err = replication.NewAgent(store, replication.AgentOptions{Listen: "127.0.0.1:0", Heartbeat: 100 * time.Millisecond})
	if err != nil {
		panic(err)
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = agent.Run(running) }()
	return store, agent, func() {
		stop()
		<-ended
		_ = store.Close(ctx)
		_ = client.Close()
		_ = server.Close(ctx)
		_ = os.RemoveAll(dir)
	}
}

// Two regions, a write in one of them, and a read in the other.
func ExampleStore() {
	ctx := context.Background()
	eu, _, endEU := site(ctx, "eu")
	defer endEU()
	us, agent, endUS := site(ctx, "us")
	defer endUS()
	if err := eu.Regions().Add(ctx, replication.Region{Name: "us", Replication: []string{agent.Address()}}); err != nil {
		fmt.Println(err)
		return
	}
	changes := us.Changes(ctx) // from here on
	if _, err := eu.Put(ctx, "routing/checkout", []byte("v2")); err != nil {
		fmt.Println(err)
		return
	}
	for range changes {
		if record, ok := us.Get("routing/checkout"); ok {
			fmt.Printf("%s, written in %s\n", record.Value, record.Region)
			break
		}
	}
	// Output:
	// v2, written in eu
}

// A conditional write fails if somebody else wrote in between.
func ExampleIfVersion() {
	ctx := context.Background()
	store, _, end := site(ctx, "eu")
	defer end()
	version, err := store.Put(ctx, "routing/checkout", []byte("v1"), replication.IfVersion(0))
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := store.Put(ctx, "routing/checkout", []byte("v2"), replication.IfVersion(version)); err != nil {
		fmt.Println(err)
		return
	}
	_, err = store.Put(ctx, "routing/checkout", []byte("v3"), replication.IfVersion(version))
	fmt.Println(errors.Is(err, replication.ErrVersion))
	// Output:
	// true
}

// A read that must not be older than a bound is refused while that is not known to hold.
func ExampleStore_Fresh() {
	ctx := context.Background()
	eu, _, endEU := site(ctx, "eu")
	defer endEU()
	// A region that cannot be reached: nothing is known about what is written there.
	if err := eu.Regions().Add(ctx, replication.Region{Name: "us", Replication: []string{"127.0.0.1:1"}}); err != nil {
		fmt.Println(err)
		return
	}
	for {
		_, err := eu.Fresh(5 * time.Second)
		if stale, ok := errors.AsType[*replication.StaleError](err); ok && stale.Region == "us" {
			fmt.Println("perhaps behind", stale.Region)
			break
		}
		time.Sleep(time.Millisecond) // until eu's own etcd has answered
	}
	// Output:
	// perhaps behind us
}
