// Package codecs is a library with a registry and a wrapper over it, as the
// tests of provenance need one that is not the test itself.
package codecs

import "github.com/roster-go/roster"

var registry = roster.New[string](roster.Named("codecs"), roster.In(roster.NewDirectory()))

// Register wraps the registry the way libraries do.
func Register(name, codec string) error { return tryRegister(name, codec) }

func tryRegister(name, codec string) error { return registry.TryRegister(name, codec) }
