package roster_test

import (
	"fmt"

	"github.com/roster-go/roster"
)

// A registry that knows who provides what tells which import is missing.
func ExampleKnown() {
	drivers := roster.New[int](roster.Named("drivers"), roster.Known(roster.Catalogue{
		"postgres": {{Import: "github.com/lib/pq"}},
		"sqlite3":  {{Import: "github.com/mattn/go-sqlite3", Note: "needs cgo"}},
	}))

	_, err := drivers.Lookup("sqlite3")
	fmt.Println(err)
	_, err = drivers.Lookup("posgres")
	fmt.Println(err)
	// Output:
	// roster: drivers: "sqlite3" is not registered; add import _ "github.com/mattn/go-sqlite3" (needs cgo)
	// roster: drivers: "posgres" is not registered; to register "postgres" add import _ "github.com/lib/pq"
}
