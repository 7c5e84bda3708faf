// Package audit initialises before the driver it looks up: of packages that do
// not import each other, the one whose path sorts first comes first.
package audit

import "example.com/sql"

// Err is the error of the lookup, and Then what it said at once.
var (
	Err  error
	Then string
)

func init() {
	_, Err = sql.Find("postgres")
	Then = Err.Error()
}
