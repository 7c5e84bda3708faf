package roster_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/roster-go/roster"
)

// A value is made when somebody asks for it, once, and dropped when it is stale.
func Example_loadOnUse() {
	loads := 0
	templates := roster.NewLazy(func(_ context.Context, name string) (string, error) {
		loads++
		text, ok := map[string]string{"welcome": "Hello, %s."}[name]
		if !ok {
			return "", errors.New("no such file")
		}
		return text, nil
	}, roster.Named("templates"))

	for range 3 {
		_, _ = templates.Load(context.Background(), "welcome")
	}
	fmt.Println("loaded", loads, "time,", templates.Names())

	_, err := templates.Load(context.Background(), "goodbye")
	fmt.Println(err)

	templates.Forget("welcome") // the file changed
	_, _ = templates.Load(context.Background(), "welcome")
	fmt.Println("loaded", loads, "times")
	// Output:
	// loaded 1 time, [welcome]
	// roster: templates: cannot load "goodbye": no such file
	// loaded 3 times
}

// A tenant has entries of its own over those of the process.
func Example_scopePerTenant() {
	process := roster.New[string](roster.Named("themes"))
	process.Register("light", "white")
	process.Register("dark", "black")

	tenant := roster.NewScope(process, roster.Named("themes of tenant 7"))
	tenant.Register("brand", "orange")
	fmt.Println(tenant.Override("dark", "navy"))

	for name, color := range tenant.All() {
		fmt.Println(name, color)
	}
	fmt.Println(process.Names())
	// Output:
	// <nil>
	// brand orange
	// dark navy
	// light white
	// [dark light]
}

// An allow-list shows what it lists and nothing else.
func Example_allowList() {
	codecs := roster.New[func(string) string](roster.Named("codecs"))
	codecs.Register("upper", strings.ToUpper)
	codecs.Register("lower", strings.ToLower)

	public := roster.Only(codecs, "upper")
	_, err := public.Lookup("lower")
	fmt.Println(err)
	// Output: roster: codecs: "lower" is not registered; registered: upper
}

// The program's own choice wins over a library's, in whatever order they come.
func Example_overrideAtStart() {
	codecs := roster.New[string](roster.Named("codecs"))
	_ = codecs.Override("gzip", "ours")
	codecs.Register("gzip", "the library's") // may come before or after
	codecs.Seal()

	gzip, _ := codecs.Get("gzip")
	fmt.Println(gzip, codecs.Verify())
	// Output: ours <nil>
}

// All clashes are reported at once.
func Example_verifyAtStart() {
	codecs := roster.New[string](roster.Named("codecs"), roster.CollectConflicts())
	codecs.Register("gzip", "a")
	codecs.Register("gzip", "b")
	codecs.Register("zstd", "a")
	codecs.Register("zstd", "c")
	codecs.Register("brotli", "a")
	_ = codecs.Override("brotil", "mine")

	problems := codecs.Verify()
	fmt.Println(strings.Count(problems.Error(), "is registered twice"), "clashes")
	if override, ok := errors.AsType[*roster.OverrideError](problems); ok {
		fmt.Println(override.Name, "overrides nothing; did you mean", override.Nearest)
	}
	gzip, _ := codecs.Get("gzip")
	fmt.Println("meanwhile gzip is", gzip)
	// Output:
	// 2 clashes
	// brotil overrides nothing; did you mean [brotli]
	// meanwhile gzip is a
}

// A name that is missing says which import provides it.
func Example_missingImport() {
	drivers := roster.New[any](roster.Named("drivers"), roster.Known(roster.Catalogue{
		"postgres": {{Import: "example.com/postgres"}},
		"sqlite":   {{Import: "example.com/sqlite", Note: "needs cgo"}},
	}))

	_, err := drivers.Lookup("sqlite")
	fmt.Println(err)
	_, err = drivers.Lookup("posgres")
	fmt.Println(err)
	// Output:
	// roster: drivers: "sqlite" is not registered; add import _ "example.com/sqlite" (needs cgo)
	// roster: drivers: "posgres" is not registered; to register "postgres" add import _ "example.com/postgres"
}
