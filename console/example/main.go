// Command example is a program with a registry of its own and the debug pages.
package main

import (
	"flag"
	"fmt"
	"net/http"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/console"
)

var currencies = roster.New[string](roster.Named("currencies"))

func main() {
	currencies.Register("EUR", "euro")
	http.HandleFunc("GET /price", func(w http.ResponseWriter, r *http.Request) {
		if _, err := currencies.Lookup(r.FormValue("in")); err != nil {
			http.Error(w, "no such currency", http.StatusBadRequest)
		}
	})
	http.Handle(console.Path, console.Handler(nil))
	http.Handle(console.Path+"/", console.Handler(nil))
	address := flag.String("address", "localhost:6060", "where to listen")
	flag.Parse()
	server := http.Server{Addr: *address, ReadHeaderTimeout: time.Second}
	fmt.Println(server.ListenAndServe())
}
