package console_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/console"
)

func ExampleHandler() {
	own := roster.NewDirectory() // nil is the process-wide one
	currencies := roster.New[string](roster.Named("currencies"), roster.In(own))
	currencies.Register("EUR", "euro")

	server := httptest.NewServer(console.Handler(own)) // on a listener of its own
	defer server.Close()
	answer, err := http.Get(server.URL + "/currencies?format=html")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()

	fmt.Println(answer.Status, answer.Header.Get("Content-Type"))
	runtime.KeepAlive(currencies) // a registry that nobody holds leaves the directory
	// Output: 200 OK text/html; charset=utf-8
}

func ExampleHandler_prefix() {
	own := roster.NewDirectory()
	currencies := roster.New[string](roster.Named("currencies"), roster.In(own))

	mux := http.NewServeMux()
	mux.Handle("/internal/registries/", http.StripPrefix("/internal/registries", console.Handler(own)))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/internal/registries/currencies", nil))
	fmt.Println(w.Code)
	runtime.KeepAlive(currencies)
	// Output: 200
}

func ExampleRedact() {
	own := roster.NewDirectory()
	tenants := roster.New[string](roster.Named("tenants"), roster.In(own))
	tenants.Register("acme", "eu-1")
	tenants.Register("internal-audit", "eu-2")

	pages := console.Handler(own, console.Redact(func(f console.Field) (string, bool) {
		switch {
		case f.Kind == console.EntryName && strings.HasPrefix(f.Text, "internal-"):
			return "", false // as if it did not exist
		case f.Registry == "tenants" && f.Kind == console.EntryName:
			return f.Text[:1] + "…", true
		case f.Kind == console.FileName:
			return "", false
		}
		return f.Text, true
	}))

	w := httptest.NewRecorder()
	pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, console.Path+"/tenants", nil))
	body := w.Body.String()
	fmt.Println(strings.Contains(body, "a…"), strings.Contains(body, "acme"), strings.Contains(body, "internal-"))
	runtime.KeepAlive(tenants)
	// Output: true false false
}
