package router_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/roster-go/roster/router"
)

// ask sends a request to a handler and prints the answer.
func ask(h http.Handler, method, path string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	fmt.Println(w.Code, w.Body.String())
}

func Example() {
	routes := router.New()
	routes.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "user ", r.PathValue("id"))
	})
	routes.HandleParams("GET /files/*path", func(w http.ResponseWriter, _ *http.Request, p router.Params) {
		fmt.Fprint(w, "file ", p.Get("path"))
	})

	ask(routes, "GET", "/users/7")
	ask(routes, "GET", "/files/a/b.txt")
	// Output:
	// 200 user 7
	// 200 file a/b.txt
}

func ExampleConflictError() {
	routes := router.New()
	routes.HandleFunc("GET /{tenant}/users", http.NotFound)
	err := routes.TryHandle("GET /admin/{page}", http.NotFoundHandler())

	if conflict, ok := errors.AsType[*router.ConflictError](err); ok {
		fmt.Println(conflict.Refused, "and", conflict.Existing, "both match", conflict.Witness)
	}
	// Output: GET /admin/{page} and GET /{tenant}/users both match GET /admin/users
}

func ExampleRouter_Reload() {
	text := func(s string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, s) })
	}
	routes := router.New()
	routes.Handle("/", text("old"))

	err := routes.Reload(map[string]http.Handler{"/": text("new"), "/health": text("ok")})
	fmt.Println(err)
	ask(routes, "GET", "/anything")
	ask(routes, "GET", "/health")
	// Output:
	// <nil>
	// 200 new
	// 200 ok
}

func ExampleRouter_Group() {
	secret := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "" {
				http.Error(w, "who are you?", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	routes := router.New()
	admin := routes.Group("/admin", secret)
	admin.HandleFunc("GET /users", func(http.ResponseWriter, *http.Request) {})

	fmt.Println(routes.Routes().Names())
	ask(routes, "GET", "/admin/users")
	// Output:
	// [GET /admin/users]
	// 401 who are you?
}
