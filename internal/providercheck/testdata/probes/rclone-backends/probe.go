package main

import "github.com/rclone/rclone/fs"

func registered([]string) []string {
	var known []string
	for _, backend := range fs.Registry {
		known = append(known, backend.Name)
	}
	return known
}
