package router_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/router"
)

func asConflict(err error) (*router.ConflictError, bool) {
	return errors.AsType[*router.ConflictError](err)
}

// echo tells which route served a request, and its parameters.
func echo(pattern string) http.Handler {
	return router.ParamsFunc(func(w http.ResponseWriter, r *http.Request, p router.Params) {
		fmt.Fprint(w, pattern)
		for name, v := range p.All() {
			fmt.Fprintf(w, " %s=%s", name, v)
		}
	})
}

func get(t *testing.T, h http.Handler, request string) string {
	t.Helper()
	method, target, _ := strings.Cut(request, " ")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, target, nil))
	if w.Code != http.StatusOK {
		return fmt.Sprint(w.Code, " ", w.Header().Get("Allow"), w.Header().Get("Location"))
	}
	return w.Body.String()
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, patterns string
		requests       map[string]string
	}{
		{"a literal goes before a wildcard", "/b/new /b/{id} /b/{id}/c", map[string]string{
			"GET /b/new": "/b/new", "GET /b/7": "/b/{id} id=7", "GET /b/new/c": "/b/{id}/c id=new", "GET /b/new/d": "404 ",
		}},
		{"one segment goes before the rest", "/f/{x} /f/{rest...} /", map[string]string{
			"GET /f/a": "/f/{x} x=a", "GET /f/a/b": "/f/{rest...} rest=a/b", "GET /f/": "/f/{rest...} rest=", "GET /g": "/",
		}},
		{"a longer literal that fails falls back", "/abc/d /{x}/e /{x}/{y}/f", map[string]string{
			"GET /abc/d": "/abc/d", "GET /abc/e": "/{x}/e x=abc", "GET /abc/d/f": "/{x}/{y}/f x=abc y=d", "GET /ab/d": "404 ",
		}},
		{"colon and asterisk are wildcards", "/u/:id /s/*path /%3Aliteral", map[string]string{
			"GET /u/1": "/u/:id id=1", "GET /s/a/b": "/s/*path path=a/b", "GET /s": "307 /s/", "GET /:literal": "/%3Aliteral",
		}},
		{"a slash at the end takes the rest", "/tree/ /tree/{$} /tree/leaf", map[string]string{
			"GET /tree": "307 /tree/", "GET /tree/": "/tree/{$}", "GET /tree/leaf": "/tree/leaf", "GET /tree/x/y": "/tree/",
		}},
		{"a host goes before none", "/x/{id} h.test/", map[string]string{
			"GET http://h.test/x/1": "h.test/", "GET http://H.TEST:99/x/1": "h.test/", "GET http://other/x/1": "/x/{id} id=1",
		}},
		{"encoded slashes stay in their segment", "/p/{a}/{b} /q%2Fr/{rest...}", map[string]string{
			"GET /p/a%2Fb/c%25": "/p/{a}/{b} a=a/b b=c%", "GET /q%2Fr/s%2Ft/u": "/q%2Fr/{rest...} rest=s/t/u", "GET /q/r/s": "404 ",
		}},
		{"paths are cleaned", "/a/{x}", map[string]string{
			"GET /a//b": "307 /a/b", "GET /c/../a/b": "307 /a/b", "GET /a/./%2F": "307 /a/%2F", "GET /a/.b": "/a/{x} x=.b",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := router.New(quiet())
			for pattern := range strings.FieldsSeq(tt.patterns) {
				r.Handle(pattern, echo(pattern))
			}
			got := map[string]string{}
			for request := range tt.requests {
				got[request] = get(t, r, request)
			}
			assert.Equal(t, got, tt.requests)
		})
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	r := router.New(quiet())
	for _, pattern := range []string{"GET /a", "POST /a", "/b", "PUT /b", "HEAD /c", "GET /c"} {
		r.Handle(pattern, echo(pattern))
	}
	for request, want := range map[string]string{
		"GET /a": "GET /a", "HEAD /a": "GET /a", "DELETE /a": "405 GET, HEAD, POST", "OPTIONS /a": "405 GET, HEAD, POST",
		"DELETE /b": "/b", "PUT /b": "PUT /b", "HEAD /c": "HEAD /c", "GET /c": "GET /c", "GET /d": "404 ",
	} {
		assert.Equal(t, request+": "+get(t, r, request), request+": "+want)
	}
	r.NotFound, r.MethodNotAllowed = echo("no such page"), echo("not like this")
	assert.Equal(t, get(t, r, "GET /d"), "no such page")
	assert.Equal(t, get(t, r, "PATCH /a"), "not like this")
	w := httptest.NewRecorder()
	r.ServeHTTP(w, &http.Request{Method: http.MethodOptions, RequestURI: "*", ProtoMajor: 1, ProtoMinor: 1})
	assert.Equal(t, w.Code, http.StatusBadRequest)
	long := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/"+strings.Repeat("x", router.MaxPathLen), nil)
	w = httptest.NewRecorder()
	r.ServeHTTP(w, long)
	assert.Equal(t, w.Code, http.StatusRequestURITooLong)
}

func TestConflicts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ first, second, witness string }{
		{"/a/{x}", "/a/{y}", "GET /a/y"},
		{"/a/{x}", "/a/:y", "GET /a/y"},
		{"/{x}/b", "/a/{y}", "GET /a/b"},
		{"GET /a/{x...}", "/a/b", "GET /a/b"},
		{"/a/{x}/", "/{y}/b/{z...}", "GET /a/b/"},
		{"GET /{x}", "HEAD /{x...}", "HEAD /x"},
		{"HEAD /{x}/b", "GET /a/{y}", "HEAD /a/b"},
		{"h/{x}/b", "h/a/{y}", "GET h/a/b"},
		{"h/{x}/b", "/a/{y}", ""},
		{"GET /{x}/b", "POST /a/{y}", ""},
		{"/", "/{x...}", "GET /"},
		{"/{x}", "/{$}", ""},
		{"/a%2Fb/{x}", "/{y}/c", "GET /a%2Fb/c"},
	} {
		r := router.New(quiet())
		r.Handle(tt.first, echo(""))
		err := r.TryHandle(tt.second, echo(""))
		clash, ok := asConflict(err)
		if !ok {
			clash = &router.ConflictError{}
		}
		assert.Equal(t, tt.first+" "+tt.second+": "+clash.Witness, tt.first+" "+tt.second+": "+tt.witness)
		assert.Equal(t, errors.Is(err, roster.ErrDuplicate), tt.witness != "")
		if ok {
			assert.Equal(t, clash.ExistingSite.Line+1, clash.RefusedSite.Line)
			assert.Equal(t, r.Routes().Len(), 1)
		}
	}
}

func TestConflictText(t *testing.T) {
	t.Parallel()
	r := router.New(quiet())
	r.Handle("GET /{x}/b", echo(""))
	clash, _ := asConflict(r.TryHandle("GET /a/:y", echo("")))
	clash.ExistingSite, clash.RefusedSite = roster.Site{File: "a.go", Line: 1}, roster.Site{File: "b.go", Line: 2}
	assert.Equal(t, clash.Error(), `roster: routes: the patterns "GET /{x}/b" and "GET /a/{y}" conflict: both match GET /a/b
	kept     GET /{x}/b
	         at a.go:1
	refused  GET /a/{y}
	         at b.go:2
	only the first matches the path /x/b, only the second /a/y; make one of them match nothing that the other does not`)
}

func TestBadPatterns(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"":                              "offset 0: it is empty",
		"a":                             "offset 0: it has no path",
		"G{T /":                         "offset 0: \"G{T\" is no method",
		"GET  h:80/":                    "offset 6: a host has no",
		"/{a}/{a}":                      "offset 5: there are two wildcards called \"a\"",
		"/a{b}":                         "offset 2: a wildcard is a whole segment",
		"/{b}c":                         "offset 1: a wildcard is a whole segment",
		"/{$}/a":                        "offset 1: {$} stands for the end",
		"/{a...}/b":                     "offset 1: {a...} stands for the end",
		"/*a/b":                         "offset 1: *a takes the rest",
		"/:":                            "offset 1: a wildcard needs a name",
		"/{}":                           "offset 1: a wildcard needs a name",
		"/:1a":                          "offset 1: \"1a\" cannot be the name",
		"/a//b":                         "offset 0: no request has such a path, because paths are cleaned first; write \"/a/b\"",
		"GET /a/../b":                   "offset 4: no request has such a path",
		"/" + strings.Repeat("{a}/", 2): "there are two wildcards",
	} {
		r := router.New(quiet())
		err := r.TryHandle(pattern, echo(""))
		fault, ok := errors.AsType[*router.PatternError](err)
		assert.True(t, ok && errors.Is(err, roster.ErrInvalidName), pattern+" is refused as a pattern")
		assert.True(t, strings.Contains(fmt.Sprint(err), want), fmt.Sprintf("%q: %v says %s", pattern, err, want))
		if ok {
			assert.True(t, strings.HasSuffix(fault.Site.File, "router_test.go"), "the error names the caller")
		}
		assert.True(t, registered(func() { r.Handle(pattern, echo("")) }) != "", "Handle panics")
	}
	var many strings.Builder
	for i := range router.MaxParams + 1 {
		fmt.Fprintf(&many, "/{p%d}", i)
	}
	err := router.New(quiet()).TryHandle(many.String(), echo(""))
	assert.True(t, strings.Contains(fmt.Sprint(err), "more than 16 wildcards"), "there is a limit to wildcards")
	assert.True(t, errors.Is(router.New(quiet()).TryHandle("/", nil), roster.ErrNilValue), "nil is no handler")
	assert.True(t, errors.Is(router.New(quiet()).TryHandle("/", http.HandlerFunc(nil)), roster.ErrNilValue), "nor is a nil func")
	r := router.New(quiet())
	assert.True(t, errors.Is(r.Routes().TryRegister("/:id", echo("")), roster.ErrInvalidName), "names are canonical")
}

func TestParamsReachEveryForm(t *testing.T) {
	t.Parallel()
	r := router.New(quiet())
	r.HandleFunc("/users/:id/files/*path", func(w http.ResponseWriter, req *http.Request) {
		fmt.Fprint(w, req.PathValue("id"), " ", req.PathValue("path"), " ",
			router.Param(req.Context(), "id"), " ", router.Param(req.Context(), "none"), req.Pattern)
	})
	outer := router.New(quiet())
	outer.Handle("/tenants/{tenant}/{rest...}", http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.StripPrefix("/tenants/"+req.PathValue("tenant"), r).ServeHTTP(w, req)
	}))
	r.HandleParams("/who/{id}", func(w http.ResponseWriter, req *http.Request, p router.Params) {
		none, ok := p.Lookup("none")
		fmt.Fprint(w, p.Get("id"), p.Len(), none, ok, p.Pattern(), router.Param(req.Context(), "tenant"))
	})
	assert.Equal(t, get(t, r, "GET /users/1/files/a/b"), "1 a/b 1 /users/{id}/files/{path...}")
	assert.Equal(t, get(t, outer, "GET /tenants/t/users/1/files/a"), "1 a 1 /users/{id}/files/{path...}")
	assert.Equal(t, get(t, outer, "GET /tenants/t/who/7"), "71false/who/{id}t")
	assert.Equal(t, router.ParamsFrom(context.Background()).Len(), 0)
	h, pattern := r.Handler(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/who/1", nil))
	assert.True(t, h != nil && pattern == "/who/{id}", "Handler finds the route")
}

func TestGroups(t *testing.T) {
	t.Parallel()
	r := router.New(quiet())
	tag := func(s string) func(http.Handler) http.Handler {
		return func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				fmt.Fprint(w, s)
				h.ServeHTTP(w, req)
			})
		}
	}
	api := r.Group("h.test/api/", tag("1"), tag("2"))
	api.Handle("GET /x/{id}", echo("x"))
	deep := api.Group("/t/:tenant", tag("3"))
	deep.HandleParams("/y", func(w http.ResponseWriter, _ *http.Request, p router.Params) { fmt.Fprint(w, p.Get("tenant")) })
	deep.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "rest") })
	assert.Equal(t, r.Routes().Names(), []string{"GET h.test/api/x/{id}", "h.test/api/t/{tenant}/", "h.test/api/t/{tenant}/y"})
	assert.Equal(t, get(t, r, "GET http://h.test/api/x/5"), "12x id=5")
	assert.Equal(t, get(t, r, "GET http://h.test/api/t/acme/y"), "123acme")
	assert.Equal(t, get(t, r, "POST http://h.test/api/t/acme/z"), "123rest")
	assert.True(t, errors.Is(api.TryHandle("/", nil), roster.ErrNilValue), "nil stays nil behind middleware")
	assert.True(t, errors.Is(api.TryHandle("/", http.HandlerFunc(nil)), roster.ErrNilValue), "and so does a nil function")
	err := api.TryHandle("GET users", echo(""))
	assert.True(t, errors.Is(err, roster.ErrInvalidName), "a path in a group starts with a slash")
	assert.True(t, strings.Contains(fmt.Sprint(err), `pattern "GET users", offset 4: in the group "h.test/api" a pattern has no host, `+
		`and its path starts with a slash; write "GET /users" (at `), fmt.Sprint(err))
}

func TestCountsAndPlaces(t *testing.T) {
	t.Parallel()
	r := router.New(quiet(), roster.Named("site"))
	r.Handle("/u/{id}", echo("u"))
	for _, request := range []string{"GET /u/1", "GET /u/2", "GET /nowhere"} {
		get(t, r, request)
	}
	assert.Equal(t, r.Routes().Stats().Lookups, []roster.Count{
		{Name: "/nowhere", Outcome: roster.Miss, N: 1}, {Name: "/u/{id}", Outcome: roster.Hit, N: 2},
	})
	for e := range r.Routes().Entries() {
		assert.True(t, strings.HasSuffix(e.Registered.File, "router_test.go"), "the place is that of the caller")
	}
	assert.Equal(t, r.Routes().Name(), "site")
}

// numbered serves a route of one of two tables.
type numbered struct {
	table  string
	closed atomic.Bool
}

func (h *numbered) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.closed.Load() {
		http.Error(w, "closed", http.StatusInternalServerError)
		return
	}
	fmt.Fprint(w, h.table, " ", r.PathValue("id"))
}

func (h *numbered) Close() error {
	if h.closed.Swap(true) {
		return errors.New("closed twice")
	}
	return nil
}

// A request goes to the old table or to the new one, whole, and to no handler that
// was closed.
func TestSwapOfTenThousandRoutesUnderLoad(t *testing.T) {
	t.Parallel()
	const routes = 10_000
	var failures atomic.Uint64
	r := router.New(quiet(), roster.OnRetire(func(name string, h http.Handler) error {
		if err := h.(*numbered).Close(); err != nil {
			failures.Add(1)
		}
		return nil
	}))
	table := func(name string) map[string]http.Handler {
		entries := make(map[string]http.Handler, routes)
		for i := range routes {
			entries[fmt.Sprintf("GET /%s/%d/{id}", name, i)] = &numbered{table: name}
		}
		entries["GET /"] = &numbered{table: name + " rest"}
		return entries
	}
	assert.NoError(t, r.Reload(table("old")))
	server := httptest.NewServer(r)
	defer server.Close()
	stop := make(chan struct{})
	var clients sync.WaitGroup
	var served atomic.Uint64
	for c := range 4 {
		clients.Go(func() {
			for i := c; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				asked := [2]string{"old", "new"}[i%2]
				req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("%s/%s/%d/%d", server.URL, asked, i%routes, i), nil)
				resp, err := server.Client().Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				body, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				other := [2]string{"new", "old"}[i%2]
				if got := string(body); got != fmt.Sprint(asked, " ", i) && got != other+" rest " {
					t.Errorf("asked for %s %d, got %d %q", asked, i, resp.StatusCode, got)
				}
				served.Add(1)
			}
		})
	}
	for swap := range 6 {
		before := served.Load()
		assert.NoError(t, r.Reload(table([2]string{"new", "old"}[swap%2])))
		for served.Load() < before+50 && !t.Failed() {
			get(t, r, "GET /old/1/1")
		}
	}
	close(stop)
	clients.Wait()
	assert.NoError(t, r.Routes().Drain(t.Context()))
	assert.Equal(t, failures.Load(), uint64(0))
}

// A table that is refused was taken over all the same, and its handlers are closed.
func TestRefusedReloadLeaksNothing(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]error{"bad": roster.ErrInvalidName, "/{x}/b": roster.ErrDuplicate} {
		r := router.New(quiet(), roster.CloseRetired())
		kept, fresh := &numbered{table: "kept"}, &numbered{table: "new"}
		r.Handle("/", kept)
		err := r.Reload(map[string]http.Handler{"/": kept, "/a/{y}": echo(""), pattern: fresh})
		assert.True(t, errors.Is(err, want), fmt.Sprint(pattern, " is refused: ", err))
		assert.NoError(t, r.Routes().Drain(t.Context()))
		assert.Equal(t, []bool{fresh.closed.Load(), kept.closed.Load()}, []bool{true, false})
		assert.Equal(t, r.Routes().Names(), []string{"/"})
	}
}

// One handler behind the middleware of two routes serves the second when the first
// is gone.
func TestHandlerBehindMiddlewareStaysOpen(t *testing.T) {
	t.Parallel()
	r := router.New(quiet(), roster.CloseRetired())
	g := r.Group("", func(h http.Handler) http.Handler { return http.HandlerFunc(h.ServeHTTP) })
	shared := &numbered{table: "shared"}
	g.Handle("/one", shared)
	g.Handle("/two", shared)
	assert.NoError(t, r.Remove("/one"))
	assert.NoError(t, r.Routes().Drain(t.Context()))
	assert.Equal(t, get(t, r, "GET /two"), "shared ")
}

func TestUpdateIsOneStep(t *testing.T) {
	t.Parallel()
	r := router.New(quiet())
	r.Handle("/a/{x}", echo("1"))
	assert.NoError(t, r.Update(func(d *router.Draft) error {
		return errors.Join(d.Handle("/a/:y/b", echo("2")), d.Remove("/a/:x"), d.Handle("/a/{y}", echo("3")), d.Replace("/a/{y}", echo("4")))
	}))
	assert.Equal(t, get(t, r, "GET /a/1"), "4 y=1")
	assert.NoError(t, r.Update(func(d *router.Draft) error {
		return errors.Join(d.Handle("/c", echo("")), d.Handle("/e/{x}/b", echo("")))
	}))
	err := r.Update(func(d *router.Draft) error { return errors.Join(d.Handle("/d", echo("")), d.Handle("/:z/b", echo(""))) })
	_, conflicts := asConflict(err)
	assert.True(t, conflicts, "the draft is refused as a whole")
	assert.Equal(t, get(t, r, "GET /d"), "404 ")
	assert.NoError(t, r.Replace("/c", echo("new")))
	assert.Equal(t, get(t, r, "GET /c"), "new")
	err = r.Reload(map[string]http.Handler{"/x/:a": echo(""), "/x/{a}": echo("")})
	assert.True(t, strings.Contains(fmt.Sprint(err), "written in another way, and that is there as well"), fmt.Sprint("a table has a route once: ", err))
	assert.Equal(t, len(maps.Collect(r.Routes().All())), 4)
}

func TestRouteWithParamsAsArgumentDoesNotAllocate(t *testing.T) {
	r := router.New(quiet())
	var id string
	r.HandleParams("GET /repos/{owner}/{repo}/issues/{number}", func(_ http.ResponseWriter, _ *http.Request, p router.Params) {
		id = p.Get("number")
	})
	r.HandleFunc("GET /static", func(http.ResponseWriter, *http.Request) {})
	for _, path := range []string{"/repos/a/b/issues/12", "/static"} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		w := httptest.NewRecorder()
		assert.Equal(t, testing.AllocsPerRun(100, func() { r.ServeHTTP(w, req) }), 0.0)
	}
	assert.Equal(t, id, "12")
}
