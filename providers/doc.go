// Package providers knows which packages register which names when they are
// imported for their side effect: the drivers of database/sql, the codecs of
// gRPC, the modules of Caddy and more than thirty other registries of the
// standard library and of widely used modules.
//
// There is a function per registry. Hand its catalogue to a registry of your
// own that takes the same names, and a lookup of one that nobody registered
// says what to import:
//
//	drivers := roster.New[driver.Driver](roster.Named("drivers"), roster.Known(providers.SQLDrivers()))
//	_, err := drivers.Lookup("postgres")
//	// …: add import _ "github.com/lib/pq" or …
//
// Tools that look at other people's programs, such as a linter, range over
// [All] instead, which also tells which package owns each registry and by which
// functions names get into it.
//
// # What is in a catalogue
//
// A catalogue has what the package itself registers, not what comes with its
// dependencies: a package that merely imports the one with
// "http.encoders.gzip" is not listed for it. Where several packages provide a
// name, the first is the one to recommend: kept by its authors, without cgo if
// there is a choice. Most registries take only one of them per program.
//
// Every entry has been seen to work: a program with nothing but the import has
// the name and the same program without it does not. The file
// testdata/verified.txt says with which version of which module, and a test
// refuses entries that are not in it.
//
// The package imports none of the packages that it names: all of it is data.
//
// # Concurrency properties
//
// All functions are safe for concurrent use. Each call makes a catalogue of its
// own, which the caller may change.
package providers
