package telemetry_test

import (
	"context"
	"fmt"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	bridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/telemetry"
)

// The names that a large registry was asked for in vain are told apart, and are bounded.
func ExampleCollector() {
	directory := roster.NewDirectory()
	codecs := roster.New[string](roster.Named("codecs"), roster.In(directory))
	codecs.Register("json", "application/json")
	for i := range 1_000 {
		codecs.Get(fmt.Sprint("made-up-", i))
	}

	registry := prometheus.NewRegistry()
	registry.MustRegister(telemetry.NewCollector(directory))

	families, err := registry.Gather() // a scrape does this
	if err != nil {
		panic(err)
	}
	for _, family := range families {
		fmt.Println(family.GetName(), len(family.GetMetric()))
	}
	runtime.KeepAlive(codecs) // a directory does not keep registries
	// Output:
	// registry_lookup_total 101
	// registry_register_total 1
	// registry_size 1
}

// OpenTelemetry's own bridge reads the collectors when its reader wants metrics.
func ExampleNewCollector_openTelemetry() {
	directory := roster.NewDirectory()
	routes := roster.NewHot[string](roster.Named("routes"), roster.In(directory))
	routes.Register("home", "/")

	registry := prometheus.NewRegistry()
	registry.MustRegister(telemetry.NewCollector(directory))
	reader := metric.NewManualReader( // a program has a metric.NewPeriodicReader over an exporter
		metric.WithProducer(bridge.NewMetricProducer(bridge.WithGatherer(registry))))
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	defer func() { _ = provider.Shutdown(context.Background()) }()

	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &all); err != nil {
		panic(err)
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			fmt.Println(m.Name)
		}
	}
	runtime.KeepAlive(routes)
	// Output:
	// registry_register_total
	// registry_size
}
