package daemon

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/roster-go/roster/cmd/roster/internal/access"
	"github.com/roster-go/roster/discovery"
	rosterv1 "github.com/roster-go/roster/plugin/gen/roster/v1"
	"github.com/roster-go/roster/telemetry"
)

// routedDaemon is what of a daemon routes needs.
func routedDaemon(t *testing.T) *daemon {
	t.Helper()
	log, err := access.OpenLog(t.TempDir()+"/audit.jsonl", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	view := discovery.NewView()
	return &daemon{
		view: view, control: new(control), audit: log, metrics: prometheus.NewRegistry(),
		pluginMetrics: telemetry.NewPlugins(nil), viewMetrics: telemetry.NewDiscovery(view, nil),
		guard: access.NewGuard(access.Options{Table: rules, Log: log}),
	}
}

// TestEveryRouteHasARole: a route that nobody has thought about is refused to all, and this test says so
// before a user does. A rule without a route is a slip in the pattern of another.
func TestEveryRouteHasARole(t *testing.T) {
	t.Parallel()
	routes := routedDaemon(t).routes(http.NotFoundHandler()).Patterns()
	for _, service := range []string{rosterv1.CapabilityService_ServiceDesc.ServiceName} {
		for _, m := range rosterv1.CapabilityService_ServiceDesc.Methods {
			routes = append(routes, access.RPC+"/"+service+"/"+m.MethodName)
		}
		for _, s := range rosterv1.CapabilityService_ServiceDesc.Streams {
			routes = append(routes, access.RPC+"/"+service+"/"+s.StreamName)
		}
	}
	routes = append(routes, access.AnyRPC)
	for _, route := range routes {
		if rules[route].Role == access.None {
			t.Errorf("%q has no role: add it to rules", route)
		}
	}
	for _, pattern := range slices.Sorted(maps.Keys(rules)) {
		if !slices.Contains(routes, pattern) {
			t.Errorf("the rule for %q is for no route", pattern)
		}
	}
	if len(routes) < 30 {
		t.Errorf("only %d routes were found", len(routes))
	}
}

// What changes something takes more than the role read, and leaves a trace under a name.
func TestRulesAreOfTheirKind(t *testing.T) {
	t.Parallel()
	for pattern, rule := range rules {
		method, path, _ := strings.Cut(pattern, " ")
		signing := path == access.LoginPath || path == access.LogoutPath
		if method != http.MethodGet && method != "grpc" && !signing && rule.Role < access.Operate {
			t.Errorf("%q needs no more than %s", pattern, rule.Role)
		}
		if rule.Role >= access.Operate && rule.Action == "" {
			t.Errorf("%q has no name for the audit log", pattern)
		}
		if strings.Contains(path, "kill") && method != http.MethodGet && rule.Role != access.Kill {
			t.Errorf("%q needs %s, not kill", pattern, rule.Role)
		}
	}
}

// A route without a rule is refused, whoever asks.
func TestRouteWithoutARuleIsRefused(t *testing.T) {
	t.Parallel()
	d := routedDaemon(t)
	mux := d.routes(http.NotFoundHandler())
	mux.HandleFunc("GET /new", func(http.ResponseWriter, *http.Request) { t.Error("it was served") })
	w := httptest.NewRecorder()
	d.guard.Handler(mux, mux, isRPCPath).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/new", nil))
	if w.Code != http.StatusForbidden {
		t.Errorf("status %d, want 403", w.Code)
	}
}
