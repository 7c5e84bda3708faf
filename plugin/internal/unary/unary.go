// Package unary calls the unary methods of gRPC services without gRPC's transport.
package unary

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Methods are the unary methods of services by their full names, such as
// /acme.Notes/Get. They are safe for concurrent use once all services are added.
type Methods map[string]method

type method struct {
	impl    any
	handler grpc.MethodHandler
}

// Add adds the unary methods of a service.
func (m Methods) Add(desc *grpc.ServiceDesc, impl any) {
	for _, d := range desc.Methods {
		m["/"+desc.ServiceName+"/"+d.MethodName] = method{impl, d.Handler}
	}
}

// Call calls a method. Decode fills the request in, and the metadata are what came with
// the call, keys and values in turn. It does not contain panics.
func (m Methods) Call(ctx context.Context, name string, md metadata.MD, decode func(into any) error) (reply any, err error) {
	found, ok := m[name]
	if !ok {
		return nil, status.Errorf(codes.Unimplemented, "unknown method %s", name)
	}
	if len(md) > 0 {
		ctx = metadata.NewIncomingContext(ctx, md)
	}
	return found.handler(found.impl, grpc.NewContextWithServerTransportStream(ctx, headerless(name)), decode, nil)
}

// headerless lets methods set headers and trailers, which the caller has not asked for.
type headerless string

var _ grpc.ServerTransportStream = headerless("")

// Method implements grpc.ServerTransportStream.
func (m headerless) Method() string { return string(m) }

// SetHeader implements grpc.ServerTransportStream.
func (headerless) SetHeader(metadata.MD) error { return nil }

// SendHeader implements grpc.ServerTransportStream.
func (headerless) SendHeader(metadata.MD) error { return nil }

// SetTrailer implements grpc.ServerTransportStream.
func (headerless) SetTrailer(metadata.MD) error { return nil }
