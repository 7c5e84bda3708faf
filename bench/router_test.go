package bench_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/dimfeld/httptreemux/v5"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gorilla/mux"
	"github.com/julienschmidt/httprouter"
	labstack "github.com/labstack/echo/v4"
	"github.com/uptrace/bunrouter"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/router"
)

// A route is a method and a path with parameters written :name.
type route struct{ method, path string }

func routeTable(paths map[string]string) []route {
	var table []route
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		for path := range strings.FieldsSeq(paths[method]) {
			table = append(table, route{method, path})
		}
	}
	return table
}

var routeTables = []struct {
	name   string
	routes []route
	size   int
}{
	{"github", githubRoutes, 203}, {"parse", parseRoutes, 26}, {"gplus", gplusRoutes, 13}, {"static", staticRoutes, 157},
}

// names are the parameters of a path.
func (r route) names() []string {
	var names []string
	for segment := range strings.SplitSeq(r.path, "/") {
		if name, ok := strings.CutPrefix(segment, ":"); ok {
			names = append(names, name)
		}
	}
	return names
}

// braced is the path with {name} for :name.
func (r route) braced() string {
	segments := strings.Split(r.path, "/")
	for i, segment := range segments {
		if name, ok := strings.CutPrefix(segment, ":"); ok {
			segments[i] = "{" + name + "}"
		}
	}
	return strings.Join(segments, "/")
}

// exact is the braced path that matches nothing below it.
func (r route) exact() string {
	if p := r.braced(); strings.HasSuffix(p, "/") {
		return p + "{$}"
	}
	return r.braced()
}

// A report is called by handlers that are tested, with how to get a parameter. It is
// nil when they are measured; then they read their parameters and do nothing else.
type report func(w http.ResponseWriter, route route, names []string, get func(name string) string)

var used int // what handlers have read, so that it is not optimized away

// answer is a report that writes what a request was taken for.
func answer(w http.ResponseWriter, r route, names []string, get func(string) string) {
	_, _ = fmt.Fprint(w, r.method, " ", r.path)
	for _, name := range names {
		_, _ = fmt.Fprint(w, " ", name, "=", get(name))
	}
}

// A routerPeer builds a handler for a table.
type routerPeer struct {
	name  string
	build func(table []route, told report) http.Handler
}

// overHTTP take an http.Handler for each route, and deliver parameters as they do.
var overHTTP = []routerPeer{
	{"ServeMux", func(table []route, told report) http.Handler {
		m := http.NewServeMux()
		for _, r := range table {
			names := r.names()
			m.HandleFunc(r.method+" "+r.exact(), func(w http.ResponseWriter, req *http.Request) {
				if told != nil {
					told(w, r, names, req.PathValue)
					return
				}
				for _, name := range names {
					used += len(req.PathValue(name))
				}
			})
		}
		return m
	}},
	{"chi", func(table []route, told report) http.Handler {
		m := chi.NewRouter()
		for _, r := range table {
			names := r.names()
			m.MethodFunc(r.method, r.braced(), func(w http.ResponseWriter, req *http.Request) {
				if told != nil {
					told(w, r, names, func(name string) string { return chi.URLParam(req, name) })
					return
				}
				for _, name := range names {
					used += len(chi.URLParam(req, name))
				}

			})
		}
		return m
	}},
	{"httprouter adapter", func(table []route, told report) http.Handler {
		m := httprouter.New()
		for _, r := range table {
			names := r.names()
			m.HandlerFunc(r.method, r.path, func(w http.ResponseWriter, req *http.Request) {
				if told != nil {
					told(w, r, names, httprouter.ParamsFromContext(req.Context()).ByName)
					return
				}
				for _, name := range names {
					used += len(httprouter.ParamsFromContext(req.Context()).ByName(name))
				}

			})
		}
		return m
	}},
	{"bunrouter compat", func(table []route, told report) http.Handler {
		m := bunrouter.New().Compat()
		for _, r := range table {
			names := r.names()
			m.Handle(r.method, r.path, func(w http.ResponseWriter, req *http.Request) {
				if told != nil {
					told(w, r, names, bunrouter.ParamsFromContext(req.Context()).ByName)
					return
				}
				for _, name := range names {
					used += len(bunrouter.ParamsFromContext(req.Context()).ByName(name))
				}

			})
		}
		return m
	}},
	{"httptreemux", func(table []route, told report) http.Handler {
		m := httptreemux.NewContextMux()
		for _, r := range table {
			names := r.names()
			m.Handle(r.method, r.path, func(w http.ResponseWriter, req *http.Request) {
				params := httptreemux.ContextParams(req.Context())
				if told != nil {
					told(w, r, names, func(name string) string { return params[name] })
					return
				}
				for _, name := range names {
					used += len(params[name])
				}

			})
		}
		return m
	}},
	{"gorilla/mux", func(table []route, told report) http.Handler {
		m := mux.NewRouter()
		for _, r := range table {
			names := r.names()
			m.HandleFunc(r.braced(), func(w http.ResponseWriter, req *http.Request) {
				params := mux.Vars(req)
				if told != nil {
					told(w, r, names, func(name string) string { return params[name] })
					return
				}
				for _, name := range names {
					used += len(params[name])
				}

			}).Methods(r.method)
		}
		return m
	}},
	{"roster", func(table []route, told report) http.Handler {
		m := router.New(roster.Unlisted())
		for _, r := range table {
			names := r.names()
			m.HandleFunc(r.method+" "+r.exact(), func(w http.ResponseWriter, req *http.Request) {
				if told != nil {
					told(w, r, names, req.PathValue)
					return
				}
				for _, name := range names {
					used += len(req.PathValue(name))
				}
			})
		}
		return m
	}},
}

// inForm take a handler of their own form.
var inForm = []routerPeer{
	{"httprouter", func(table []route, told report) http.Handler {
		m := httprouter.New()
		for _, r := range table {
			names := r.names()
			m.Handle(r.method, r.path, func(w http.ResponseWriter, _ *http.Request, p httprouter.Params) {
				if told != nil {
					told(w, r, names, p.ByName)
					return
				}
				for _, name := range names {
					used += len(p.ByName(name))
				}
			})
		}
		return m
	}},
	{"bunrouter", func(table []route, told report) http.Handler {
		m := bunrouter.New()
		for _, r := range table {
			names := r.names()
			m.Handle(r.method, r.path, func(w http.ResponseWriter, req bunrouter.Request) error {
				if told != nil {
					told(w, r, names, req.Param)
					return nil
				}
				for _, name := range names {
					used += len(req.Param(name))
				}

				return nil
			})
		}
		return m
	}},
	{"httptreemux own", func(table []route, told report) http.Handler {
		m := httptreemux.New()
		for _, r := range table {
			names := r.names()
			m.Handle(r.method, r.path, func(w http.ResponseWriter, _ *http.Request, p map[string]string) {
				if told != nil {
					told(w, r, names, func(name string) string { return p[name] })
					return
				}
				for _, name := range names {
					used += len(p[name])
				}

			})
		}
		return m
	}},
	{"gin", func(table []route, told report) http.Handler {
		gin.SetMode(gin.ReleaseMode)
		m := gin.New()
		for _, r := range table {
			names := r.names()
			m.Handle(r.method, r.path, func(c *gin.Context) {
				if told != nil {
					told(c.Writer, r, names, c.Param)
					return
				}
				for _, name := range names {
					used += len(c.Param(name))
				}
			})
		}
		return m
	}},
	{"echo", func(table []route, told report) http.Handler {
		m := labstack.New()
		for _, r := range table {
			names := r.names()
			m.Add(r.method, r.path, func(c labstack.Context) error {
				if told != nil {
					told(c.Response(), r, names, c.Param)
					return nil
				}
				for _, name := range names {
					used += len(c.Param(name))
				}
				return nil
			})
		}
		return m
	}},
	{"roster", func(table []route, told report) http.Handler {
		m := router.New(roster.Unlisted())
		for _, r := range table {
			names := r.names()
			m.HandleParams(r.method+" "+r.exact(), func(w http.ResponseWriter, _ *http.Request, p router.Params) {
				if told != nil {
					told(w, r, names, p.Get)
					return
				}
				for _, name := range names {
					used += len(p.Get(name))
				}
			})
		}
		return m
	}},
}

// asked is a request for a route, with a value of its own for each parameter.
func (r route) asked() (req *http.Request, want string) {
	words := []string{r.method, r.path}
	segments := strings.Split(r.path, "/")
	for i, segment := range segments {
		if name, ok := strings.CutPrefix(segment, ":"); ok {
			segments[i] = fmt.Sprint("value", i)
			words = append(words, name+"="+segments[i])
		}
	}
	return httptest.NewRequestWithContext(context.Background(), r.method, strings.Join(segments, "/"), nil), strings.Join(words, " ")
}

// A benchmark of wrong answers is worth nothing: every router answers every route of
// every table with its parameters, and another path with 404.
func TestRoutersAnswerEveryRoute(t *testing.T) {
	for _, table := range routeTables {
		if len(table.routes) != table.size {
			t.Fatalf("%s has %d routes, not %d", table.name, len(table.routes), table.size)
		}
		for _, p := range slices.Concat(overHTTP, inForm) {
			h := p.build(table.routes, answer)
			for _, r := range table.routes {
				req, want := r.asked()
				w := httptest.NewRecorder()
				h.ServeHTTP(w, req)
				if w.Body.String() != want {
					t.Fatalf("%s, %s: got %d %q, want %q", p.name, table.name, w.Code, w.Body, want)
				}
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/nothing/here/at/all/of/it", nil))
			if w.Code != http.StatusNotFound {
				t.Fatalf("%s, %s: got %d, want 404", p.name, table.name, w.Code)
			}
		}
	}
	m := router.New(roster.Unlisted())
	var fromContext string
	m.HandleFunc("GET /users/{id}", func(_ http.ResponseWriter, r *http.Request) { fromContext = router.Param(r.Context(), "id") })
	m.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/users/7", nil))
	if fromContext != "7" {
		t.Fatal("roster delivers parameters in the context as well")
	}
}

// A mute writer costs nothing.
type mute struct{ header http.Header }

func (m mute) Header() http.Header         { return m.header }
func (m mute) Write(p []byte) (int, error) { return len(p), nil }
func (m mute) WriteHeader(int)             {}

// One operation is one request for every route of a table.
func BenchmarkRouterTables(b *testing.B) {
	for _, group := range []struct {
		name  string
		peers []routerPeer
	}{{"http.Handler", overHTTP}, {"own form", inForm}} {
		for _, table := range routeTables {
			for _, p := range group.peers {
				b.Run(fmt.Sprint(group.name, "/", table.name, "/", p.name), func(b *testing.B) {
					serve(b, p.build(table.routes, nil), table.routes...)
				})
			}
		}
	}
}

// What is not found and what is not allowed, in the table of GitHub.
func BenchmarkRouterRefusals(b *testing.B) {
	for name, r := range map[string]route{"404": {"GET", "/repos/a/b/nothing/here"}, "405": {"DELETE", "/repos/a/b/issues"}} {
		for _, p := range slices.Concat(overHTTP, inForm[:len(inForm)-1]) {
			b.Run(name+"/"+p.name, func(b *testing.B) { serve(b, p.build(githubRoutes, nil), r) })
		}
	}
}

// serve asks for routes again and again. The requests are nobody else's, since some
// routers leave something behind in them that makes the next one faster.
func serve(b *testing.B, h http.Handler, routes ...route) {
	b.Helper()
	b.ReportAllocs()
	requests := make([]*http.Request, len(routes))
	for i, r := range routes {
		requests[i], _ = r.asked()
	}
	w := mute{http.Header{}}
	for b.Loop() {
		for _, req := range requests {
			h.ServeHTTP(w, req)
		}
	}
}
