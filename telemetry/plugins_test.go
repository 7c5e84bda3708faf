package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/roster-go/roster/telemetry"
)

func TestPlugins(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	p := telemetry.NewPlugins(trace.NewTracerProvider(trace.WithSpanProcessor(spans)))
	metrics := prometheus.NewPedanticRegistry()
	metrics.MustRegister(p)
	observe := func(plugin, method, code string, err error) {
		_, end := p.Call(context.Background(), plugin, method)
		end(code, err)
	}
	observe("a", "text.upper", "OK", nil)
	observe("a", "text.upper", "Unavailable", errors.New("it is away"))
	observe("a", "/acme.Notes/MadeUp", "Unimplemented", errors.New("no such method"))
	for i := range 300 {
		observe("b", fmt.Sprint("/acme.Notes/M", i), "OK", nil)
	}
	p.Restarted("a", "exit")
	p.Restarted("a", "exit")
	if n := testutil.CollectAndCount(p, "plugin_rpc_duration_seconds"); n != 3+200+1 {
		t.Errorf("%d series", n)
	}
	if err := testutil.CollectAndCompare(p, strings.NewReader(`
# HELP plugin_restart_total Processes of plugins that were started again, by reason: exit, health, start.
# TYPE plugin_restart_total counter
plugin_restart_total{plugin_name="a",reason="exit"} 2
`), "plugin_restart_total"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.CollectAndLint(p); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	ended := spans.Ended()
	if len(ended) != 303 || ended[1].Status().Description != "it is away" || ended[1].Name() != "text.upper" {
		t.Errorf("%d spans", len(ended))
	}
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	exemplars := map[string]bool{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, b := range m.GetHistogram().GetBucket() {
				for _, l := range b.GetExemplar().GetLabel() {
					if l.GetName() == "trace_id" {
						exemplars[l.GetValue()] = true
					}
				}
			}
		}
	}
	if !exemplars[ended[1].SpanContext().TraceID().String()] || exemplars[ended[0].SpanContext().TraceID().String()] {
		t.Errorf("exemplars: %v", exemplars)
	}
}
