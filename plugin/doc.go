// Package plugin calls capabilities by name, whether a function of this process
// serves them, a plugin process, or another host.
//
// A [Host] runs plugins: programs described by a [Descriptor], started through
// hashicorp/go-plugin over a private unix socket, watched, and restarted when they
// crash. Plugins are written with the package sdk, or in any language that can serve
// the protocol in proto/roster/plugin/v1. A program that serves gRPC through go-plugin
// and knows nothing of Roster can be hosted too ([GoPlugin]), and a descriptor may
// stand for a gRPC server of somebody else's (Endpoint) or for a WebAssembly module
// (Module).
//
// A capability is a JSON function ([Host.Call]) or a gRPC service ([Host.Conn]
// and [Host.ForwardHandler]). Callers never name a plugin. Providers are tried
// in this order: linked-in functions, ready plugins in turn, then hosts in the
// same zone, in the same region, and elsewhere. The next one is tried only if
// the call provably did not start, or is declared idempotent. While a plugin
// restarts, calls that nobody else can take wait for it until their deadline.
//
// # What is killed
//
// A host with a kill switch ([Options]) asks it before anything else. What is killed
// is refused with a [KilledError] and is not announced: a capability, an instance (a
// capability on one host), a plugin or one version of it. When [kill.Switch.Apply] has
// returned, no call is begun with it any more. The process of a killed plugin has
// been sent SIGKILL by then, and mostly is gone; its calls end with a KilledError. The
// plugin stays, says that it is killed and why, and starts again when it is revived.
// Another version may take its place meanwhile. Streams are cut by the kill of what they
// use. A unary call of a linked-in function, or of a capability that is killed while its
// plugin is not, runs to its end, and its answer is dropped.
//
// # Who talks to whom
//
// The socket is in a folder that only the host's user may enter, or the plugin's user
// if it has one of its own, and on Linux the host asks the kernel whether it is a
// process of the plugin's that listens. On other systems host and plugin identify
// themselves by mutual TLS with keys that are made for each process.
//
// # What a plugin process gets
//
// Of the host's environment it sees PATH, HOME, TMPDIR, TZ, LANG and LC_ALL
// (and the equivalents that Windows programs need), nothing else. Its working
// folder is that of its descriptor. Its standard input is a pipe that ends when
// the host is gone, and it leads a process group which the host kills as a whole;
// a grandchild that leaves the group is not found. On Linux it is also killed
// with the host by the kernel, and the process is made from the very file whose
// checksum was compared; a script (#!) is run by path, and so is every program
// on other systems, which leaves a moment to swap the file.
//
// # Sandbox
//
// On Linux a [Sandbox] confines the process further. To do so the host runs its own
// program once more, which turns into the plugin after it has locked itself in: a
// program that links this package in acts as that helper, before its main function,
// if it is started under a reserved name.
//
// # Concurrency properties
//
// All methods of Host are safe for concurrent use. One goroutine per plugin owns
// its process: it alone starts, watches and ends it. The registries of plugins
// and capabilities are read without locks. A call holds its process: Remove and
// Close drain for the stop grace before they end it. Close waits for every
// goroutine and process of the host. No method waits for a plugin beyond its
// context, and none holds a lock while it calls one. Orders of the kill switch are carried
// out on the goroutine that applies them.
package plugin

//go:generate ./proto/generate.sh
