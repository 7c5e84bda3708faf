package router

import (
	"fmt"

	"github.com/roster-go/roster"
)

// A ConflictError reports a pattern that matches requests which another one
// matches as well, where neither is more specific: it would depend on the order
// of registration who gets them.
type ConflictError struct {
	Registry string
	Existing string // the pattern that is there
	Refused  string // the pattern that was to come
	Witness  string // a request that both match: a method, and a host and a path

	ExistingSite, RefusedSite roster.Site // who registered them

	why string
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("roster: %s: the patterns %q and %q conflict: both match %s\n"+
		"\tkept     %s\n\t         at %s\n"+
		"\trefused  %s\n\t         at %s\n"+
		"\t%s",
		e.Registry, e.Existing, e.Refused, e.Witness,
		e.Existing, e.ExistingSite, e.Refused, e.RefusedSite, e.why)
}

// Is makes errors.Is(err, [roster.ErrDuplicate]) true: two routes want the same
// request.
func (e *ConflictError) Is(target error) bool { return target == roster.ErrDuplicate }

// conflict is the error of adding p to a table that has q.
func conflict(p, q *pattern, next interface {
	Name() string
	Claim(name string) roster.Claim
},
) *ConflictError {
	e := &ConflictError{
		Registry: next.Name(), Existing: q.text, Refused: p.text, Witness: witness(p, q),
		ExistingSite: next.Claim(q.text).Site, RefusedSite: next.Claim(p.text).Site,
	}
	methods, paths := methodRelation(p.method, q.method), pathRelation(p.segments, q.segments)
	switch {
	case methods.and(paths) == same:
		e.why = "they match the same requests; remove one of them"
	case paths == crossing:
		e.why = fmt.Sprintf("only the first matches the path %s, only the second %s; "+
			"make one of them match nothing that the other does not", only(q, p), only(p, q))
	case methods == wider:
		e.why = fmt.Sprintf("%q has the narrower path but more methods; give it a method, or both the same one", p.text)
	default:
		e.why = fmt.Sprintf("%q has the narrower path but more methods; give it a method, or both the same one", q.text)
	}
	return e
}
