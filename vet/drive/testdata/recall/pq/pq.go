// Package pq stands for the driver of that name.
package pq

import (
	"database/sql"
	"database/sql/driver"
	"errors"
)

type drv struct{}

func (drv) Open(string) (driver.Conn, error) { return nil, errors.New("no database") }

func init() { sql.Register("postgres", drv{}) }
