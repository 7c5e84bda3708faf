package router

import (
	"io"
	"net/http"
	"slices"
	"strings"
)

// A Group adds routes to a router that have a host, a path prefix and middleware
// in common. Middleware is applied when a route is registered and costs a request
// nothing but its own work.
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
	return g.router.TryHandle(method+g.prefix+path, g.wrapped(h))
}

func (g *Group) wrapped(h http.Handler) http.Handler {
	if len(g.wrap) == 0 || h == nil {
		return h
	}
	outer := h
	for _, wrap := range slices.Backward(g.wrap) {
		outer = wrap(outer)
	}
	if closer, ok := h.(io.Closer); ok {
		return closingHandler{outer, closer}
	}
	return outer
}

// A closingHandler is a handler behind middleware, which must not keep the
// registry from closing it.
type closingHandler struct {
	http.Handler
	io.Closer
}
