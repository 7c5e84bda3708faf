// Command late seals the registry before one of its drivers registers.
package main

import (
	_ "example.com/driver"
	"example.com/late"
	"example.com/sql"
)

func main() {
	sql.Seal()
	late.Enable()
}
