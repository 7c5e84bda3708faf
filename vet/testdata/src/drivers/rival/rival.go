package rival

import (
	"database/sql"
	"database/sql/driver"
)

type Driver struct{}

func (Driver) Open(string) (driver.Conn, error) { return nil, nil }

const name = "postgres"

func init() { sql.Register(name, Driver{}) }
