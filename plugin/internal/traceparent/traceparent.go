// Package traceparent carries the trace context of calls in gRPC metadata, as W3C Trace
// Context.
package traceparent

import (
	"context"
	"maps"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/metadata"
)

var format = propagation.TraceContext{}

// Extract puts the trace context that came with a call into its context, where
// OpenTelemetry finds it: a span that is started then is a child of the caller's.
func Extract(ctx context.Context) context.Context {
	md, ok := metadata.FromIncomingContext(ctx)
	if !ok || len(md.Get("traceparent")) == 0 {
		return ctx
	}
	return format.Extract(ctx, carrier(md))
}

// Inject adds the trace context of ctx, if it has one, to the metadata that goes along
// with a call, in the place of one that is there.
func Inject(ctx context.Context) context.Context {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	found := carrier{}
	format.Inject(ctx, found)
	if len(found) == 0 {
		return ctx
	}
	md, _ := metadata.FromOutgoingContext(ctx) // a copy
	if md == nil {
		md = metadata.MD{}
	}
	maps.Copy(md, metadata.MD(found))
	return metadata.NewOutgoingContext(ctx, md)
}

// carrier is metadata as propagators know them.
type carrier metadata.MD

// Get implements propagation.TextMapCarrier.
func (c carrier) Get(key string) string {
	if values := metadata.MD(c).Get(key); len(values) > 0 {
		return values[0]
	}
	return ""
}

// Set implements propagation.TextMapCarrier.
func (c carrier) Set(key, value string) { metadata.MD(c).Set(key, value) }

// Keys implements propagation.TextMapCarrier.
func (c carrier) Keys() []string {
	keys := make([]string, 0, len(c))
	for key := range c {
		keys = append(keys, key)
	}
	return keys
}
