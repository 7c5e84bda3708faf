package store

import (
	"database/sql"

	_ "github.com/lib/pq" // registers "postgres"
)

func Open() error { _, err := sql.Open("postgres", ""); return err }

func Other() { _, _ = sql.Open("sqlite", "") }

func Unused() { _, _ = sql.Open("clickhouse", "") }
