package survey

import (
	"slices"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/providers"
)

// A Registry is a set of names that packages of a program join.
type Registry struct {
	ID        string // how it is called in messages, for example "database/sql drivers"
	Catalogue string // its name in package providers, if it has one
	Many      bool   // a name may legally have several values
	Anytime   bool   // registering is allowed at any time and from any goroutine
	Panics    bool   // a name that is taken ends the program
	Inferred  bool   // not known by name, but read off the code
}

var (
	sqlDrivers   = Registry{ID: "database/sql drivers", Catalogue: "sql-drivers", Panics: true}
	imageFormats = Registry{ID: "image formats", Catalogue: "image-formats", Many: true}
	gobNames     = Registry{ID: "gob types", Anytime: true, Panics: true}
	expvars      = Registry{ID: "expvar variables", Anytime: true, Panics: true}
	flags        = Registry{ID: "command-line flags", Panics: true}
	defaultMux   = Registry{ID: "patterns of http.DefaultServeMux", Anytime: true, Panics: true}
	metrics      = Registry{ID: "Prometheus metrics", Anytime: true, Panics: true}
	compressors  = Registry{ID: "gRPC compressors", Catalogue: "grpc-compressors"}
	codecs       = Registry{ID: "gRPC codecs", Catalogue: "grpc-codecs"}
	resolvers    = Registry{ID: "gRPC name resolvers", Catalogue: "grpc-resolvers"}
	balancers    = Registry{ID: "gRPC load balancers", Catalogue: "grpc-balancers"}
	caddyModules = Registry{ID: "Caddy modules", Catalogue: "caddy-modules", Panics: true}
	rcloneFs     = Registry{ID: "rclone backends", Catalogue: "rclone-backends", Many: true}
	migrateDBs   = Registry{ID: "golang-migrate databases", Catalogue: "migrate-databases", Panics: true}
	migrateSrcs  = Registry{ID: "golang-migrate sources", Catalogue: "migrate-sources", Panics: true}
	storage      = Registry{ID: "distribution storage drivers", Catalogue: "distribution-drivers", Panics: true}
)

const rosterPath = "github.com/roster-go/roster"

// knownRoles are what well-known functions do, by the full name of the function.
var knownRoles = map[string][]Role{
	"database/sql.Register": {{Registry: sqlDrivers, Value: 1}},
	"database/sql.Open":     {{Registry: sqlDrivers, Lookup: true, Value: -1}},

	"image.RegisterFormat": {{Registry: imageFormats, Value: -1}},

	"encoding/gob.RegisterName": {{Registry: gobNames, Value: 1}},

	"expvar.Publish":   {{Registry: expvars, Value: 1}},
	"expvar.NewInt":    {{Registry: expvars, Value: -1}},
	"expvar.NewFloat":  {{Registry: expvars, Value: -1}},
	"expvar.NewMap":    {{Registry: expvars, Value: -1}},
	"expvar.NewString": {{Registry: expvars, Value: -1}},

	"net/http.Handle":     {{Registry: defaultMux, Value: 1}},
	"net/http.HandleFunc": {{Registry: defaultMux, Value: 1}},

	"google.golang.org/grpc/encoding.RegisterCompressor": {{Registry: compressors, Via: "Name()", Value: 0}},
	"google.golang.org/grpc/encoding.RegisterCodec":      {{Registry: codecs, Via: "Name()", Value: 0}},
	"google.golang.org/grpc/encoding.RegisterCodecV2":    {{Registry: codecs, Via: "Name()", Value: 0}},
	"google.golang.org/grpc/resolver.Register":           {{Registry: resolvers, Via: "Scheme()", Value: 0}},
	"google.golang.org/grpc/balancer.Register":           {{Registry: balancers, Via: "Name()", Value: 0}},
	"google.golang.org/grpc.UseCompressor":               {{Registry: compressors, Lookup: true, Value: -1}},
	"google.golang.org/grpc.CallContentSubtype":          {{Registry: codecs, Lookup: true, Value: -1}},

	"github.com/caddyserver/caddy/v2.RegisterModule": {{Registry: caddyModules, Via: "CaddyModule().ID", Value: 0}},

	"github.com/rclone/rclone/fs.Register": {{Registry: rcloneFs, Via: ".Name", Value: 0}},

	"github.com/golang-migrate/migrate/v4/database.Register": {{Registry: migrateDBs, Value: 1}},
	"github.com/golang-migrate/migrate/v4/source.Register":   {{Registry: migrateSrcs, Value: 1}},

	"github.com/distribution/distribution/v3/registry/storage/driver/factory.Register": {{Registry: storage, Value: 1}},
	"github.com/distribution/distribution/v3/registry/storage/driver/factory.Create":   {{Registry: storage, Lookup: true, Param: 1, Value: -1}},
}

func init() { //nolint:gochecknoinits // the functions of package flag go by their kinds
	for _, kind := range []string{
		"Bool", "BoolFunc", "Duration", "Float64", "Func", "Int", "Int64", "String", "Uint", "Uint64",
	} {
		knownRoles["flag."+kind] = []Role{{Registry: flags, Value: -1}}
	}
	for _, kind := range []string{
		"BoolVar", "DurationVar", "Float64Var", "IntVar", "Int64Var", "StringVar", "TextVar", "UintVar", "Uint64Var", "Var",
	} {
		knownRoles["flag."+kind] = []Role{{Registry: flags, Param: 1, Value: -1}}
	}
}

// A method of a registry type; the registry is the package variable that it is called on.
type knownMethod struct {
	lookup bool
	param  int
	value  int
	panics bool
}

// knownMethods are methods by which names get into a registry, or are looked up and have to be there.
var knownMethods = map[string]knownMethod{
	"(*" + rosterPath + ".Registry[T]).Register":    {value: 1, panics: true},
	"(*" + rosterPath + ".Registry[T]).TryRegister": {value: 1},
	"(*" + rosterPath + ".Registry[T]).Lookup":      {lookup: true, value: -1},
	"(*" + rosterPath + ".Hot[T]).Register":         {value: 1, panics: true},
	"(*" + rosterPath + ".Hot[T]).TryRegister":      {value: 1},
	"(*net/http.ServeMux).Handle":                   {value: 1, panics: true},
	"(*net/http.ServeMux).HandleFunc":               {value: 1, panics: true},
}

// sameRegistry are package variables that functions of their package work on.
var sameRegistry = map[string]Registry{
	"net/http.DefaultServeMux": defaultMux,
	"flag.CommandLine":         flags,
}

// catalogued are the import paths of all catalogued packages.
var catalogued = func() map[string]bool {
	paths := make(map[string]bool)
	for _, r := range providers.All() {
		for _, list := range r.Catalogue {
			for _, p := range list {
				paths[p.Import] = true
			}
		}
	}
	return paths
}()

// catalogues are those of package providers, by name.
var catalogues = func() map[string]roster.Catalogue {
	byName := make(map[string]roster.Catalogue)
	for _, r := range providers.All() {
		byName[r.Name] = r.Catalogue
	}
	return byName
}()

// byID finds the traits of a known registry.
var byID = func() map[string]Registry {
	ids := make(map[string]Registry)
	for _, roles := range knownRoles {
		for _, r := range roles {
			ids[r.Registry.ID] = r.Registry
		}
	}
	ids[metrics.ID] = metrics
	return ids
}()

// Known returns what is known of the registry with an ID; what is inferred has no other traits.
func Known(id string) Registry {
	if r, ok := byID[id]; ok {
		return r
	}
	return Registry{ID: id, Inferred: true}
}

// ProvidersOf are the catalogued packages that register name, the recommended one first.
func ProvidersOf(id, name string) []roster.Provider {
	return slices.Clone(catalogues[Known(id).Catalogue][name])
}

// ProvidedBy says which names of which registry a catalogued package registers.
func ProvidedBy(path string) (title string, names []string) {
	for _, r := range providers.All() {
		for name, list := range r.Catalogue {
			if slices.ContainsFunc(list, func(p roster.Provider) bool { return p.Import == path }) {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			slices.Sort(names)
			return r.Title, names
		}
	}
	return "", nil
}
