package main

import "database/sql"

func registered([]string) []string {
	return sql.Drivers()
}
