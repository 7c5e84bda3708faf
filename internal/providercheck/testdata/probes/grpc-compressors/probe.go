package main

import (
	"google.golang.org/grpc/encoding"
)

func registered(candidates []string) []string {
	var known []string
	for _, name := range candidates {
		if encoding.GetCompressor(name) != nil {
			known = append(known, name)
		}
	}
	return known
}
