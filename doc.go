// Package roster holds named implementations: drivers, codecs, handlers,
// plugins, whatever a program picks by name while it runs.
//
// A registry looks like a map. What it adds is a contract: when writes are
// allowed, who wins when two parties claim one name, who may still hold an old
// value, and how anybody learns what is there. The package needs nothing but
// the standard library.
//
// # Choose a lifecycle
//
// The lifecycle is the type, so that misuse does not compile:
//
//   - [Registry] is startup-only. Values are added, usually by init functions,
//     and stay: whoever looked one up may keep it. It has no method to replace
//     or remove.
//   - [Hot] changes while the program runs. [Hot.Replace] and [Hot.Unregister]
//     change one name, [Hot.Reload] the whole set, [Hot.Update] several names at
//     once, and readers see each write entirely or not at all.
//   - [Lazy] makes a value when somebody first asks for it, once.
//
// Code that only reads takes a [View], which all of them are.
//
// # Register
//
// A package that owns a registry keeps it in a variable and wraps what others
// need:
//
//	var codecs = roster.New[Codec](roster.Named("codecs"))
//
//	func Register(name string, c Codec) { codecs.Register(name, c) }
//
// Register panics, because two packages that claim one name are a mistake in
// how the program was put together and nothing at run time can mend it. Every
// method that panics has a twin that returns the error, here
// [Registry.TryRegister]. Refused are a taken name ([DuplicateError], naming
// both places), a malformed one ([NameError]) and a nil, even inside an
// interface ([NilError]).
//
// Who wins a clash is for the owner to say. By default nobody does.
// [CollectConflicts] reports all clashes at once from [Registry.Verify],
// [KeepIdentical] lets a value be registered twice, and [Registry.Override] is
// the verb, and the only one, that puts a value in the place of another's.
// [Registry.Seal] closes a registry for good.
//
// # Look up
//
// [Registry.Get] answers like a map. [Registry.Lookup] returns an
// [UnknownError] that lists what is registered and which names come close,
// which is what a person who mistyped a setting needs. With a [Catalogue] it
// also names the import that is missing, and when it is called while packages
// still initialise it says that this may be the reason.
//
// # Change while requests run
//
// A request that looks up several names in a [Hot] registry must not see half
// of a reload. It takes a [Pin], a view of one version, and resolves from it;
// the package rosterhttp does that for every request of an http.Handler.
//
// A value that was replaced cannot be closed at once: somebody may be using it.
// With [OnRetire] or [CloseRetired] the registry closes it when the last pin and
// the last [Lease] that could see it are released, exactly once. [Hot.Drain]
// waits for that, and says which line holds what when it takes too long. A
// plain Get is not tracked: use pins and leases in a registry that retires.
//
// [Hot.Changes] follows a registry version by version.
//
// # Narrow and overlay
//
// [NewScope] makes a registry of one's own over another one, for a tenant or a
// test. [Only] is an allow-list. Package-level registries are values of the same
// types, so that code written against a [View] does not know the difference.
//
// # Take something out of use
//
// [Directory.Suspend] makes all registries of a name stop giving one entry out, at
// once, and [Directory.Resume] undoes it. It works in every lifecycle, after a seal,
// through pins and scopes that exist already, and for names that are registered later;
// the package kill has it follow orders from elsewhere. Lookups cost nothing more
// while nothing is suspended.
//
// # See what is there
//
// Every entry knows the file, line, package and module version that registered
// it. Every registry counts its lookups exactly, hits by name and misses by
// name as well. A [Directory] lists the registries of the process with all of
// that; the package console serves it over HTTP, and the telemetry module
// exports it to Prometheus.
//
// # Test
//
// The package rostertest puts a value in the place of another for the length of
// a test, reports tests that leave a registry changed, and checks registries of
// anybody's making against the contract described here.
//
// # Concurrency properties
//
// All methods of all types are safe for concurrent use, except those of [Draft],
// which belongs to one function.
//
// No lookup locks, in any lifecycle: it is an atomic load, a read of an
// immutable index, and an atomic addition to a counter that is spread over cache
// lines so that processors rarely share one. A [Lazy] lookup waits only for a
// value that is not there yet. A name that is missed for the first time takes a
// lock to be counted, for at most a hundred names.
//
// A write that returned is visible to every read that starts afterwards. A read
// sees one version: All iterates over the version current when it was called,
// whatever is written meanwhile, and a pin answers from its version until it is
// released. A [Scope] reads its own entries and its parent's one after the
// other: pin a hot parent to see one version of both.
//
// Writers of one registry take turns. The last of several concurrent
// [Hot.Reload] calls wins as a whole. Versions count up by one with each write
// that changes something, and [Hot.Changes] yields them in that order.
//
// A write costs time in proportion to what it changes: a [Hot] registry shares
// everything else with the version before, in chunks of 64 entries, and copies
// one pointer for each chunk.
//
// The functions given to [Hot.Update] and [Validate] run while other writers
// wait, and must not write to the registry themselves. Those given to
// [OnRetire], [ReportStuck] and [NewLazy] run on goroutines of their own, which
// end when their work is done, with no lock held.
//
// Removing, replacing or suspending an entry never takes the value from those who hold
// it. When [Directory.Suspend] has returned, no lookup that starts afterwards gives the
// value out. It waits for no function that was given to a registry.
package roster
