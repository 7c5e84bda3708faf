package main

import (
	"google.golang.org/grpc/resolver"
)

func registered(candidates []string) []string {
	var known []string
	for _, name := range candidates {
		if resolver.Get(name) != nil {
			known = append(known, name)
		}
	}
	return known
}
