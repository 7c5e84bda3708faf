package e2e_test

import (
	"context"
	"encoding/hex"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	metricsv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracesv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	metricv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
)

// A receiver takes what daemons send over OTLP.
type receiver struct {
	metricsv1.UnimplementedMetricsServiceServer

	address string

	mu      sync.Mutex                             // guards the fields below
	metrics map[string]map[string]*metricv1.Metric // the latest, by host and name
	spans   []receivedSpan
}

type receivedSpan struct {
	*tracev1.Span

	host string
}

// traceReceiver is the receiver's other service.
type traceReceiver struct {
	tracesv1.UnimplementedTraceServiceServer

	to *receiver
}

// startReceiver listens on a free port until the end of the test.
func startReceiver(t *testing.T) *receiver {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{address: listener.Addr().String(), metrics: make(map[string]map[string]*metricv1.Metric)}
	server := grpc.NewServer()
	metricsv1.RegisterMetricsServiceServer(server, r)
	tracesv1.RegisterTraceServiceServer(server, traceReceiver{to: r})
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); <-ended })
	return r
}

func hostOf(attributes []*commonv1.KeyValue) string {
	for _, a := range attributes {
		if a.GetKey() == "service.instance.id" {
			return a.GetValue().GetStringValue()
		}
	}
	return ""
}

// Export implements the service of metrics.
func (r *receiver) Export(_ context.Context, in *metricsv1.ExportMetricsServiceRequest) (*metricsv1.ExportMetricsServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, resource := range in.GetResourceMetrics() {
		latest := make(map[string]*metricv1.Metric)
		for _, scope := range resource.GetScopeMetrics() {
			for _, m := range scope.GetMetrics() {
				latest[m.GetName()] = m
			}
		}
		r.metrics[hostOf(resource.GetResource().GetAttributes())] = latest
	}
	return &metricsv1.ExportMetricsServiceResponse{}, nil
}

// Export implements the service of traces.
func (r traceReceiver) Export(_ context.Context, in *tracesv1.ExportTraceServiceRequest) (*tracesv1.ExportTraceServiceResponse, error) {
	r.to.mu.Lock()
	defer r.to.mu.Unlock()
	for _, resource := range in.GetResourceSpans() {
		host := hostOf(resource.GetResource().GetAttributes())
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				r.to.spans = append(r.to.spans, receivedSpan{span, host})
			}
		}
	}
	return &tracesv1.ExportTraceServiceResponse{}, nil
}

// number is the value of a metric's series with an attribute, or its only one.
func (r *receiver) number(host, metric, key, value string) (float64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.metrics[host][metric]
	points := append(m.GetGauge().GetDataPoints(), m.GetSum().GetDataPoints()...)
	for _, p := range points {
		for _, a := range p.GetAttributes() {
			if a.GetKey() == key && a.GetValue().GetStringValue() == value {
				return p.GetAsDouble(), true
			}
		}
	}
	return 0, false
}

// span returns one of a trace.
func (r *receiver) span(trace string) (receivedSpan, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if hex.EncodeToString(s.GetTraceId()) == trace {
			return s, true
		}
	}
	return receivedSpan{}, false
}

// Metrics arrive at a receiver of OpenTelemetry's protocol under the names that /metrics has, and
// a trace that a client began goes through two daemons to a plugin.
func TestTelemetryOverOTLP(t *testing.T) {
	t.Parallel()
	r := startReceiver(t)
	configured := func(host string) string {
		path := filepath.Join(t.TempDir(), host+".yaml")
		text := "host: " + host + "\ntelemetry: {otlp: {endpoint: '" + r.address + "', interval: 1s, sample: 0}}\n" // those that begin here are not
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	near := startDaemon(t, "--config", configured("near"))
	startDaemon(t, "--config", configured("far"), "--etcd", near.etcd, "--plugins", buildPrograms(t).plugins)
	eventually(t, time.Minute, "near knows what far serves", func() bool {
		_, body := near.get(t, "/v1/capabilities")
		return strings.Contains(body, "markdown.render")
	})
	const trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, near.url+"/v1/call/markdown.render", strings.NewReader(`{"markdown": "a"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Traceparent", "00-"+trace+"-"+parent+"-01")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("the call: %s", res.Status)
	}
	if _, code, _, err := near.call(t.Context(), "text.stats", `{}`); err != nil || code != "" { // a trace of its own
		t.Fatal(code, err)
	}
	eventually(t, time.Minute, "the span of the plugin's call arrives", func() bool { _, ok := r.span(trace); return ok })
	s, _ := r.span(trace)
	if s.host != "far" || s.GetName() != "markdown.render" || hex.EncodeToString(s.GetParentSpanId()) != parent || s.GetKind() != tracev1.Span_SPAN_KIND_CLIENT {
		t.Errorf("the span is %v of %s", s, s.host)
	}

	for _, c := range []struct {
		host, metric, key, value string
		want                     float64
	}{
		{"far", "registry_size", "registry_name", "plugins", 3},
		{"near", "registry_size", "registry_name", "plugins", 1},
		{"near", "registry_lookup_total", "name", "text.stats", 1},
		{"far", "instances_by_service", "service", "text.stats", 2},
	} {
		eventually(t, time.Minute, c.metric+" of "+c.host+" arrives", func() bool {
			got, ok := r.number(c.host, c.metric, c.key, c.value)
			return ok && got == c.want
		})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.spans); n != 1 {
		t.Errorf("%d spans, want only that of the trace that the client sampled", n)
	}
	if h := r.metrics["far"]["plugin_rpc_duration_seconds"].GetExponentialHistogram(); len(h.GetDataPoints()) == 0 {
		t.Error("plugin_rpc_duration_seconds is no exponential histogram")
	}
}

// A receiver that is away costs a warning, and neither the start nor the end of a daemon.
func TestAReceiverThatIsAway(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "roster.yaml")
	if err := os.WriteFile(path, []byte("telemetry: {otlp: {endpoint: '"+freePort(t, "127.0.0.1")+"', interval: 1s}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := startDaemon(t, "--config", path)
	if _, code, _, err := d.call(t.Context(), "text.stats", `{}`); err != nil || code != "" {
		t.Fatal(code, err)
	}
	d.stop(t)
	if !strings.Contains(d.log.String(), "telemetry is ") {
		t.Errorf("nothing is said of it:\n%s", d.log)
	}
}
