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
//     change one name, [Hot.Reload] the whole set, and readers see each write
//     entirely or not at all.
//
// Code that only reads takes a [View], which both are.
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
// # Look up
//
// [Registry.Get] answers like a map. [Registry.Lookup] returns an
// [UnknownError] that lists what is registered and which names come close,
// which is what a person who mistyped a setting needs.
//
// # See what is there
//
// Every entry knows the file, line, package and module version that registered
// it. Every registry counts its lookups exactly, hits by name and misses by
// name as well. A [Directory] lists the registries of the process with all of
// that; the package console serves it over HTTP, and the telemetry module
// exports it to Prometheus.
//
// # Concurrency properties
//
// All methods of all types are safe for concurrent use.
//
// A write that returned is visible to every read that starts afterwards. A
// read sees one version: [Registry.All] and [Hot.All] iterate over the version
// current when they were called, whatever is written meanwhile.
//
// A lookup in a [Hot] registry never locks. A lookup in a [Registry] does not
// lock either once a snapshot is published; after a write, a sixteenth as many
// lookups as there are entries take a lock before the next snapshot is made,
// so that registrations and lookups may alternate without copying the registry
// each time. Listing names publishes at once.
//
// Writers of one registry take turns. The last of several concurrent
// [Hot.Reload] calls wins as a whole. No user code runs under a lock.
//
// Removing or replacing an entry does not take the value from those who hold
// it already.
package roster
