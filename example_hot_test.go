package roster_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/roster-go/roster"
)

// A pin shows one version, whatever is written meanwhile.
func ExampleHot_Pin() {
	limits := roster.NewHot[int](roster.Named("limits"))
	_ = limits.Reload(map[string]int{"requests": 10, "bytes": 1000})

	pin := limits.Pin()
	defer pin.Release()
	_ = limits.Reload(map[string]int{"requests": 20, "bytes": 2000})

	pinned, _ := pin.Get("requests")
	now, _ := limits.Get("requests")
	fmt.Println("pinned", pinned, "now", now)
	// Output: pinned 10 now 20
}

// A pin travels in a context, so that all code that serves a request resolves
// from one version. The package rosterhttp does this for net/http.
func ExampleHot_From() {
	greetings := roster.NewHot[string](roster.Named("greetings"))
	greetings.Register("en", "Hello")
	greet := func(ctx context.Context) string {
		greeting, _ := greetings.From(ctx).Get("en")
		return greeting
	}

	pin := greetings.Pin()
	request := pin.Context(context.Background())
	_ = greetings.Replace("en", "Hi")
	fmt.Println(greet(request))
	fmt.Println(greet(context.Background())) // without a pin
	pin.Release()
	// Output:
	// Hello
	// Hi
}

// A lease holds one value for long. The value is retired when nobody holds it
// any more.
func ExampleHot_Lease() {
	pools := roster.NewHot[string](roster.Named("pools"), roster.OnRetire(func(name, pool string) error {
		fmt.Println("closing", name, pool)
		return nil
	}))
	pools.Register("db", "pool 1")

	lease, _ := pools.Lease("db")
	_ = pools.Replace("db", "pool 2")
	fmt.Println("using", lease.Value())
	lease.Release()
	_ = pools.Drain(context.Background())
	// Output:
	// using pool 1
	// closing db pool 1
}

// A drain that does not end says who holds what, and where he got it.
func ExampleHot_Drain() {
	pools := roster.NewHot[string](roster.Named("pools"))
	pools.Register("db", "pool 1")
	forgotten, _ := pools.Lease("db")
	_ = pools.Unregister("db")

	ctx, cancel := context.WithCancel(context.Background())
	cancel() // a deadline, in a program
	err := pools.Drain(ctx)
	if stuck, ok := errors.AsType[*roster.StuckError](err); ok {
		for _, holder := range stuck.Holders {
			fmt.Println(holder.Kind, "of", holder.Name, "acquired in", holder.Site.Function)
		}
	}

	forgotten.Release()
	fmt.Println(pools.Drain(context.Background()))
	// Output:
	// lease of db acquired in github.com/roster-go/roster_test.ExampleHot_Drain
	// <nil>
}

// Close ends a registry: everything is retired, and nothing can be written any
// more.
func ExampleHot_Close() {
	pools := roster.NewHot[*connectionPool](roster.Named("pools"), roster.CloseRetired())
	pools.Register("db", &connectionPool{"db"})

	fmt.Println(pools.Close(context.Background()), pools.Len())
	fmt.Println(errors.Is(pools.TryRegister("cache", &connectionPool{"cache"}), roster.ErrSealed))
	// Output:
	// db is closed
	// <nil> 0
	// true
}

type connectionPool struct{ name string }

func (p *connectionPool) Close() error {
	fmt.Println(p.name, "is closed")
	return nil
}

// A follower sees every change, in order. If it falls too far behind, Missed
// says so.
func ExampleHot_Changes() {
	limits := roster.NewHot[int](roster.Named("limits"))
	start := limits.Version()
	limits.Register("free", 10)
	_ = limits.Reload(map[string]int{"free": 20, "paid": 1000})
	_ = limits.Unregister("free")

	for change := range limits.Changes(context.Background(), start) {
		fmt.Println(change.Version, "added", change.Added, "replaced", change.Replaced, "removed", change.Removed)
		if change.Version == limits.Version() {
			break // a program goes on until its context is done
		}
	}
	// Output:
	// 1 added [free] replaced [] removed []
	// 2 added [paid] replaced [free] removed []
	// 3 added [] replaced [] removed [free]
}

// Several writes are published as one, or not at all.
func ExampleHot_Update() {
	accounts := roster.NewHot[int](roster.Named("accounts"))
	_ = accounts.Reload(map[string]int{"alice": 100, "bob": 0})

	transfer := func(amount int) error {
		return accounts.Update(func(next *roster.Draft[int]) error {
			from, _ := next.Get("alice")
			to, _ := next.Get("bob")
			if err := next.Replace("bob", to+amount); err != nil {
				return err
			}
			if from < amount {
				return errors.New("alice has not got that much")
			}
			return next.Replace("alice", from-amount)
		})
	}
	fmt.Println(transfer(70))
	fmt.Println(transfer(70))
	for name, balance := range accounts.All() {
		fmt.Println(name, balance)
	}
	// Output:
	// <nil>
	// alice has not got that much
	// alice 30
	// bob 70
}

// A validator sees what would become of the registry and can refuse it.
func ExampleValidate() {
	routes := roster.NewHot[string](roster.Named("routes"), roster.Validate(func(next roster.View[string]) error {
		if _, ok := next.Get("default"); !ok {
			return errors.New("there must be a default")
		}
		return nil
	}))
	_ = routes.Reload(map[string]string{"default": "web", "api": "backend"})

	err := routes.Reload(map[string]string{"api": "backend"})
	fmt.Println(errors.Is(err, roster.ErrRefused), errors.Unwrap(err))
	fmt.Println(routes.Names())
	// Output:
	// true there must be a default
	// [api default]
}

// An index finds entries in another way than by name, here by what a codec can
// read. It is built before a version is published, may refuse it, and becomes
// current together with it.
func ExampleNewIndexed() {
	type format struct{ extensions []string }
	formats := roster.NewIndexed(func(_ map[string]string, next *roster.Edition[format]) (map[string]string, error) {
		byExtension := make(map[string]string)
		for name, f := range next.All() {
			for _, ext := range f.extensions {
				if other, taken := byExtension[ext]; taken {
					return nil, fmt.Errorf("%s and %s both want %s", other, name, ext)
				}
				byExtension[ext] = name
			}
		}
		return byExtension, nil
	}, roster.Named("formats"))

	formats.Register("image/jpeg", format{[]string{".jpg", ".jpeg"}})
	fmt.Println(formats.Index()[".jpeg"])
	fmt.Println(formats.TryRegister("image/jp2", format{[]string{".jp2", ".jpg"}}))
	fmt.Println(formats.Names())
	// Output:
	// image/jpeg
	// image/jp2 and image/jpeg both want .jpg
	// [image/jpeg]
}
