package router

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/roster-go/roster"
)

// A Group adds routes to a router that have a host, a path prefix and middleware
// in common. Middleware is applied when a route is registered and costs a request
// nothing but its own work.
//
// Behind middleware the router knows the outermost handler only: with
// [roster.CloseRetired] it closes that one, if it can be closed, and never what the
// middleware wraps, which may serve other routes as well.
type Group struct {
	router *Router
	prefix string // a host, and a path without a slash at the end
	wrap   []func(http.Handler) http.Handler
}

// Group returns a group of routes whose patterns continue prefix, which is
// "[HOST][/PATH]" and may have wildcards. The first middleware is the outermost.
func (r *Router) Group(prefix string, middleware ...func(http.Handler) http.Handler) *Group {
	return &Group{router: r, prefix: strings.TrimSuffix(prefix, "/"), wrap: middleware}
}

// Group returns a group within g: its prefix follows that of g, and its middleware
// is inside that of g. Only the outermost group may name a host.
func (g *Group) Group(prefix string, middleware ...func(http.Handler) http.Handler) *Group {
	return &Group{
		router: g.router,
		prefix: g.prefix + strings.TrimSuffix(prefix, "/"),
		wrap:   append(slices.Clone(g.wrap), middleware...),
	}
}

// Handle is [Router.Handle] for a pattern "[METHOD ]/[PATH]" within the group.
func (g *Group) Handle(pattern string, h http.Handler) { must(g.TryHandle(pattern, h)) }

// HandleFunc is [Group.Handle] for a function.
func (g *Group) HandleFunc(pattern string, f func(http.ResponseWriter, *http.Request)) {
	must(g.TryHandle(pattern, http.HandlerFunc(f)))
}

// HandleParams is [Group.Handle] for a function that gets the parameters as an
// argument. Behind middleware they reach it through the request's context, which
// allocates.
func (g *Group) HandleParams(pattern string, f func(http.ResponseWriter, *http.Request, Params)) {
	must(g.TryHandle(pattern, ParamsFunc(f)))
}

// TryHandle is [Router.TryHandle] for a pattern within the group.
func (g *Group) TryHandle(pattern string, h http.Handler) error {
	method, path := "", pattern
	if i := strings.LastIndexAny(pattern, " \t"); i >= 0 {
		method, path = pattern[:i]+" ", pattern[i+1:]
	}
	if !strings.HasPrefix(path, "/") {
		return &PatternError{
			Registry: g.router.routes.Name(), Pattern: pattern, Offset: len(method), Site: roster.CallerSite(0),
			Fault: fmt.Sprintf("in the group %q a pattern has no host, and its path starts with a slash; write %q", g.prefix, method+"/"+path),
		}
	}
	return g.router.TryHandle(method+g.prefix+path, g.wrapped(h))
}

// wrapped is h behind the middleware. What is nil stays it, so that the registry
// refuses it.
func (g *Group) wrapped(h http.Handler) http.Handler {
	switch v := reflect.ValueOf(h); v.Kind() {
	case reflect.Invalid:
		return h
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Chan:
		if v.IsNil() {
			return h
		}
	default:
	}
	for _, wrap := range slices.Backward(g.wrap) {
		h = wrap(h)
	}
	return h
}
