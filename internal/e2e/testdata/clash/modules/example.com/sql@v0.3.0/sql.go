// Package sql owns the registry of drivers and wraps it for others.
package sql

import "github.com/roster-go/roster"

// A Driver talks to one kind of database.
type Driver interface{ Open() error }

var drivers = roster.New[Driver](roster.Named("drivers"), roster.Known(roster.Catalogue{
	"postgres": {{Import: "example.com/driver", Note: "pure Go"}, {Import: "example.com/fastpq"}},
}))

// Register makes a driver available by name.
func Register(name string, d Driver) { drivers.Register(name, d) }

// Find returns the driver of that name.
func Find(name string) (Driver, error) { return drivers.Lookup(name) }

// Seal ends the time in which drivers may register.
func Seal() { drivers.Seal() }
