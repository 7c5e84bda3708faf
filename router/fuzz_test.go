package router_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/router"
)

// Whatever is given as a pattern, it is refused with an error, or its canonical
// form is its own, and it can be removed.
func FuzzPattern(f *testing.F) {
	for _, seed := range []string{"/", "GET /a/{b}/{c...}", "h/x/:y/*z", "/{$}", "/a%2Fb/%zz", "CONNECT //", "/{", "\x00", "/a/{a}/{a}", "GET\t h.test/%25/{é}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		r := router.New(roster.Unlisted())
		ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		if err := r.TryHandle(pattern, ok); err != nil {
			if !errors.Is(err, roster.ErrInvalidName) {
				t.Fatalf("%q: %v", pattern, err)
			}
			return
		}
		name := r.Routes().Names()[0]
		if err := r.TryHandle(name, ok); !errors.Is(err, roster.ErrDuplicate) {
			t.Fatalf("%q is %q, which is not the same: %v", pattern, name, err)
		}
		if err := r.Remove(pattern); err != nil || r.Routes().Len() != 0 {
			t.Fatalf("%q cannot be removed: %v", pattern, err)
		}
	})
}

// Whatever path is asked for, it is served by a route, refused or redirected, and a
// redirect leads to a path that is not redirected again.
func FuzzServe(f *testing.F) {
	for _, seed := range []string{"/", "/a/b/c", "//a", "/a/../b", "/%2F%2e", "/a/%zz", "/x%00y/", "/a/b/", "/files"} {
		f.Add("GET", "h.test", seed)
	}
	r := router.New(roster.Unlisted())
	for _, pattern := range []string{"/{$}", "GET /a/{b}/{c}", "GET /a/b/{$}", "/files/{rest...}", "h.test/x/{y}/", "POST /a/{b}/c"} {
		r.Handle(pattern, echo(pattern))
	}
	f.Fuzz(func(t *testing.T, method, host, target string) {
		u, err := url.Parse(target)
		if err != nil {
			return
		}
		req := &http.Request{Method: method, Host: host, URL: u, Header: http.Header{}}
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		if w.Code != http.StatusTemporaryRedirect || method == http.MethodConnect {
			return
		}
		to, err := url.Parse(w.Header().Get("Location"))
		if err != nil {
			t.Fatalf("%q is redirected to %q: %v", target, w.Header().Get("Location"), err)
		}
		again := httptest.NewRecorder()
		r.ServeHTTP(again, &http.Request{Method: method, Host: host, URL: to, Header: http.Header{}})
		if again.Code == http.StatusTemporaryRedirect && again.Header().Get("Location") == w.Header().Get("Location") {
			t.Fatalf("%q is redirected to %q for ever", target, to)
		}
	})
}
