// Package rostertest is for tests of programs that use registries, and for tests of
// registries.
//
// # Replace an entry for the length of a test
//
// Code that takes a registry as a parameter gets one of the test's own, with nothing to undo.
// For code that reads a shared one, [Override] puts a value in the place of another and brings
// the old one back when the test ends, also in a registry that was sealed:
//
//	func TestEncode(t *testing.T) {
//		rostertest.Override(t, codecs.Default, "json", fake)
//		…
//	}
//
// It refuses to work in a parallel test.
//
// # Find the test that leaves something behind
//
// A fake that stays in a shared registry makes another test fail, or pass, and which one
// depends on the order. [NoLeaks], called first in a test, fails that very test if it leaves a
// registry other than it found it, and says where the value was registered. [Main] watches all
// tests of a package:
//
//	func TestMain(m *testing.M) { os.Exit(rostertest.Main(m)) }
//
// # Test a registry of your own
//
// The conformance kit tests what a registry has to promise, whoever wrote it. Hand it a
// function that makes one, as a [Registry]; method values will do if it holds values of any
// type:
//
//	func TestRegistry(t *testing.T) {
//		rostertest.Run(t, func() rostertest.Registry {
//			r := registry.New()
//			return rostertest.Registry{Register: r.Register, Get: r.Get, Names: r.Names}
//		})
//	}
//
// Each rule is a subtest, and one that fails says what goes wrong in production without it.
// [Rules] lists them. [Check] returns the violations instead of failing a test. Set more
// functions of Registry, such as Lookup or Reload, and more rules apply. Run the test with
// -race.
//
// # Concurrency properties
//
// Override and NoLeaks may be called from any goroutine that may call t.Fatal, which is the
// test's own. Neither works in a parallel test, and a later t.Parallel panics; subtests may be
// parallel, since package testing ends them before it restores what their parent has changed.
// Overrides of one name are undone in any order without losing the newest that is in force.
//
// Check and Run may run in parallel with each other: each rule has a registry of its own. They
// call create one call at a time, and a Registry's functions from several goroutines only in
// the last rules (no-lost-registration, one-winner, concurrent-use, reload-atomic), which take
// no lock between calls, so that the race detector sees the registry's own synchronisation
// only. All goroutines have ended when Check or a subtest of Run returns, except for those that
// hang in the registry.
package rostertest
