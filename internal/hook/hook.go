// Package hook lets the package rostertest reach what a registry keeps from
// its users: putting a value in the place of another one for the length of a
// test.
package hook

// Override makes name stand for v in registry, whatever the registry's
// lifecycle and whether or not it is sealed or the name is taken, until
// restore is called; restore brings back exactly what was there before. Lookups
// that already happened are not affected, no value is retired, and no count of
// registrations changes. The error says that registry is not one of package
// roster's, or that v has the wrong type. It is set by package roster.
var Override func(registry any, name string, v any) (restore func(), err error)
