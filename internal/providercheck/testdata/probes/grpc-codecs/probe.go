package main

import (
	"google.golang.org/grpc/encoding"
)

func registered(candidates []string) []string {
	var known []string
	for _, name := range candidates {
		if encoding.GetCodecV2(name) != nil || encoding.GetCodec(name) != nil {
			known = append(known, name)
		}
	}
	return known
}
