// Package kv is what a program that needs a key-value store imports: the contract,
// and the registry of those who fulfil it.
package kv

import (
	"context"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/factory"
)

// A Store keeps texts by key. It is safe for concurrent use.
type Store interface {
	// Get returns the value of key, and whether there is one.
	Get(ctx context.Context, key string) (value string, ok bool, err error)
	// Set gives key a value.
	Set(ctx context.Context, key, value string) error
	// Delete removes key, which may be missing.
	Delete(ctx context.Context, key string) error
	// Close releases what the store holds.
	Close() error
}

// Stores has a factory for every kind of store that the program links in. Packages
// of stores register theirs while they initialise.
var Stores = roster.New[*factory.Factory[Store]](roster.Named("stores"))
