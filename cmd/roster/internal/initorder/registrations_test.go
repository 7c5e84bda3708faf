package initorder

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// registering is a program with each way to register that is understood, and look-alikes
// that register nothing while packages initialise.
var registering = map[string]string{
	"go.mod": "module example.com/r\n\ngo 1.26\n",
	"main.go": `package main

import (
	"database/sql"
	"expvar"
	"flag"
	"image"
	"net/http"
	"sync"

	"example.com/r/codecs"
)

const prefix = "with-"

var driverName = prefix + "name"

var verbose = flag.Bool("verbose", false, "")

func init() {
	sql.Register(driverName, nil)
	for _, name := range []string{"one", "two"} {
		codecs.Register(name, 1)
	}
	helper("three")
	if len(sql.Drivers()) == 0 {
		sql.Register("guarded", nil)
	}
	image.RegisterFormat("png", "", nil, nil)
	func() { expvar.NewInt("now") }()
	http.HandleFunc("GET /x", nil)
	http.HandleFunc("GET /y", func(http.ResponseWriter, *http.Request) { expvar.NewInt("later") })
	sync.OnceFunc(func() { expvar.NewInt("once") })
	codecs.Register(flag.Arg(0), 1)
	new(mux).Register("lookalike", 1)
}

func helper(name string) { codecs.Register(name, 1) }

func never() { codecs.Register("never", 1) }

type mux struct{}

func (*mux) Register(string, int) {}

func main() { codecs.Register("main", 1) }
`,
	"codecs/codecs.go": `package codecs

var all = map[string]int{}

func Register(name string, n int) { all[name] = n }

func Registered(name string) bool { local := map[string]int{}; local[name] = 1; return false }
`,
}

const wantRegistered = `
database/sql drivers "with-name" main.go:21
expvar variables "now" main.go:30
example.com/r/codecs.all "" main.go:34
example.com/r/codecs.all "one" main.go:23
example.com/r/codecs.all "three" main.go:38
example.com/r/codecs.all "two" main.go:23
flags of flag.CommandLine "verbose" main.go:18
guarded database/sql drivers "guarded" main.go:27
patterns of http.DefaultServeMux "GET /x" main.go:31
patterns of http.DefaultServeMux "GET /y" main.go:32
several image formats "png" main.go:29
`

func TestRegistrations(t *testing.T) {
	t.Parallel()
	dir := writeFixture(t, registering)
	options := Options{Dir: dir}
	list, err := options.List(t.Context(), ".")
	if err != nil {
		t.Fatal(err)
	}
	check(t, "sources", Registrations(list)["main"])

	order, err := OfPackage(t.Context(), ".", options)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "compiled", order.Steps[len(order.Steps)-1].Registrations)
}

func check(t *testing.T, how string, found []Registration) {
	t.Helper()
	var got []string
	for _, r := range found {
		kind := ""
		if r.Several {
			kind = "several "
		}
		if r.Guarded {
			kind = "guarded "
		}
		got = append(got, fmt.Sprintf("%s%s %q %s", kind, r.Registry, r.Name, r.At[strings.LastIndexByte(r.At, '/')+1:]))
	}
	slices.Sort(got)
	want := strings.Split(strings.TrimSpace(wantRegistered), "\n")
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s\ngot\n%s\nwant\n%s", how, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
