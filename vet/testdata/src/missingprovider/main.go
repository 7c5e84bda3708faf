package main

import (
	"database/sql"

	"missingprovider/store"
)

func main() {
	_, _ = sql.Open("mysql", "") // want `"mysql" is looked up in database/sql drivers, and no package of this program registers it: import _ "github.com/go-sql-driver/mysql"`
	_, _ = sql.Open("postgres", "")
	name := "sqlite3"
	_, _ = sql.Open(name, "")
	run(store.Open)
	_ = store.Other
}

func run(open func() error) { _ = open() }
