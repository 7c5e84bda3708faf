// Package late registers a driver for its side effect.
package late

import "example.com/sql"

type late struct{}

func (late) Open() error { return nil }

// Enable registers the driver when it is called, which may be too late.
func Enable() { sql.Register("late", late{}) }
