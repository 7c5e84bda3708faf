package main

import "go.podman.io/image/v5/transports"

func registered([]string) []string {
	return transports.ListNames()
}
