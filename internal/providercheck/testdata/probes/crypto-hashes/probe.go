package main

import "crypto"

func registered([]string) []string {
	var known []string
	for h := crypto.MD4; h <= crypto.BLAKE2b_512; h++ {
		if h.Available() {
			known = append(known, h.String())
		}
	}
	return known
}
