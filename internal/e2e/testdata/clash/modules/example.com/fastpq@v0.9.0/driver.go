// Package fastpq registers a driver for its side effect.
package fastpq

import "example.com/sql"

type fast struct{}

func (*fast) Open() error { return nil }

func init() { sql.Register("postgres", &fast{}) }
