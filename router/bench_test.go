package router_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/roster-go/roster/router"
)

// BenchmarkRequest serves requests to routes like those of a large API, in both
// forms.
func BenchmarkRequest(b *testing.B) {
	paths := []string{"/repos/go/roster/issues/12", "/user/repos", "/users/gopher/orgs", "/repos/go/roster/git/commits/abc"}
	for _, form := range []string{"params", "http"} {
		r := router.New(quiet())
		var read string
		handle := func(pattern string) {
			if form == "params" {
				r.HandleParams(pattern, func(_ http.ResponseWriter, _ *http.Request, p router.Params) { read = p.Get("owner") })
				return
			}
			r.HandleFunc(pattern, func(_ http.ResponseWriter, r *http.Request) { read = r.PathValue("owner") })
		}
		for _, pattern := range []string{
			"GET /repos/{owner}/{repo}/issues/{number}", "GET /repos/{owner}/{repo}/issues", "GET /repos/{owner}/{repo}/git/commits/{sha}",
			"GET /repos/{owner}/{repo}/git/blobs/{sha}", "GET /user/repos", "GET /users/{user}/orgs", "GET /users/{user}/repos", "POST /user/repos",
		} {
			handle(pattern)
		}
		for _, path := range append(paths, "/repos/a/b/nothing") {
			b.Run(form+path, func(b *testing.B) {
				req, w := httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, nil), nothing{http.Header{}}
				b.ReportAllocs()
				for b.Loop() {
					r.ServeHTTP(w, req)
				}
			})
		}
		_ = read
	}
}

// nothing is a ResponseWriter that throws the response away.
type nothing struct{ header http.Header }

func (n nothing) Header() http.Header         { return n.header }
func (n nothing) Write(p []byte) (int, error) { return len(p), nil }
func (n nothing) WriteHeader(int)             {}
