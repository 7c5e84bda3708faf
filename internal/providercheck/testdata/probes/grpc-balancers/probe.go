package main

import (
	"google.golang.org/grpc/balancer"
)

func registered(candidates []string) []string {
	var known []string
	for _, name := range candidates {
		if balancer.Get(name) != nil {
			known = append(known, name)
		}
	}
	return known
}
