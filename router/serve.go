package router

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// MaxPathLen is how long a request's path may be, in bytes. A longer one is
// answered with status 414.
const MaxPathLen = 1<<16 - 1

// A verdict is what a router does with a request.
type verdict struct {
	leaf     *leaf
	params   Params
	redirect string // where to, if not ""
	host     string // without a port
	path     string // normalized and clean
	status   int    // of a request that must not be answered otherwise
}

// ServeHTTP sends the request to the handler whose pattern matches best.
func (r *Router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if !r.pinned {
		r.serve(r.routes.Index(), w, req)
		return
	}
	pin := r.routes.PinFor(r.owner)
	defer pin.Release()
	r.serve(r.routes.IndexOf(pin), w, req)
}

func (r *Router) serve(t *table, w http.ResponseWriter, req *http.Request) {
	if req.RequestURI == "*" { // OPTIONS * asks about the server, which is not the router's to say
		if req.ProtoAtLeast(1, 1) {
			w.Header().Set("Connection", "close")
		}
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var v verdict
	t.decide(req, &v)
	switch l := v.leaf; {
	case v.status != 0:
		http.Error(w, http.StatusText(v.status), v.status)
	case v.redirect != "":
		if l != nil {
			req.Pattern = l.text
		}
		http.Redirect(w, req, v.redirect, http.StatusTemporaryRedirect)
	case l == nil:
		r.routes.Missed(v.path)
		r.refuse(t, &v, w, req)
	case r.routes.Suspended(l.text) != nil:
		req.Pattern = l.text
		unavailable(w, req)
	case l.params != nil:
		l.tally.Hit()
		req.Pattern = l.text
		l.params.ServeParams(w, req, v.params)
	case len(l.names) == 0:
		l.tally.Hit()
		req.Pattern = l.text
		l.handler.ServeHTTP(w, req)
	default:
		l.tally.Hit()
		req.Pattern = l.text
		l.handler.ServeHTTP(w, withParams(req, &v.params))
	}
}

// unavailable answers a request whose route is suspended. Why is not for strangers
// to know.
func unavailable(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
}

// refuse answers a request that no route matches.
func (r *Router) refuse(t *table, v *verdict, w http.ResponseWriter, req *http.Request) {
	req.Pattern = ""
	allowed := t.allowed(v.host, v.path)
	if len(allowed) == 0 {
		if r.NotFound != nil {
			r.NotFound.ServeHTTP(w, req)
			return
		}
		http.NotFound(w, req)
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	if r.MethodNotAllowed != nil {
		r.MethodNotAllowed.ServeHTTP(w, req)
		return
	}
	http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
}

// Handler returns the handler that would serve req, and the pattern of its route
// in canonical form. Where the router answers itself, the handler does that, and
// the pattern is that of the route that a redirect leads to, or "". Nothing keeps the
// handler from being retired before it is used.
func (r *Router) Handler(req *http.Request) (h http.Handler, pattern string) {
	t := r.routes.Index()
	var v verdict
	t.decide(req, &v)
	if v.leaf != nil {
		pattern = v.leaf.text
	}
	switch {
	case v.status != 0:
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, http.StatusText(v.status), v.status)
		}), ""
	case v.redirect != "":
		return http.RedirectHandler(v.redirect, http.StatusTemporaryRedirect), pattern
	case v.leaf == nil:
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { r.refuse(t, &v, w, req) }), ""
	case r.routes.Suspended(pattern) != nil:
		return http.HandlerFunc(unavailable), pattern
	}
	return v.leaf.handler, pattern
}

// decide finds out what to do with req.
func (t *table) decide(req *http.Request, v *verdict) {
	v.host = req.Host
	if len(t.hosts) > 0 {
		v.host = hostOf(req)
	}
	v.path = req.URL.Path
	escaped := req.URL.RawPath != "" || strings.IndexByte(v.path, '%') >= 0
	if escaped {
		v.path = req.URL.EscapedPath()
	}
	if len(v.path) > MaxPathLen {
		v.status = http.StatusRequestURITooLong
		return
	}
	dirty := ""
	if req.Method != http.MethodConnect && !isClean(v.path) {
		if cleaned := clean(v.path); cleaned != v.path {
			dirty, v.path = cleaned, cleaned
		}
	}
	if escaped {
		v.path = normalized(v.path)
	}
	t.find(req.Method, v)
	if t.slashMissing(req, v) {
		v.redirect = location(clean(req.URL.Path)+"/", "", req.URL)
		return
	}
	if dirty != "" {
		plain, err := url.PathUnescape(dirty)
		if err != nil {
			plain = dirty
		}
		v.redirect = location(plain, dirty, req.URL)
		return
	}
	if escaped && v.leaf != nil {
		v.params = v.params.unescaped()
	}
}

// find finds the leaf of a path, and the parameters.
func (t *table) find(method string, v *verdict) {
	v.params.text = v.path
	t.candidates(v.host, method, func(root *node) bool {
		v.leaf = root.match(v.path, 0, &v.params.at, 0)
		return v.leaf != nil
	})
	v.params.leaf = v.leaf
}

// slashMissing reports whether a route matches exactly if a slash is put behind
// the path, where none matches without it but one that takes the rest of a path. It
// is then the route of v.
func (t *table) slashMissing(req *http.Request, v *verdict) bool {
	if v.path == "" || v.path[len(v.path)-1] == '/' || v.leaf != nil && !v.leaf.takesRest() {
		return false
	}
	found := false
	general := v.leaf
	t.candidates(v.host, req.Method, func(root *node) bool {
		if root.endsWithSlash(v.path, 0) {
			found = true
			v.leaf = root.match(v.path+"/", 0, &v.params.at, 0)
			return true
		}
		return general != nil && root.match(v.path, 0, &v.params.at, 0) == general
	})
	return found
}

func location(path, raw string, asked *url.URL) string {
	u := url.URL{Path: path, RawPath: raw, RawQuery: asked.RawQuery}
	return u.String()
}

// hostOf is the host that req asks for, in lower case and without a port.
func hostOf(req *http.Request) string {
	host := req.Host
	if req.Method != http.MethodConnect && strings.IndexByte(host, ':') >= 0 {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
	}
	return strings.ToLower(host)
}

// isClean reports whether [clean] has nothing to do. It may say no to a path with
// a segment that begins with a dot.
func isClean(path string) bool {
	return path != "" && path[0] == '/' && !strings.Contains(path, "//") && !strings.Contains(path, "/.")
}
