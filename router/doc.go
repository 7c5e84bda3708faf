// Package router sends HTTP requests to handlers by pattern.
//
//	GET /users/{id}          one segment: r.PathValue("id")
//	GET /users/:id           the same pattern
//	/files/{path...}         the rest of the path, which may be empty
//	/files/*path             the same pattern
//	/files/                  the rest of the path, without a name
//	/files/{$}               this path only
//	example.com/             one host
//
// A [Router] is an [http.Handler], and so is everything that is registered with
// it. Parameters reach a handler through [http.Request.PathValue] and through the
// request's context ([Param]); a [ParamsFunc] gets them as an argument, without an
// allocation.
//
// Routes are entries of a [roster.Hot] registry: they have provenance, are
// counted, appear in the directory, and can be changed while the router serves.
// Every request is served by one version of the whole table.
//
// # Precedence
//
// It does not matter in which order routes are registered. The more specific
// pattern wins, where one is more specific than another if it matches fewer
// requests: a literal before {name}, and {name} before {name...}; a method before
// none; and a pattern with a host before all without one. Two patterns that match
// the same request, neither of which is more specific, conflict: the second one is
// refused with a [*ConflictError] that names both places and a request that both
// match.
//
// # Compared with net/http.ServeMux
//
// Precedence, conflicts, redirects, HEAD, and the answers 404 and 405 are those of
// [http.ServeMux], except:
//
//   - :id and *path are wildcards. ServeMux takes them for literals; a literal
//     colon or asterisk at the beginning of a segment is written %3A or %2A.
//   - A host is compared without regard to case, as RFC 9110 says.
//   - A literal %2F in a pattern matches an encoded slash. ServeMux takes it for
//     the end of the path.
//   - A redirect to the clean form of a path keeps its percent-encoding, which
//     ServeMux encodes once more.
//   - A pattern that no request can match because its path is not clean is refused
//     without a method, too.
//   - A wildcard stands for at least one byte, also in CONNECT requests, the paths
//     of which are not cleaned.
//   - A pattern may have 16 wildcards ([MaxParams]) and 256 bytes
//     ([roster.MaxNameLen]); a path of more than 65,535 bytes ([MaxPathLen]) is
//     answered with 414.
//
// # Concurrency properties
//
// Everything in this package is safe for concurrent use. A request takes no lock:
// it reads the current table with one atomic load and keeps to it. A lookup
// visits no node of the table twice, so hostile paths cost no more than the table
// is large, and what it needs does not depend on the path but for its length. A
// handler that was removed may still be serving requests; with
// [roster.CloseRetired] it is closed when they are done.
package router
