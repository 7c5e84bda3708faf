package polite

import (
	"database/sql"
	"database/sql/driver"
	"slices"
)

type Driver struct{}

func (Driver) Open(string) (driver.Conn, error) { return nil, nil }

func init() {
	if !slices.Contains(sql.Drivers(), "postgres") {
		sql.Register("postgres", Driver{})
	}
}
