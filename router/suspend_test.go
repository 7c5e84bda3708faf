package router_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/router"
)

func TestASuspendedRouteIsUnavailable(t *testing.T) {
	t.Parallel()
	for what, opts := range map[string][]roster.HotOption{"plain": nil, "pinned": {roster.CloseRetired()}} {
		d := roster.NewDirectory()
		r := router.New(append(opts, roster.In(d))...)
		for _, pattern := range []string{"GET /files/{name}", "/files/{rest...}", "/other"} {
			r.Handle(pattern, echo(pattern))
		}
		d.Suspend("routes", "GET /files/{name}", errors.New("it leaks"))
		assert.Equal(t, what+get(t, r, "GET /files/a"), what+"503 ")
		assert.Equal(t, get(t, r, "GET /files/a/b"), "/files/{rest...} rest=a/b")
		assert.Equal(t, get(t, r, "GET /other"), "/other")
		h, pattern := r.Handler(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/files/a", nil))
		assert.Equal(t, pattern, "GET /files/{name}")
		assert.Equal(t, get(t, h, "GET /files/a"), "503 ")

		r.Handle("/late", echo("/late"))
		assert.Equal(t, get(t, r, "GET /files/a"), "503 ")
		d.Resume("routes", "GET /files/{name}")
		assert.Equal(t, get(t, r, "GET /files/a"), "GET /files/{name} name=a")
	}
}
