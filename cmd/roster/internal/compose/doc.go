// Package compose builds a program out of a host and the providers that it shall have
// linked in, without a change to the host's sources.
//
// A provider registers itself when its package is imported. Which ones a program has is
// decided by the imports of its main package, so somebody who wants another set keeps a
// copy of main. [Prepare] adds one generated file with blank imports to the host's main
// package instead, by the -overlay of the go command, and the modules of the providers to
// a copy of its go.mod, by -modfile. The host's own folder stays as it is, its replace
// lines hold, its internal packages stay within reach, and main may be anywhere in its
// module; a generated module that imports the host could do none of that. A host that is
// given with a version is downloaded first, and built in a copy.
//
// Before anything is compiled, the sources are read for what they register, and two
// packages that register one name are refused, see [Clash].
//
// # Concurrency properties
//
// A [Plan] belongs to one goroutine. Plans do not disturb each other, whatever they share.
package compose
