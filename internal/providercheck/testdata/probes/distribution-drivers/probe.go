package main

import (
	"context"
	"errors"

	"github.com/distribution/distribution/v3/registry/storage/driver/factory"
)

// isKnown tells whether a driver answers, be it that it misses its settings.
func isKnown(name string) bool {
	_, err := factory.Create(context.Background(), name, map[string]any{})
	_, unknown := errors.AsType[factory.InvalidStorageDriverError](err)
	return !unknown
}

func registered(candidates []string) []string {
	var known []string
	for _, name := range candidates {
		if isKnown(name) {
			known = append(known, name)
		}
	}
	return known
}
