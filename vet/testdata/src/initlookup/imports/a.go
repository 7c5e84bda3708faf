package imports

import (
	"database/sql"

	_ "github.com/lib/pq" // registers "postgres"
)

var db, _ = sql.Open("postgres", "")
