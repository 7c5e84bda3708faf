package telemetry

import (
	"context"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Plugins observes the calls that a plugin host makes. It is the Observer of the package
// plugin's Options, and a Prometheus collector:
//
//	plugin_rpc_duration_seconds{plugin_name,method,code}  histogram, native and classic
//	plugin_restart_total{plugin_name,reason}              counter; reason exit, health or start
//
// The method is the capability of a function, or the full method of a service. Callers
// can make up methods: those that a plugin does not have, and those beyond 200 for each
// plugin, are counted under "_other". A call that fails leaves an exemplar with its
// trace, if it has one.
//
// It is safe for concurrent use.
type Plugins struct {
	calls    *prometheus.HistogramVec
	restarts *prometheus.CounterVec
	tracer   trace.Tracer

	mu      sync.Mutex                     // guards methods
	methods map[string]map[string]struct{} // by plugin: those with a series of their own
}

var _ prometheus.Collector = (*Plugins)(nil)

const (
	maxMethods   = 200
	otherMethod  = "_other"
	tracerName   = "github.com/roster-go/roster/plugin"
	maxErrorText = 256 // bytes of an error in a span
)

// NewPlugins makes an observer whose spans go to provider; with nil there are none.
func NewPlugins(provider trace.TracerProvider) *Plugins {
	if provider == nil {
		provider = noop.NewTracerProvider()
	}
	return &Plugins{
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "plugin_rpc_duration_seconds",
			Help: "Time of calls to plugins by method and gRPC code; of a stream, until its end.",
			// From 100 µs to some 26 s; the least that a call takes is about 50 µs.
			Buckets:                         prometheus.ExponentialBuckets(0.0001, 4, 10), //nolint:mnd // see above
			NativeHistogramBucketFactor:     1.1,                                          //nolint:mnd // the usual one
			NativeHistogramMaxBucketNumber:  100,                                          //nolint:mnd // the usual one
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"plugin_name", "method", "code"}),
		restarts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plugin_restart_total",
			Help: "Processes of plugins that were started again, by reason: exit, health, start.",
		}, []string{"plugin_name", "reason"}),
		tracer:  provider.Tracer(tracerName),
		methods: map[string]map[string]struct{}{},
	}
}

// Call observes a call, in a span of its own if there is a provider of spans.
func (p *Plugins) Call(ctx context.Context, plugin, method string) (context.Context, func(code string, err error)) {
	begun := time.Now()
	ctx, span := p.tracer.Start(ctx, method, //nolint:spancheck // the function that is returned ends it
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("rpc.system", "grpc"), attribute.String("plugin.name", plugin)))
	return ctx, func(code string, err error) { //nolint:spancheck // as above
		took := time.Since(begun).Seconds()
		observer := p.calls.WithLabelValues(plugin, p.label(plugin, method, code), code)
		id := span.SpanContext()
		if !id.IsValid() {
			id = trace.SpanContextFromContext(ctx)
		}
		exemplars, ok := observer.(prometheus.ExemplarObserver)
		if ok && err != nil && id.IsValid() {
			exemplars.ObserveWithExemplar(took, prometheus.Labels{"trace_id": id.TraceID().String(), "span_id": id.SpanID().String()})
		} else {
			observer.Observe(took)
		}
		span.SetAttributes(attribute.String("rpc.grpc.status", code))
		if err != nil {
			span.SetStatus(otelcodes.Error, shortened(err.Error()))
		}
		span.End()
	}
}

// Restarted counts a process that was started again.
func (p *Plugins) Restarted(plugin, reason string) { p.restarts.WithLabelValues(plugin, reason).Inc() }

// label bounds the methods that have series of their own.
func (p *Plugins) label(plugin, method, code string) string {
	if code == "Unimplemented" || !utf8.ValidString(method) {
		return otherMethod
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.methods[plugin]
	if _, ok := known[method]; ok {
		return method
	}
	if len(known) >= maxMethods {
		return otherMethod
	}
	if known == nil {
		known = map[string]struct{}{}
		p.methods[plugin] = known
	}
	known[method] = struct{}{}
	return method
}

func shortened(text string) string {
	if len(text) <= maxErrorText {
		return text
	}
	end := maxErrorText
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// Describe implements [prometheus.Collector].
func (p *Plugins) Describe(descs chan<- *prometheus.Desc) {
	p.calls.Describe(descs)
	p.restarts.Describe(descs)
}

// Collect implements [prometheus.Collector].
func (p *Plugins) Collect(metrics chan<- prometheus.Metric) {
	p.calls.Collect(metrics)
	p.restarts.Collect(metrics)
}
