//go:build !race

package browser_test

var buildFlags []string
