package roster_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/roster-go/roster"
)

// A pool stands for something that has to be closed.
type pool struct{ address string }

func (p *pool) Close() error {
	fmt.Println("close", p.address)
	return nil
}

// A request resolves several names and must not see half of a reload.
func Example_pinOneVersion() {
	backends := roster.NewHot[string](roster.Named("backends"))
	_ = backends.Reload(map[string]string{"users": "v1", "orders": "v1"})

	pin := backends.Pin()
	defer pin.Release()
	users, _ := pin.Get("users")

	_ = backends.Reload(map[string]string{"users": "v2", "orders": "v2"})

	orders, _ := pin.Get("orders")
	now, _ := backends.Get("orders")
	fmt.Println(users, orders, "in the request,", now, "outside")
	// Output: v1 v1 in the request, v2 outside
}

// A value that was replaced is closed when the last one who uses it is done.
func Example_closeWhenUnused() {
	pools := roster.NewHot[*pool](roster.Named("pools"), roster.CloseRetired())
	pools.Register("main", &pool{"10.0.0.1"})

	lease, _ := pools.Lease("main")
	_ = pools.Replace("main", &pool{"10.0.0.2"})
	fmt.Println("still using", lease.Value().address)
	lease.Release()

	_ = pools.Drain(context.Background()) // until it is closed
	fmt.Println("drained")
	// Output:
	// still using 10.0.0.1
	// close 10.0.0.1
	// drained
}

// Who forgets to release is named, and nothing is taken away from him.
func Example_findTheStuck() {
	pools := roster.NewHot[*pool](roster.Named("pools"), roster.CloseRetired())
	pools.Register("main", &pool{"10.0.0.1"})
	forgotten, _ := pools.Lease("main")
	_ = pools.Unregister("main")

	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	err := pools.Drain(ctx)
	if stuck, ok := errors.AsType[*roster.StuckError](err); ok {
		holder := stuck.Holders[0]
		fmt.Printf("%s of %q, acquired in %s\n", holder.Kind, holder.Name, holder.Site.Function)
	}
	fmt.Println("still using", forgotten.Value().address)
	// Output:
	// lease of "main", acquired in github.com/roster-go/roster_test.Example_findTheStuck
	// still using 10.0.0.1
}

// Several writes become one version, or none.
func Example_updateAllOrNothing() {
	limits := roster.NewHot[int](roster.Named("limits"),
		roster.Validate(func(next roster.View[int]) error {
			if _, ok := next.Get("free"); !ok {
				return errors.New("there must be a limit called free")
			}
			return nil
		}))
	_ = limits.Reload(map[string]int{"free": 10, "paid": 1000})

	err := limits.Update(func(draft *roster.Draft[int]) error {
		draft.Register("team", 5000)
		return draft.Unregister("free")
	})
	fmt.Println(errors.Is(err, roster.ErrRefused), limits.Names(), "version", limits.Version())
	// Output: true [free paid] version 1
}

// Whoever keeps something derived from a registry follows its changes.
func Example_followChanges() {
	limits := roster.NewHot[int](roster.Named("limits"))
	version := limits.Version()
	limits.Register("free", 10)
	_ = limits.Replace("free", 20)
	_ = limits.Reload(map[string]int{"paid": 1000})

	for change := range limits.Changes(context.Background(), version) {
		fmt.Println(change.Version, "added", change.Added, "replaced", change.Replaced, "removed", change.Removed)
		if change.Version == limits.Version() {
			break // a program would go on until its context is done
		}
	}
	// Output:
	// 1 added [free] replaced [] removed []
	// 2 added [] replaced [free] removed []
	// 3 added [paid] replaced [] removed [free]
}
