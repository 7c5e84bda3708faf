// Package driver registers a driver for its side effect.
package driver

import "example.com/sql"

// Conn is exported since version 3.
type Conn struct{ pooled bool }

func (*Conn) Open() error { return nil }

func init() {
	sql.Register("postgres", &Conn{pooled: true})
}
