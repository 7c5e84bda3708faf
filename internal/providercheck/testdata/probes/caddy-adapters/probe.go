package main

import (
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

func registered(candidates []string) []string {
	var known []string
	for _, name := range candidates {
		if caddyconfig.GetAdapter(name) != nil {
			known = append(known, name)
		}
	}
	return known
}
