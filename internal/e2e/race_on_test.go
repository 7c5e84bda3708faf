//go:build race

package e2e_test

// buildFlags make the programs under test watch for races when the tests do.
var buildFlags = []string{"-race"}
