package main

import (
	"expvar"
	"flag"
	"image"
	"net/http"

	_ "drivers/polite"    // asks first
	_ "drivers/rival"     // registers "postgres"
	_ "github.com/lib/pq" // want `"postgres" is registered twice in database/sql drivers: at drivers/rival/rival.go:14 and at github.com/lib/pq/pq.go:12; the second panics`

	"duplicatename/codec"
)

var verbose = flag.Bool("v", false, "")

func init() {
	codec.Register("json", 1)
	codec.Register("json", 2) // want `"json" is registered twice in duplicatename/codec.codecs`
	codec.Register("yaml", 3)
	codec.RegisterOf("json", "text")
	codec.RegisterOf("xml", "text")
	codec.RegisterOf("json", "stream")
	flag.Bool("v", true, "") // want `"v" is registered twice in command-line flags`
	expvar.NewInt("requests")
	image.RegisterFormat("raw", "one", nil, nil)
	image.RegisterFormat("raw", "two", nil, nil)
}

func main() {
	http.HandleFunc("/", nil2)
	http.DefaultServeMux.HandleFunc("/", nil2) // want `"/" is registered twice in patterns of http.DefaultServeMux`
	if *verbose {
		expvar.NewInt("requests")
	}
	later := func() { expvar.NewInt("requests") }
	_ = later
}

func nil2(http.ResponseWriter, *http.Request) {}
