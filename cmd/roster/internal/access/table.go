package access

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// A Rule says what a route is, as far as access goes.
type Rule struct {
	// Role is the least that a caller has to have.
	Role Role
	// Action is what the audit log calls it; empty for what is only read.
	Action string
	// Told means that the handler says what it is about to do, with [Record], since that is in the
	// body of the request. Otherwise the path is the target.
	Told bool
	// Folded means that many of the same are one line of the audit log, with a count.
	Folded bool
}

// A Table has the rule of each HTTP pattern, as it is registered, and of each gRPC method, as
// [RPC] and /service/method. AnyRPC is for gRPC methods that are not in it.
type Table map[string]Rule

// Keys of gRPC methods in a [Table].
const (
	RPC    = "grpc "    // + /service/method
	AnyRPC = RPC + "/*" // methods that a table does not name
)

// A Mux is an [http.ServeMux] that knows its patterns.
type Mux struct {
	http.ServeMux

	patterns []string
}

// Handle is that of [http.ServeMux]. Like that one it is for start-up.
func (m *Mux) Handle(pattern string, handler http.Handler) {
	m.ServeMux.Handle(pattern, handler)
	m.patterns = append(m.patterns, pattern)
}

// HandleFunc is that of [http.ServeMux].
func (m *Mux) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	m.Handle(pattern, http.HandlerFunc(handler))
}

// Patterns are those that have a handler, sorted.
func (m *Mux) Patterns() []string { return slices.Sorted(slices.Values(m.patterns)) }

// rule finds the rule of a request. A pattern without one gets the zero rule, which nobody may use. What
// has no pattern, so that it is answered with 404 or 405, may be read: only who may read learns what
// there is.
func (t Table) rule(mux *Mux, r *http.Request, rpcPath bool) Rule {
	if rpcPath {
		if rule, known := t[RPC+r.URL.Path]; known {
			return rule
		}
		return t[AnyRPC]
	}
	_, pattern := mux.Handler(r)
	if pattern == "" {
		return Rule{Role: Read}
	}
	return t[pattern]
}

// changes tells whether a rule's requests are written down when they are allowed.
func (r Rule) changes() bool { return r.Role >= Operate }

// action is how the audit log names a request.
func (r Rule) action(req *http.Request) string {
	return cmp.Or(r.Action, strings.ToLower(req.Method))
}
