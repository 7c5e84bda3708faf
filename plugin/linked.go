package plugin

import (
	"context"
	"fmt"
	"net"
	"runtime/debug"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"github.com/roster-go/roster/plugin/internal/handshake"
	"github.com/roster-go/roster/plugin/internal/traceparent"
	"github.com/roster-go/roster/plugin/internal/unary"
)

// A Service is a gRPC service of this process: a generated descriptor, and what
// implements the generated server interface.
type Service struct {
	Desc *grpc.ServiceDesc
	Impl any
}

// A linkedService serves a Service. Unary calls of programs are function calls, in which
// each side has messages of its own; streams, and calls that are forwarded unseen, go
// through a gRPC server in memory.
type linkedService struct {
	methods unary.Methods
	conn    *grpc.ClientConn
}

// linkServices makes offers of the linked-in services.
func (h *Host) linkServices(services map[string]Service) error {
	if len(services) == 0 {
		return nil
	}
	const buffer = 256 << 10
	listener := bufconn.Listen(buffer)
	server := grpc.NewServer(
		grpc.MaxRecvMsgSize(handshake.MaxMessage), grpc.MaxSendMsgSize(handshake.MaxMessage),
		grpc.StreamInterceptor(func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
			defer func() {
				if v := recover(); v != nil {
					err = h.linkedPanic(info.FullMethod, v)
				}
			}()
			return next(srv, stream)
		}),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (_ any, err error) {
			defer func() {
				if v := recover(); v != nil {
					err = h.linkedPanic(info.FullMethod, v)
				}
			}()
			return next(traceparent.Extract(ctx), req)
		}),
	)
	conn, err := grpc.NewClient("passthrough:///linked", dialOptions(
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
	)...)
	if err != nil {
		return fmt.Errorf("plugin: linked-in services: %w", err)
	}
	added := map[string]bool{}
	for name, service := range services {
		if service.Desc == nil || service.Impl == nil {
			return fmt.Errorf("plugin: linked-in service %q: it has no descriptor or no implementation; set both", name)
		}
		l := &linkedService{methods: unary.Methods{}, conn: conn}
		l.methods.Add(service.Desc, service.Impl)
		if added[service.Desc.ServiceName] { // streams could not tell the two apart
			return fmt.Errorf("plugin: linked-in service %q: %s is linked in twice; give it one name", name, service.Desc.ServiceName)
		}
		added[service.Desc.ServiceName] = true
		server.RegisterService(service.Desc, service.Impl)
		o := &offer{kind: KindService, service: service.Desc.ServiceName, linkedService: l}
		if err := h.capabilities.TryRegister(name, o); err != nil {
			return fmt.Errorf("plugin: linked-in service: %w", err)
		}
	}
	serving := make(chan struct{})
	go func() {
		defer close(serving)
		_ = server.Serve(listener) // it ends when the host is closed
	}()
	h.stopLinked = func() {
		_ = conn.Close()
		server.Stop()
		<-serving
	}
	return nil
}

// linkedPanic logs a panic of a linked-in service and returns the error for the caller.
func (h *Host) linkedPanic(method string, v any) error {
	h.log.Error("service panicked", "method", method, "panic", v, "stack", string(debug.Stack()))
	return status.Errorf(codes.Internal, "%s panicked; the host's log has the stack", method)
}

// invokeLinked makes a unary call of a linked-in service.
func (h *Host) invokeLinked(ctx context.Context, l *linkedService, method string, in, out any, opts []grpc.CallOption) (err error) {
	request, ok := in.(proto.Message)
	reply, ok2 := out.(proto.Message)
	if !ok || !ok2 || !ordinary(opts) {
		return l.conn.Invoke(ctx, method, in, out, opts...) //nolint:wrapcheck // it is judged
	}
	defer func() {
		if v := recover(); v != nil {
			err = h.linkedPanic(method, v)
		}
	}()
	md, _ := metadata.FromOutgoingContext(ctx)
	answer, err := l.methods.Call(metadata.NewOutgoingContext(ctx, nil), method, md, func(into any) error {
		return copyMessage(request, into)
	})
	if err != nil {
		s, ok := status.FromError(err)
		if !ok {
			s = status.FromContextError(err)
		}
		return s.Err()
	}
	return copyMessage(answer, reply)
}

// copyMessage copies a message into one of the same wire format.
func copyMessage(from, to any) error {
	source, ok := from.(proto.Message)
	target, ok2 := to.(proto.Message)
	if ok && ok2 && source.ProtoReflect().Type() == target.ProtoReflect().Type() {
		proto.Reset(target)
		proto.Merge(target, source)
		return nil
	}
	return convert(from, to)
}
