package strong_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/roster-go/roster/replica/strong"
)

// running gives a store whose view is kept up to date until stop is called.
func running(engine strong.Engine) (store *strong.Store, stop func()) {
	store = strong.New(engine)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- store.Run(ctx) }()
	<-store.Ready()
	return store, sync.OnceFunc(func() {
		cancel()
		<-ended
	})
}

// A write is agreed on by a quorum; a read is of the region's own copy, with a proof of how fresh
// that is.
func Example() {
	memory := strong.NewMemory() // the module etcd has the engine for regions
	eu, stopEU := running(memory.Member("eu"))
	defer stopEU()
	us, stopUS := running(memory.Member("us"))
	defer stopUS()
	ctx := context.Background()

	if _, err := eu.Put(ctx, "limits/upload", []byte("10MB")); err != nil {
		fmt.Println(err)
	}
	if err := us.Barrier(ctx); err != nil { // all that was acknowledged before is here
		fmt.Println(err)
	}
	view, err := us.Local(time.Minute)
	if err != nil {
		fmt.Println(err)
		return
	}
	entry, _ := view.Get("limits/upload")
	fmt.Printf("%s\n", entry.Value)
	// Output: 10MB
}

// CompareAndSet changes what was read and nothing newer.
func ExampleStore_CompareAndSet() {
	store := strong.New(strong.NewMemory().Member("eu")) // writes need no Run
	ctx := context.Background()
	first, _ := store.CompareAndSet(ctx, "leader", 0, []byte("a")) // only if there is none
	_, err := store.CompareAndSet(ctx, "leader", 0, []byte("b"))
	if conflict, ok := errors.AsType[*strong.ConflictError](err); ok {
		fmt.Printf("it is %s\n", conflict.Found.Value)
	}
	_, err = store.CompareAndSet(ctx, "leader", first, []byte("b"))
	fmt.Println(err)
	// Output:
	// it is a
	// <nil>
}

// On the minority side of a partition writes are refused, and stale reads go on and say so.
func ExampleStore_View_withoutQuorum() {
	memory := strong.NewMemory()
	member := memory.Member("eu")
	store, stop := running(member)
	defer stop()
	ctx := context.Background()
	_, _ = store.Put(ctx, "limit", []byte("10"))
	_ = store.Barrier(ctx)

	member.Cut()
	_, err := store.Put(ctx, "limit", []byte("20"))
	_, refused := errors.AsType[*strong.NoQuorumError](err)
	for store.View().Err() == nil { // the loss is noticed within a heartbeat
		time.Sleep(time.Millisecond)
	}
	_, err = store.Local(time.Nanosecond)
	_, stale := errors.AsType[*strong.StaleError](err)
	entry, _ := store.View().Get("limit")
	fmt.Printf("written: %v, proven fresh: %v, still read: %s\n", !refused, !stale, entry.Value)
	// Output: written: false, proven fresh: false, still read: 10
}
