package roster_test

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/roster-go/roster"
)

func ExampleNew() {
	codecs := roster.New[io.Reader](roster.Named("codecs"))
	codecs.Register("empty", strings.NewReader(""))

	if _, ok := codecs.Get("empty"); ok {
		fmt.Println(codecs.Names())
	}
	// Output: [empty]
}

func ExampleRegistry_TryRegister() {
	ports := roster.New[int](roster.Named("ports"))
	ports.Register("http", 80)

	err := ports.TryRegister("http", 8080)
	if clash, ok := errors.AsType[*roster.DuplicateError](err); ok {
		fmt.Printf("%s has %q already, from %s\n", clash.Registry, clash.Name, clash.Existing.Site.Package)
	}

	port, _ := ports.Get("http")
	fmt.Println("still", port)
	// Output:
	// ports has "http" already, from github.com/roster-go/roster_test
	// still 80
}

func ExampleRegistry_Lookup() {
	drivers := roster.New[string](roster.Named("drivers"))
	drivers.Register("mysql", "MySQL")
	drivers.Register("postgres", "PostgreSQL")

	_, err := drivers.Lookup("posgres")
	fmt.Println(err)
	// Output: roster: drivers: "posgres" is not registered (did you mean "postgres"?); registered: mysql, postgres
}

func ExampleRegistry_All() {
	ports := roster.New[int](roster.Named("ports"))
	ports.Register("https", 443)
	ports.Register("http", 80)

	for name, port := range ports.All() {
		fmt.Println(name, port)
	}
	// Output:
	// http 80
	// https 443
}

func ExampleHot_Reload() {
	limits := roster.NewHot[int](roster.Named("limits"))
	_ = limits.Reload(map[string]int{"free": 10, "paid": 1000})

	// A new set replaces the old one in one step, under whatever load.
	_ = limits.Reload(map[string]int{"free": 20, "team": 5000})
	fmt.Println(limits.Names(), "version", limits.Version())

	// A set with a mistake in it changes nothing.
	err := limits.Reload(map[string]int{"": 1})
	fmt.Println(errors.Is(err, roster.ErrInvalidName), limits.Names())
	// Output:
	// [free team] version 2
	// true [free team]
}

func ExampleHot_Replace() {
	limits := roster.NewHot[int](roster.Named("limits"))
	limits.Register("free", 10)

	// Adding, changing and removing are different verbs: none does another's job.
	fmt.Println(limits.TryRegister("free", 20) != nil)
	fmt.Println(limits.Replace("free", 20), limits.Replace("paid", 1000) != nil)
	fmt.Println(limits.Unregister("free"), limits.Len())
	// Output:
	// true
	// <nil> true
	// <nil> 0
}

// Code that only reads takes a View, and works with every kind of registry.
func ExampleView() {
	greet := func(names roster.View[string], who string) string {
		greeting, err := names.Lookup(who)
		if err != nil {
			return "who?"
		}
		return greeting
	}

	fixed := roster.New[string](roster.Named("fixed"))
	fixed.Register("gopher", "Hello, gopher.")
	changing := roster.NewHot[string](roster.Named("changing"))

	fmt.Println(greet(fixed, "gopher"), greet(changing, "gopher"))
	// Output: Hello, gopher. who?
}

func ExampleDirectory() {
	own := roster.NewDirectory() // the process-wide one needs no option
	codecs := roster.New[string](roster.Named("codecs"), roster.In(own))
	codecs.Register("json", "application/json")
	codecs.Get("json")
	codecs.Get("yaml")

	for _, r := range own.Registries() {
		info := r.Info()
		fmt.Println(info.Name, info.Lifecycle, info.Size)
		for _, lookup := range r.Stats().Lookups {
			fmt.Println(" ", lookup.Name, lookup.Outcome, lookup.N)
		}
	}
	// Output:
	// codecs startup-only 1
	//   json hit 1
	//   yaml miss 1
}
