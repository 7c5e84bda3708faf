package daemon

import (
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/cmd/roster/internal/access"
	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/cmd/roster/internal/consolepage"
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
GET  /v1/instances/{service}/watch   one service's, as they change, a line of JSON each
GET  /v1/etcd                 where services are announced
GET  /v1/kills                what is killed, and who has acknowledged it
POST /v1/kills                kill or revive, a line of JSON for each progress
DELETE /v1/kills/runtimes/{id}   wait no more for a runtime that is gone
GET  /v1/records              the records of this region and the others; ?namespace=NAME
GET, PUT, DELETE /v1/records/{namespace}/{name}   one of them; ?max_stale=3s, If-Match: VERSION
GET  /v1/conflicts            writes that lost against concurrent ones
GET  /v1/namespaces           those that live in one region at a time
PUT  /v1/namespaces/{namespace}        make one, with its home
POST /v1/namespaces/{namespace}/move   move it to another region
GET, PUT, DELETE /v1/namespaces/{namespace}/keys/{key}   at home only
GET  /v1/regions              the regions, and how far they are behind
PUT, DELETE /v1/regions/{name}   add a region, or retire it
GET  /v1/audit                what was done and what was refused; ?limit=N, ?follow=1
POST /v1/drill                have a region play dead, a line of JSON for each progress
GET  /console                 all of this for a browser, with a kill button
GET  /debug/registry          the registries of this process
GET  /debug/registry/{name}   one of them, with its entries and counts
GET  /metrics                 for Prometheus
GET  /healthz, /readyz        for whoever watches this process

gRPC: every capability of kind service under its own name, and
roster.v1.CapabilityService, which is also served to Connect and gRPC-Web.
`

// homePath is where a browser goes after it signed in.
const homePath = consolepage.Path

// routes serves everything but gRPC. What each route needs is in rules.
func (d *daemon) routes(page http.Handler) *access.Mux {
	mux := new(access.Mux)
	d.guard.Register(mux)
	mux.HandleFunc("GET "+api.AuditPath, d.serveAudit)
	mux.HandleFunc("POST "+api.CallPath+"{capability...}", serveCall(d.host))
	mux.HandleFunc("GET "+api.CapabilitiesPath, serveCapabilities(d.host, d.peers))
	mux.HandleFunc("GET "+api.PluginsPath, servePlugins(d.host))
	mux.HandleFunc("GET "+api.PluginsPath+"/{name}", servePlugin(d.host))
	mux.HandleFunc("POST "+api.PluginsPath+"/{name}/"+api.ReloadVerb, serveReload(d.host))
	mux.HandleFunc("GET "+api.InstancesPath, serveInstances(d.view))

	mux.HandleFunc("GET "+api.InstancesPath+"/{service}/"+api.WatchVerb, d.serveWatch)
	mux.HandleFunc("GET "+api.EtcdPath, func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, api.Etcd{
			Endpoints: d.endpoints, Prefix: d.config.Etcd.Prefix, NamingEndpoints: d.config.Etcd.NamingEndpoints,
		})
	})
	mux.HandleFunc("GET "+api.KillsPath, d.serveKills)
	mux.HandleFunc("POST "+api.KillsPath, d.serveKill)
	mux.HandleFunc("DELETE "+api.RuntimesPath+"/{id...}", d.serveForget)
	mux.HandleFunc("GET "+api.RecordsPath, d.serveRecords)
	mux.HandleFunc("GET "+api.RecordsPath+"/{key...}", d.serveGetRecord)
	mux.HandleFunc("PUT "+api.RecordsPath+"/{key...}", d.servePutRecord)
	mux.HandleFunc("DELETE "+api.RecordsPath+"/{key...}", d.serveDeleteRecord)
	mux.HandleFunc("GET "+api.ConflictsPath, d.serveConflicts)
	mux.HandleFunc("DELETE "+api.ConflictsPath+"/{key...}", d.serveDismiss)
	mux.HandleFunc("GET "+api.NamespacesPath, d.serveNamespaces)
	mux.HandleFunc("PUT "+api.NamespacesPath+"/{namespace}", d.serveCreateNamespace)
	mux.HandleFunc("POST "+api.NamespacesPath+"/{namespace}/move", d.serveMoveNamespace)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		mux.HandleFunc(method+" "+api.NamespacesPath+"/{namespace}/keys/{key...}", d.serveNamespaceKey)
	}
	mux.HandleFunc("GET "+api.RegionsPath, d.serveRegions)
	mux.HandleFunc("PUT "+api.RegionsPath+"/{name}", d.servePutRegion)
	mux.HandleFunc("DELETE "+api.RegionsPath+"/{name}", d.serveRetireRegion)

	mux.HandleFunc("POST "+api.DrillPath, d.serveDrill)

	debug := console.Handler(nil)
	mux.Handle("GET "+console.Path, debug)
	mux.Handle("GET "+console.Path+"/", debug)

	d.metrics.MustRegister(
		telemetry.NewCollector(nil),
		d.pluginMetrics,
		d.viewMetrics,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	if d.control.hub != nil {
		d.metrics.MustRegister(telemetry.NewKill(d.control.hub))
	}
	if d.agent != nil {
		d.metrics.MustRegister(telemetry.NewReplication(d.agent))
	}
	mux.Handle("GET /metrics", promhttp.HandlerFor(d.metrics, promhttp.HandlerOpts{EnableOpenMetrics: true}))

	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, struct {
			OK bool `json:"ok"`
		}{true})
	})
	mux.HandleFunc("GET /readyz", d.serveReady)

	mux.HandleFunc("GET /{$}", d.serveHome)
	for _, pattern := range consolepage.Patterns() {
		mux.Handle(pattern, page)
	}
	return mux
}

func (d *daemon) serveOverview(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintf(w, overview, Version, d.config.Host, d.config.Region, d.config.Zone)
}

// notFound answers paths and methods that no route has in the form of every
// other error. The mux decides what they are and which methods are allowed.
func notFound(mux *access.Mux) http.Handler {
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
	answer := d.readiness()
	code := http.StatusOK
	if !answer.Ready {
		code = http.StatusServiceUnavailable
	}
	writeJSON(w, code, answer)
}

func (d *daemon) readiness() api.Ready {
	answer := api.Ready{Ready: d.ready.Load()}
	if why := d.refusal(); why != "" {
		answer.Ready, answer.Problem = false, why
		return answer
	}
	switch {
	case !answer.Ready:
		answer.Problem = "starting or stopping"
	case !d.announcement.Status().Registered:
		answer.Degraded = "not announced: other hosts cannot find this one"
	case d.view.Status().Stale:
		answer.Degraded = "the view of other hosts is stale"
	}
	return answer
}
