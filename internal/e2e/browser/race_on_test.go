//go:build race

package browser_test

// buildFlags make the programs under test watch for races when the tests do.
var buildFlags = []string{"-race"}
