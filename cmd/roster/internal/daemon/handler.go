package daemon

import (
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/console"
	"github.com/roster-go/roster/telemetry"
)

const overview = `Roster %s on %s (region %s, zone %s)

POST /v1/call/{capability}    call a JSON function; the body is its input
GET  /v1/capabilities         what can be called, and who serves it
GET  /v1/plugins              the plugins of this host
GET  /v1/plugins/{name}       one of them, with its sandbox
POST /v1/plugins/{name}/reload   read a descriptor again and swap the plugin
GET  /v1/instances            the hosts this one knows, and what they serve
GET  /debug/registry          the registries of this process
GET  /debug/registry/{name}   one of them, with its entries and counts
GET  /metrics                 for Prometheus
GET  /healthz, /readyz        for whoever watches this process

gRPC: every capability of kind service under its own name, and
roster.v1.CapabilityService, which is also served to Connect and gRPC-Web.
`

// routes serves everything but gRPC.
func (d *daemon) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+api.CallPath+"{capability...}", serveCall(d.host))
	mux.HandleFunc("GET "+api.CapabilitiesPath, serveCapabilities(d.host, d.peers))
	mux.HandleFunc("GET "+api.PluginsPath, servePlugins(d.host))
	mux.HandleFunc("GET "+api.PluginsPath+"/{name}", servePlugin(d.host))
	mux.HandleFunc("POST "+api.PluginsPath+"/{name}/"+api.ReloadVerb, serveReload(d.host))
	mux.HandleFunc("GET "+api.InstancesPath, serveInstances(d.view))

	debug := console.Handler(nil)
	mux.Handle("GET "+console.Path, debug)
	mux.Handle("GET "+console.Path+"/", debug)

	metrics := prometheus.NewRegistry()
	metrics.MustRegister(
		telemetry.NewCollector(nil),
		d.pluginMetrics,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{EnableOpenMetrics: true}))

	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, struct {
			OK bool `json:"ok"`
		}{true})
	})
	mux.HandleFunc("GET /readyz", d.serveReady)

	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = fmt.Fprintf(w, overview, Version, d.config.Host, d.config.Region, d.config.Zone)
	})
	return notFound(mux)
}

// notFound answers paths and methods that no route has in the form of every
// other error. The mux decides what they are and which methods are allowed.
func notFound(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		probe := &headerRecorder{header: make(http.Header)}
		handler.ServeHTTP(probe, r)
		if probe.header.Get("Location") != "" { // a cleaned path
			mux.ServeHTTP(w, r)
			return
		}
		if allow := probe.header.Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
			writeJSON(w, http.StatusMethodNotAllowed, api.Error{Error: api.ErrorDetail{
				Code:    codeName(codes.Unimplemented),
				Message: fmt.Sprintf("%s is called with %s, not %s", r.URL.Path, allow, r.Method),
			}})
			return
		}
		writeError(w, status.Errorf(codes.NotFound, "there is nothing at %s; GET / lists what there is", r.URL.Path))
	})
}

// headerRecorder keeps what a handler says about an error and drops its text.
type headerRecorder struct{ header http.Header }

func (h *headerRecorder) Header() http.Header         { return h.header }
func (h *headerRecorder) Write(b []byte) (int, error) { return len(b), nil }
func (h *headerRecorder) WriteHeader(int)             {}

// serveReady says whether calls are served. Without etcd they are, from what is
// local and from the hosts last seen, so that is a lesser degree of ready.
func (d *daemon) serveReady(w http.ResponseWriter, _ *http.Request) {
	answer := api.Ready{Ready: d.ready.Load()}
	switch {
	case !answer.Ready:
		answer.Problem = "starting or stopping"
		writeJSON(w, http.StatusServiceUnavailable, answer)
		return
	case !d.announcement.Status().Registered:
		answer.Degraded = "not announced: other hosts cannot find this one"
	case d.view.Status().Stale:
		answer.Degraded = "the view of other hosts is stale"
	}
	writeJSON(w, http.StatusOK, answer)
}
