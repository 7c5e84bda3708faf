package roster_test

import (
	"log/slog"
	"os"
	"runtime"

	"github.com/roster-go/roster"
)

// withoutTime keeps the lines of examples the same.
func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey || a.Key == "at" || a.Key == "handler_version" {
		return slog.Attr{}
	}
	return a
}

func ExampleDirectory_LogNames() {
	directory := roster.NewDirectory() // a program has roster.DefaultDirectory()
	codecs := roster.New[string](roster.Named("codecs"), roster.In(directory))
	codecs.Register("json", "application/json")
	codecs.Register("gob", "application/x-gob")

	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	directory.LogNames(log)
	runtime.KeepAlive(codecs) // a directory does not keep registries
	// Output: level=INFO msg=registry registry_name=codecs lifecycle=startup-only size=2 names="[gob json]"
}

func ExampleDirectory_LogLoads() {
	directory := roster.NewDirectory()
	routes := roster.NewHot[string](roster.Named("routes"), roster.In(directory))

	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	stop := directory.LogLoads(log, "routes")
	defer stop()

	routes.Register("home", "/")
	if err := routes.Reload(map[string]string{"home": "/", "search": "/search"}); err != nil {
		panic(err)
	}
	// Output:
	// level=INFO msg=runtime_loaded_handlers registry_name=routes handler_name=home source=linked-in type=string
	// level=INFO msg=runtime_loaded_handlers registry_name=routes handler_name=search source=linked-in type=string
}
