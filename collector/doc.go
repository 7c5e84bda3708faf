// Package collector holds producers of values: what a producer yields is
// described and checked when it is registered, and collected when somebody
// asks.
//
// A program that shows its state, on a metrics page, in a health check, in a
// support bundle, has a list of functions that know a part of it. Appended to a
// slice, they clash when the page is read: two of them yield one name, one
// fails and takes the page with it, one hangs and the page with it. A
// [Registry] finds the clash when the second is registered, and says who the
// two are; it holds a failure against the collector that failed, and gives up
// on one that does not return.
//
// # Register
//
// A [Collector] describes the names it yields, and yields values of one type
// under them. [Func] makes a collector of one name from a function.
//
//	var status = collector.New[float64](collector.With(roster.Named("status")))
//
//	func init() { status.MustRegister(collector.Func("queue_depth", "jobs waiting", depth)) }
//
// [Registry.MustRegister] panics, for init functions; [Registry.Register]
// returns the error. A collector is registered with all of its names or with
// none. Refused are
//
//   - a collector that is registered already, with an [AlreadyRegisteredError],
//     which has the registered one, so that the caller can go on with it;
//   - a name that another collector describes, with a [roster.DuplicateError],
//     which has the types and places of both;
//   - a malformed name, with a [roster.NameError];
//   - a collector that is nil, describes nothing, or describes a name twice,
//     with a [DescriptionError].
//
// # Collect
//
// [Registry.Gather] calls the collectors and returns their values sorted by
// name. Whatever goes wrong with one of them is a [CollectError] that says
// where it was registered; the values of the others are there all the same, and
// so are the ones that it had emitted under its own names before.
//
// # See what is there
//
// The described names are in a [roster.Hot] registry, so the directory of the
// process lists them with their provenance (see [roster.Directory]), and a
// Registry is a [roster.View] of its collectors.
//
// # Concurrency properties
//
// All methods are safe for concurrent use. No method of a collector is called
// under a lock, so a collector may itself use the registry.
//
// A Gather collects what was registered when it was called. A collector that is
// unregistered meanwhile may still be called by it.
//
// A Gather calls at most [AtOnce] collectors at a time, each once and on
// goroutines that it starts for that; one goroutine calls several collectors in
// turn. Several Gathers may run at the same time, and call one collector at the
// same time: Collect must be safe for that. The function that emits may be
// called from several goroutines; after Collect has returned, or been given up,
// it does nothing.
//
// A collector's context is done after [Timeout], or with that of Gather. One
// that has not returned a tenth of a second later is given up: Gather goes on
// without it, with a [LateError]. Its goroutine remains until it returns, and
// until then no Gather calls that collector again, so that one that hangs costs
// a goroutine and not one with each Gather. [Registry.Close] waits for all of
// them.
package collector
