package initorder

import (
	"strings"

	"github.com/roster-go/roster/providers"
)

// A function by which names get into a registry.
type register struct {
	registry string // what to call the registry; "" if that is its receiver's variable
	several  bool   // the registry may hold several values of one name
	name     naming
}

// A naming is where a call says the name.
type naming int

const (
	byArgument naming = iota // the first string, the field Name or ID of a struct, or what a method of the argument returns
	byType                   // the type of the first argument
	byReceiver               // as byArgument; the registry is the variable it is called on
)

// known has the functions and methods that register, as path.Func or path.Type.Method.
// Packages add functions that forward to them.
func known() map[string]register {
	all := map[string]register{}
	for _, r := range providers.All() {
		for _, function := range r.Register {
			all[r.Package+"."+function] = register{registry: r.Title}
		}
	}
	for registry, functions := range map[string]string{
		"expvar variables":                 "expvar: Publish NewInt NewFloat NewMap NewString",
		"Go types of gob":                  "encoding/gob: RegisterName",
		"patterns of http.DefaultServeMux": "net/http: Handle HandleFunc",
		"MIME types":                       "mime: AddExtensionType",
		"flags of flag.CommandLine": "flag: Bool BoolVar BoolFunc Duration DurationVar Float64 Float64Var Func Int IntVar Int64 Int64Var " +
			"String StringVar TextVar Uint UintVar Uint64 Uint64Var Var",
		"collectors of Prometheus": prometheus + ": Register MustRegister",
		"metrics of Prometheus": prometheus + "/promauto: NewCounter NewCounterVec NewGauge NewGaugeVec " +
			"NewHistogram NewHistogramVec NewSummary NewSummaryVec NewCounterFunc NewGaugeFunc",
	} {
		path, names, _ := strings.Cut(functions, ": ")
		for name := range strings.FieldsSeq(names) {
			all[path+"."+name] = register{registry: registry}
		}
	}
	all["encoding/gob.Register"] = register{registry: "Go types of gob", name: byType}
	delete(all, "net/http.ServeMux.Handle") // which mux is not known
	delete(all, "net/http.ServeMux.HandleFunc")
	for _, method := range []string{"Register", "TryRegister"} {
		for _, kind := range []string{"Registry", "Hot", "Lazy"} {
			all[rosterPath+"."+kind+"."+method] = register{name: byReceiver}
		}
		all[rosterPath+"/factory."+method] = register{name: byReceiver}
		all[rosterPath+"/wire."+method] = register{name: byReceiver}
	}
	for function, r := range all {
		switch ownerOf(function) {
		case "image", "mime", prometheus, prometheus + "/promauto": // with other labels, one name is legal
			r.several = true
			all[function] = r
		}
	}
	return all
}

const prometheus = "github.com/prometheus/client_golang/prometheus"

// rosterPath is the module whose registries are known by their variables.
const rosterPath = "github.com/roster-go/roster"

// ownerOf is the package of a known function.
func ownerOf(function string) string {
	slash := strings.LastIndexByte(function, '/') + 1
	dot := strings.IndexByte(function[slash:], '.')
	return function[:slash+dot]
}
