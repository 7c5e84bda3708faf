package providers

import (
	"slices"

	"github.com/roster-go/roster"
)

// A Registry is a well-known registry that packages join when they are imported
// for their side effect.
type Registry struct {
	Name    string // short and stable, for example "sql-drivers"
	Title   string // what it holds, for example "database/sql drivers"
	Package string // the import path of the package that owns it, for example "database/sql"

	// Register names the functions and methods of Package by which names get into
	// the registry, for example "Register" or "URLMux.RegisterBucket". It is empty
	// if packages reach the registry in another way.
	Register []string

	// Catalogue has the known names. It is the caller's own.
	Catalogue roster.Catalogue
}

// All describes every registry that this package knows, sorted by name.
func All() []Registry {
	all := make([]Registry, 0, len(listings))
	for _, l := range listings {
		all = append(all, Registry{
			Name:      l.name,
			Title:     l.title,
			Package:   l.owner,
			Register:  slices.Clone(l.register),
			Catalogue: l.catalogue(),
		})
	}
	return all
}

// listing is the data of a Registry.
type listing struct {
	name, title, owner string
	register           []string
	rows               []row
	more               func() []row // further rows, for data that is not written in Go; or nil
}

const (
	registerFunc = "Register"  // how most owners call it
	forTests     = "for tests" // the note on a provider that nobody runs in earnest
)

// A row is one package that provides one name. Of several rows with one name,
// the first is recommended.
type row struct{ name, path, note string }

func (l *listing) catalogue() roster.Catalogue {
	rows := l.rows
	if l.more != nil {
		rows = slices.Concat(rows, l.more())
	}
	catalogue := make(roster.Catalogue, len(rows))
	for _, r := range rows {
		catalogue[r.name] = append(catalogue[r.name], roster.Provider{Import: r.path, Note: r.note})
	}
	return catalogue
}
