package main

import (
	"github.com/tink-crypto/tink-go/v2/core/registry"
)

func isKnown(typeURL string) bool {
	_, err := registry.GetKeyManager(typeURL)
	return err == nil
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
