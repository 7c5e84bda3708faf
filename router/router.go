package router

import (
	"maps"
	"net/http"
	"slices"

	"github.com/roster-go/roster"
)

// A Router sends requests to the handler whose pattern matches best. It is safe
// for concurrent use; routes may change while it serves. Create one with [New].
//
// A route that is suspended (see [roster.Directory.Suspend]) answers with status
// 503: its requests do not go to a more general route, which was not written for
// them.
type Router struct {
	// NotFound serves requests that no route matches, in place of
	// [http.NotFoundHandler]. Set it before the router serves.
	NotFound http.Handler

	// MethodNotAllowed serves requests whose path has routes, but for other
	// methods only, in place of an answer with status 405. The header Allow is
	// set already. Set it before the router serves.
	MethodNotAllowed http.Handler

	routes *roster.Indexed[http.Handler, *table]
	owner  *roster.Owner // of the pins of requests
	pinned bool          // handlers are retired, so a request has to hold its own
}

var _ http.Handler = (*Router)(nil)

// New creates a router without routes. Its options are those of a hot registry of
// handlers. With [roster.CloseRetired] or [roster.OnRetire] a handler that was
// replaced or removed is retired when the last request that it may serve is done.
// Without the option [roster.Named] the registry is called "routes".
func New(opts ...roster.HotOption) *Router {
	opts = append([]roster.HotOption{roster.Named("routes")}, opts...)
	routes := roster.NewIndexed(buildTable, opts...)
	return &Router{routes: routes, owner: roster.NewOwner(0), pinned: routes.Retires()}
}

// Routes is the registry that the routes live in, under their patterns in
// canonical form: with {name} for a wildcard. What is written to it is written to
// the router.
func (r *Router) Routes() *roster.Hot[http.Handler] { return r.routes.Hot }

// Handle adds a route and panics with the error of [Router.TryHandle] if that
// fails. It is meant for starting up.
func (r *Router) Handle(pattern string, h http.Handler) { must(r.TryHandle(pattern, h)) }

// HandleFunc is [Router.Handle] for a function.
func (r *Router) HandleFunc(pattern string, f func(http.ResponseWriter, *http.Request)) {
	must(r.TryHandle(pattern, http.HandlerFunc(f)))
}

// HandleParams is [Router.Handle] for a function that gets the parameters as an
// argument.
func (r *Router) HandleParams(pattern string, f func(http.ResponseWriter, *http.Request, Params)) {
	must(r.TryHandle(pattern, ParamsFunc(f)))
}

// TryHandle adds a route. The error is a [*PatternError], a [*ConflictError], or
// one of [roster.Hot.TryRegister]; the router is then as it was.
func (r *Router) TryHandle(pattern string, h http.Handler) error {
	name, err := r.name(pattern)
	if err != nil {
		return err
	}
	return r.routes.TryRegister(name, h)
}

// Replace gives a route another handler. The error is a [*PatternError] or one of
// [roster.Hot.Replace].
func (r *Router) Replace(pattern string, h http.Handler) error {
	name, err := r.name(pattern)
	if err != nil {
		return err
	}
	return r.routes.Replace(name, h)
}

// Remove removes a route. The error is a [*PatternError] or one of
// [roster.Hot.Unregister].
func (r *Router) Remove(pattern string) error {
	name, err := r.name(pattern)
	if err != nil {
		return err
	}
	return r.routes.Unregister(name)
}

// Reload makes table the whole of the routes, in one step: every request is
// served by the routes before or by those after. If it fails nothing changes; the
// errors are joined and are those of [Router.TryHandle] and [roster.Hot.Reload]. A
// handler that has the same pattern as before stays the same route. As
// [roster.Hot.Reload] says, the handlers are taken over also if it fails.
func (r *Router) Reload(table map[string]http.Handler) error {
	entries := make(map[string]http.Handler, len(table))
	for _, text := range slices.Sorted(maps.Keys(table)) {
		name := text // of a pattern that the build of the table is to refuse
		if p, fault := parse(text); fault == nil {
			_, literally := table[p.text]
			_, taken := entries[p.text]
			if !literally && !taken {
				name = p.text
			}
		}
		entries[name] = table[text]
	}
	return r.routes.Reload(entries)
}

// Update changes several routes in one step, or none if f returns an error. What
// it says about ownership is what [roster.Hot.Update] says.
func (r *Router) Update(f func(*Draft) error) error {
	return r.routes.Update(func(d *roster.Draft[http.Handler]) error {
		return f(&Draft{router: r, draft: d})
	})
}

// A Draft is the next version of a router's routes while [Router.Update] writes
// it. It is for the function it was handed to. A conflict between routes is found
// when that function has returned, so that patterns may pass through states that
// conflict.
type Draft struct {
	router *Router
	draft  *roster.Draft[http.Handler]
}

// Handle adds a route.
func (d *Draft) Handle(pattern string, h http.Handler) error {
	name, err := d.router.name(pattern)
	if err != nil {
		return err
	}
	return d.draft.Register(name, h)
}

// Replace gives a route another handler.
func (d *Draft) Replace(pattern string, h http.Handler) error {
	name, err := d.router.name(pattern)
	if err != nil {
		return err
	}
	return d.draft.Replace(name, h)
}

// Remove removes a route.
func (d *Draft) Remove(pattern string) error {
	name, err := d.router.name(pattern)
	if err != nil {
		return err
	}
	return d.draft.Unregister(name)
}

// name is the name of a pattern's route in the registry.
func (r *Router) name(text string) (string, error) {
	p, fault := parse(text)
	if fault != nil {
		fault.Registry, fault.Site = r.routes.Name(), roster.CallerSite(0)
		return "", fault
	}
	return p.text, nil
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
