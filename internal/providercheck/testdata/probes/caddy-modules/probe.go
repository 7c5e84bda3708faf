package main

import "github.com/caddyserver/caddy/v2"

func registered([]string) []string {
	return caddy.Modules()
}
