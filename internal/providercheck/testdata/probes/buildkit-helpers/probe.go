package main

import (
	"github.com/moby/buildkit/client/connhelper"
)

func isKnown(scheme string) bool {
	helper, err := connhelper.GetConnectionHelper(scheme + "://name")
	return err != nil || helper != nil
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
