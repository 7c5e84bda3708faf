// Package providercheck proves what package providers claims: that importing a
// package really registers the names that the catalogue lists for it. It holds
// tests only and is never published.
//
// For each registry, testdata/probes has a file that asks the registry what it
// holds. For each provider, a test writes a program of that probe and the one
// import, builds and runs it, and compares with the same program without the
// import. The results are compared with providers/testdata/verified.txt.
//
// The usual run does that for the standard library and for the modules that
// go.mod pins. A run with ROSTER_PROVIDERS=1 does it for every provider, with the
// versions of testdata/versions.txt. It downloads and builds much of what is
// known to the Go world, needs a C compiler, and takes long the first time:
//
//	ROSTER_PROVIDERS=1 go test -count=1 -timeout=3h -v .
//
// Either run takes -update, which rewrites the lines of what it verified. A new
// provider therefore needs a row in package providers, its module in
// versions.txt, and such a run; -module=PATH confines it to one module.
package providercheck
