package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	bridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/credentials"
)

// lastExport bounds how long a daemon that stops waits for its receiver.
const lastExport = 3 * time.Second

// startOTLP sends metrics and traces to a receiver, if one is configured. The metrics are those of
// /metrics, read when they are due. A receiver that is away is asked again; it does not hold the
// daemon up, and what it missed of traces is lost.
func (d *daemon) startOTLP(ctx context.Context, stops *cleanup) (oteltrace.TracerProvider, error) {
	config := &d.config.Telemetry.OTLP
	if config.Endpoint == "" {
		return nil, nil //nolint:nilnil // no spans
	}
	secure, err := config.tls()
	if err != nil {
		return nil, err
	}
	metricOptions := []otlpmetricgrpc.Option{otlpmetricgrpc.WithEndpoint(config.Endpoint), otlpmetricgrpc.WithInsecure()}
	traceOptions := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(config.Endpoint), otlptracegrpc.WithInsecure()}
	if secure != nil {
		metricOptions[1] = otlpmetricgrpc.WithTLSCredentials(credentials.NewTLS(secure))
		traceOptions[1] = otlptracegrpc.WithTLSCredentials(credentials.NewTLS(secure))
	}
	metrics, err := otlpmetricgrpc.New(ctx, metricOptions...)
	if err != nil {
		return nil, fmt.Errorf("the exporter of metrics: %w", err)
	}
	spans, err := otlptracegrpc.New(ctx, traceOptions...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the exporter of traces: %w", err), metrics.Shutdown(ctx))
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { // the SDK has no other place for it
		d.log.Warn("telemetry is not exported, trying again", "endpoint", config.Endpoint, "error", err)
	}))
	from := resource.NewSchemaless(
		attribute.String("service.name", "roster"), attribute.String("service.version", Version),
		attribute.String("service.instance.id", d.config.Host),
		attribute.String("roster.region", d.config.Region), attribute.String("roster.zone", d.config.Zone),
	)
	meters := metric.NewMeterProvider(metric.WithResource(from), metric.WithReader(metric.NewPeriodicReader(metrics,
		metric.WithInterval(config.Interval), metric.WithProducer(bridge.NewMetricProducer(bridge.WithGatherer(d.metrics))))))
	share := 1.0
	if config.Sample != nil {
		share = *config.Sample
	}
	tracers := trace.NewTracerProvider(trace.WithResource(from), trace.WithBatcher(spans),
		trace.WithSampler(trace.ParentBased(trace.TraceIDRatioBased(share))))
	stops.add(func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, lastExport)
		defer cancel()
		if err := errors.Join(tracers.Shutdown(ctx), meters.Shutdown(ctx)); err != nil {
			d.log.Warn("the last telemetry is lost", "endpoint", config.Endpoint, "error", err)
		}
		return nil
	})
	return tracers, nil
}
