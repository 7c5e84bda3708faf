// Package shared owns a registry that the tests of other packages share.
package shared

import "github.com/roster-go/roster"

// Codecs is startup-only.
var Codecs = roster.New[string](roster.Named("codecs"))

// Limits changes.
var Limits = roster.NewHot[int](roster.Named("limits"))

func init() {
	Codecs.Register("json", "JSON")
	Limits.Register("free", 10)
	Limits.Register("paid", 1000)
}
