// Package driver registers a driver for its side effect.
package driver

import "example.com/sql"

type conn struct{}

func (conn) Open() error { return nil }

func init() { sql.Register("postgres", conn{}) }
