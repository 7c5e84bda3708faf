// Package initorder finds the order in which the packages of a Go program initialise,
// and why each of them has its place.
//
// Since Go 1.21 the linker decides: it takes the init tasks of all packages that main
// imports, and at every step picks, of those whose imports are done, the one whose symbol
// sorts first (cmd/link/internal/ld/inittask.go). The symbol is the import path, with
// what the linker escapes in it, and "..inittask": so q/b-c comes before q/b. A package
// that has nothing to initialise, and imports nothing that has, has no task at all. A
// package that only imports such packages has a task without functions: it takes part in
// the order and never runs.
//
// [OfPackage] reads the tasks from what the compiler made of each package, and sorts them
// as the linker does. [OfBinary] reads what the linker wrote into a program. Both give the
// order that GODEBUG=inittrace=1 shows.
//
// # Concurrency properties
//
// All functions are safe for concurrent use. They run the go command and write nothing
// but its caches.
package initorder
