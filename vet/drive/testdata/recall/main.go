// Command recall has each defect that roster vet knows, and compiles.
package main

import (
	"database/sql"
	"fmt"
	"os"

	_ "example.com/recall/gzip"
	_ "example.com/recall/plain"

	// the faster one
	_ "example.com/recall/turbo"

	"example.com/recall/server"
)

func main() {
	db, err := sql.Open("postgres", os.Getenv("DSN"))
	fmt.Println(db != nil, err, server.Ready())
}
