// Package known registers in the ways of well-known modules: a name is in a method, a field or an option.
package known

import (
	"duplicatename/described"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/resolver"
)

type gzip struct{}

func (gzip) Name() string { return "gzip" }

type fast struct{ level int }

const fastName = "gz" + "ip"

func (fast) Name() string { return fastName }

type other struct{}

func (other) Name() string { return "other" }

type consul struct{ scheme string }

func (c *consul) Scheme() string { return c.scheme }

type module struct{}

func (*module) CaddyModule() caddy.ModuleInfo { return caddy.ModuleInfo{ID: "http.handlers.x"} }

type module2 struct{}

func (module2) CaddyModule() caddy.ModuleInfo { return caddy.ModuleInfo{ID: "http.handlers.x"} }

type measured struct{ encoding.Compressor }

func (measured) Name() string { return "gzip" }

// wrap takes the place of another on purpose, and knows of it.
func wrap() { encoding.RegisterCompressor(measured{encoding.GetCompressor("gzip")}) }

var (
	requests = prometheus.NewCounter(prometheus.CounterOpts{Namespace: "app", Name: "requests_total"})
	again    = prometheus.NewCounter(prometheus.CounterOpts{Name: "app_requests_total"})
	labelled = prometheus.NewCounter(prometheus.CounterOpts{Name: "app_requests_total", ConstLabels: map[string]string{"a": "b"}})
)

func init() {
	encoding.RegisterCompressor(gzip{})
	encoding.RegisterCompressor(fast{}) // want `"gzip" is registered twice in gRPC compressors: at .*; the last to register wins`
	encoding.RegisterCompressor(other{})
	wrap()

	resolver.Register(&consul{scheme: "consul"})
	resolver.Register(&consul{scheme: "consul"}) // want `"consul" is registered twice in gRPC name resolvers`
	resolver.Register(&consul{scheme: "nomad"})

	caddy.RegisterModule(&module{})
	caddy.RegisterModule(module2{}) // want `"http.handlers.x" is registered twice in Caddy modules`

	prometheus.MustRegister(requests, labelled)
	prometheus.MustRegister(again) // want `"app_requests_total" is registered twice in Prometheus metrics`

	for _, name := range []string{"a", "b"} {
		described.Add(name, 1)
	}
	described.Add("b", 2) // want `"b" is registered twice in duplicatename/described.backends`
	described.Join(&described.Info{Name: "c"})
	described.Join(&described.Info{Name: "c"}) // want `"c" is registered twice in duplicatename/described.backends`
	described.Many("d")
	described.Many("d")
}
