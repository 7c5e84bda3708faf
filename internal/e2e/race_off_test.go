//go:build !race

package e2e_test

// buildFlags are empty: the programs under test are built as users build them.
var buildFlags []string
