// Package access says who may do what to a daemon: it tells callers apart by tokens, client
// certificates and sign-ins of browsers, holds every route to the role that it needs, refuses
// requests of foreign web pages, and writes down what was done and what was refused.
//
// The package knows no route. The daemon has one table of [Rule] values for its HTTP patterns and
// gRPC methods; a route that is not in it is refused to everybody.
//
// # Concurrency properties
//
// All types are safe for concurrent use unless they say otherwise. A [Tokens] looks at its file on
// each use, so that a revoked token is refused from the next request on; streams that have begun end
// some seconds later. A [Log] writes entries one after the other, whole.
package access
