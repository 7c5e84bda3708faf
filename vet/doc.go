// Package vet has the analyzers that find the usual mistakes of the registry pattern: what goes wrong
// before main, between packages, where no test of one package can see it.
//
// They are ordinary analyzers of golang.org/x/tools/go/analysis. The command roster-vet runs them alone,
// under go vet and as roster vet; the package golangci makes a linter of golangci-lint of them.
//
// # Which registries
//
// The analyzers know the registries of the standard library and of widely used modules, and those made
// with package roster. A registry of one's own is read off the code that writes a package's map, or that
// passes a name on to a registry that is known. Where that is not enough, say it in a comment above the
// function:
//
//	//roster:registry codecs register name
//	//roster:registry codecs lookup name
//	//roster:registry backends register info.Name many anytime
//
// The third word is the parameter with the name, or a field or method of it. The word "many" allows several
// values of one name, "anytime" allows to register after the start.
//
// # Silence
//
// A comment on the line of a finding, or on the line above, silences it. It needs a reason:
//
//	//roster:ignore initeffects the file is part of the image
//
// # What is not judged
//
// Test files and generated files. Calls through interfaces and function values are not followed, so that
// what is found is certain, and not everything is found.
//
// # Concurrency properties
//
// The analyzers keep no state of their own: any number of passes may run at the same time.
package vet
