package roster_test

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/roster-go/roster"
)

// A value is made when somebody asks for it, once, however many ask.
func ExampleNewLazy() {
	loads := 0
	templates := roster.NewLazy(func(_ context.Context, name string) (string, error) {
		loads++
		if name == "missing" {
			return "", errors.New("no such file")
		}
		return "<" + name + ">", nil
	}, roster.Named("templates"))

	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() { templates.Get("index") })
	}
	wg.Wait()
	page, _ := templates.Get("index")
	fmt.Println(page, "loaded", loads, "time")

	_, err := templates.Lookup("missing")
	fmt.Println(err)
	fmt.Println(templates.Names())
	// Output:
	// <index> loaded 1 time
	// roster: templates: cannot load "missing": no such file
	// [index]
}

// A load that needs other values passes its context on: then a name that needs
// itself is an error and not a program that stands still.
func ExampleLazy_Load() {
	needs := map[string]string{"shop": "cart", "cart": "prices", "chicken": "egg", "egg": "chicken"}
	var parts *roster.Lazy[string]
	parts = roster.NewLazy(func(ctx context.Context, name string) (string, error) {
		if needs[name] == "" {
			return name, nil
		}
		part, err := parts.Load(ctx, needs[name])
		if err != nil {
			return "", errors.Unwrap(err)
		}
		return name + " on " + part, nil
	}, roster.Named("parts"))

	shop, _ := parts.Load(context.Background(), "shop")
	fmt.Println(shop)
	_, err := parts.Load(context.Background(), "egg")
	fmt.Println(err)
	// Output:
	// shop on cart on prices
	// roster: parts: cannot load "egg": it needs itself to load: egg → chicken → egg
}

// Forget makes the next lookup load again. Whoever holds a lease keeps what he
// has until he releases it.
func ExampleLazy_Lease() {
	generation := 0
	connections := roster.NewLazy(func(_ context.Context, name string) (string, error) {
		generation++
		return fmt.Sprint(name, " #", generation), nil
	}, roster.Named("connections"), roster.OnRetire(func(_ string, connection string) error {
		fmt.Println("closed", connection)
		return nil
	}))
	ctx := context.Background()

	old, _ := connections.Lease(ctx, "db")
	connections.Forget("db")
	current, _ := connections.Lease(ctx, "db")
	fmt.Println("held", old.Value(), "and", current.Value())

	old.Release()
	_ = connections.Drain(ctx)
	current.Release() // still in the registry: not closed
	_ = connections.Drain(ctx)
	// Output:
	// held db #1 and db #2
	// closed db #1
}

// Errors are not for ever. With RetryAfter(0) not even for a second.
func ExampleRetryAfter() {
	up := false
	hosts := roster.NewLazy(func(context.Context, string) (string, error) {
		if !up {
			return "", errors.New("connection refused")
		}
		return "connected", nil
	}, roster.Named("hosts"), roster.RetryAfter(0))

	_, err := hosts.Lookup("db")
	fmt.Println(err)
	up = true
	fmt.Println(hosts.Lookup("db"))
	// Output:
	// roster: hosts: cannot load "db": connection refused
	// connected <nil>
}
