package main

import "github.com/golang-migrate/migrate/v4/source"

func registered([]string) []string {
	return source.List()
}
