package roster_test

import (
	"errors"
	"fmt"

	"github.com/roster-go/roster"
)

// Instead of panicking at the first clash, collect all of them and report them
// together when main starts.
func ExampleCollectConflicts() {
	drivers := roster.New[int](roster.Named("drivers"), roster.CollectConflicts())
	drivers.Register("postgres", 1)
	drivers.Register("mysql", 1)
	drivers.Register("postgres", 2)
	drivers.Register("mysql", 2)

	all, _ := drivers.Verify().(interface{ Unwrap() []error })
	for _, err := range all.Unwrap() {
		if clash, ok := errors.AsType[*roster.DuplicateError](err); ok {
			fmt.Println(clash.Name, "is claimed by two packages")
		}
	}
	first, _ := drivers.Get("postgres")
	fmt.Println("the first one stays:", first)
	// Output:
	// mysql is claimed by two packages
	// postgres is claimed by two packages
	// the first one stays: 1
}

// Two packages may register one and the same value; another value under its name
// is still a clash.
func ExampleKeepIdentical() {
	ports := roster.New[int](roster.Named("ports"), roster.KeepIdentical())
	ports.Register("http", 80)

	fmt.Println(ports.TryRegister("http", 80))
	fmt.Println(errors.Is(ports.TryRegister("http", 8080), roster.ErrDuplicate))
	// Output:
	// <nil>
	// true
}

// An override wins whether it comes before or after the registration, so that
// the order in which packages initialise does not matter.
func ExampleRegistry_Override() {
	codecs := roster.New[string](roster.Named("codecs"))
	_ = codecs.Override("json", "the fast one") // package a, which needs it fast
	codecs.Register("json", "the stock one")    // package b, which provides it
	_ = codecs.Override("jsom", "a slip")

	codec, _ := codecs.Get("json")
	fmt.Println(codec)
	for entry := range codecs.Entries() {
		fmt.Println(entry.Name, "overrides something:", entry.Overrides != nil)
	}

	// Verify tells of overrides that came to nothing.
	if dangling, ok := errors.AsType[*roster.OverrideError](codecs.Verify()); ok {
		fmt.Printf("nothing registers %q, did you mean %q?\n", dangling.Name, dangling.Nearest)
	}
	// Output:
	// the fast one
	// jsom overrides something: false
	// json overrides something: true
	// nothing registers "jsom", did you mean ["json"]?
}
