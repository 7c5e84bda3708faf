// Command early looks up in an init function what only a sibling registers.
package main

import (
	"fmt"

	"example.com/app/audit"
	_ "example.com/driver"
	"example.com/sql"
)

func main() {
	fmt.Println("in init: ", audit.Then)
	fmt.Println("in main: ", audit.Err)
	_, err := sql.Find("postgres")
	fmt.Println("once more:", err)
}
