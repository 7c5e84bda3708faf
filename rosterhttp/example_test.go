package rosterhttp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/rosterhttp"
)

// A request that resolves twice sees one version, also when a reload comes in
// between.
func ExamplePin() {
	greetings := roster.NewHot[string](roster.Named("greetings"))
	partings := roster.NewHot[string](roster.Named("partings"))
	greetings.Register("en", "Hello")
	partings.Register("en", "goodbye")

	reload := func() { // comes at the worst of times
		_ = greetings.Reload(map[string]string{"en": "Hi"})
		_ = partings.Reload(map[string]string{"en": "bye"})
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		greeting, _ := greetings.From(r.Context()).Get("en")
		reload()
		parting, _ := partings.From(r.Context()).Get("en")
		fmt.Fprintln(w, greeting, "and", parting)
	})

	pinned := rosterhttp.Pin(handler, greetings, partings)
	for range 2 {
		response := httptest.NewRecorder()
		pinned.ServeHTTP(response, httptest.NewRequest(http.MethodGet, "/", nil))
		fmt.Print(response.Body)
	}
	// Output:
	// Hello and goodbye
	// Hi and bye
}
