package main

import (
	"strings"

	"github.com/coredns/caddy"
	_ "github.com/coredns/coredns/plugin"
)

func registered([]string) []string {
	var known []string
	for _, kind := range caddy.ListPlugins() {
		for _, plugin := range kind {
			if name, ok := strings.CutPrefix(plugin, "dns."); ok {
				known = append(known, name)
			}
		}
	}
	return known
}
