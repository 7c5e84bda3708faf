package main

import "github.com/golang-migrate/migrate/v4/database"

func registered([]string) []string {
	return database.List()
}
