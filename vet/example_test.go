package vet_test

import (
	"fmt"
	"strings"

	"github.com/roster-go/roster/vet"
)

func ExampleAnalyzers() {
	for _, a := range vet.Analyzers() {
		title, _, _ := strings.Cut(a.Doc, "\n")
		fmt.Println(title)
	}
	// Output:
	// blankimport: find blank imports without a reason, or that register nothing
	// duplicatename: find constant names that are registered twice in one program
	// globalregistry: find registries of a library that exist only once (advice, off by default)
	// gobname: find registered names that depend on a package path
	// homemade: find home-made registries that overwrite silently, have no mutex or no list of names
	// ignore: find comments //roster:ignore without a reason
	// initeffects: find I/O, waiting and goroutines before main starts, through calls
	// initlookup: find lookups in init of a name that only a sibling registers
	// lateregister: find registrations outside start-up or in a goroutine
	// missingprovider: find names that a program looks up and no package in it registers
	// nilremove: find Register(name, nil), used to remove a name
	// reflecttypekey: find reflect.Type as the key of a registry
}
