// Command slip asks for posgres and links no driver at all.
package main

import (
	"fmt"
	"os"

	"example.com/sql"
)

func main() {
	for _, name := range []string{"posgres", "postgres", "oracle"} {
		_, err := sql.Find(name)
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(1)
}
