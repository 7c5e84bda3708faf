package rostertest_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/rostertest"
)

func ExampleOverride() {
	greetings := roster.New[string](roster.Named("greetings"))
	greetings.Register("gopher", "Hello, gopher.")
	greetings.Seal()
	greet := func(name string) string {
		greeting, _ := greetings.Get(name)
		return greeting
	}

	runTest("TestGreet", func(t *fakeT) {
		rostertest.Override(t, greetings, "gopher", "a fake")
		fmt.Println(greet("gopher"))
	})
	fmt.Println(greet("gopher"))
	// Output:
	// a fake
	// PASS: TestGreet
	// Hello, gopher.
}

func ExampleNoLeaks() {
	limits := roster.NewHot[int](roster.Named("limits"))
	limits.Register("free", 10)

	runTest("TestTidy", func(t *fakeT) {
		rostertest.NoLeaks(t, limits)
		rostertest.Override(t, limits, "free", 0)
	})
	runTest("TestLeaky", func(t *fakeT) {
		rostertest.NoLeaks(t, limits)
		limits.Register("test", 1)
	})
	// Output:
	// PASS: TestTidy
	// FAIL: TestLeaky
}

// A map with a mutex survives concurrent use. Most of what goes wrong with registries has
// nothing to do with that.
func ExampleCheck() {
	for _, violation := range rostertest.Check(newNaive) {
		fmt.Println(violation.Rule.Name)
	}
	// Output:
	// empty-name
	// malformed-name
	// nil-value
	// typed-nil
	// duplicate-refused
	// first-kept
	// nil-removes-nothing
	// names-sorted
	// unknown-lists
	// unknown-suggests
	// replace-adds-nothing
	// unregister-unknown
	// reload-copies
	// reload-all-or-nothing
	// one-winner
}

// A registry of one element type is adapted with function literals.
func ExampleRegistry() {
	create := func() rostertest.Registry {
		encoders := roster.New[encoder]()
		return rostertest.Registry{
			Register: func(name string, v any) error {
				e, _ := v.(encoder) // nil goes through, and must be refused there
				return encoders.TryRegister(name, e)
			},
			Get:    func(name string) (any, bool) { return encoders.Get(name) },
			Names:  encoders.Names,
			Sample: func(i int) any { return &upper{prefix: strconv.Itoa(i)} },
		}
	}
	fmt.Println(len(rostertest.Check(create)), "rules broken")
	// Output: 0 rules broken
}

// This is the body of a test function.
func ExampleRun() {
	var t *testing.T

	rostertest.Run(t, func() rostertest.Registry {
		limits := roster.NewHot[any]()
		return rostertest.Registry{
			Register: limits.TryRegister, Get: limits.Get, Names: limits.Names, Lookup: limits.Lookup,
			Replace: limits.Replace, Unregister: limits.Unregister, Reload: limits.Reload,
		}
	})
}

func ExampleRules() {
	for _, rule := range rostertest.Rules() {
		if rule.Needs == "Seal" {
			fmt.Println(rule.Name)
		}
	}
	// Output:
	// sealed-refuses
	// sealed-names-place
}
