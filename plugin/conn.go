package plugin

import (
	"context"
	"errors"
	"io"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
)

// Conn returns a connection to whoever serves a capability at the time of each
// call, for use with generated stubs: those of the capability's own service, or
// of roster.plugin.v1.FunctionService for a JSON function. It needs no closing.
//
// Errors are those of [Host.Call]. Unary calls without a deadline get the
// host's call timeout; streams do not.
func (h *Host) Conn(capability string) grpc.ClientConnInterface {
	return &capabilityConn{host: h, capability: capability}
}

type capabilityConn struct {
	host       *Host
	capability string
}

var _ grpc.ClientConnInterface = (*capabilityConn)(nil)

// Invoke implements grpc.ClientConnInterface.
func (c *capabilityConn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	if serviceOf(method) == pluginv1.FunctionService_ServiceDesc.ServiceName {
		return c.invokeFunction(ctx, method, args, reply)
	}
	ctx, cancel := c.host.withTimeout(ctx)
	defer cancel()
	r := request{capability: c.capability, service: serviceOf(method), method: method}
	return c.host.route(ctx, r, func(ctx context.Context, t *target) (bool, error) {
		ctx, o := withOutcome(ctx)
		if t.linkedService != nil {
			err := c.host.invokeLinked(ctx, t.linkedService, method, args, reply, opts)
			o.answered.Store(ctx.Err() == nil)
			return r.judge(ctx, t, o, err)
		}
		if t.conn == nil {
			return r.judge(ctx, t, o, t.proc.invoke(ctx, o, method, args, reply, opts))
		}
		return r.judge(ctx, t, o, t.conn.Invoke(r.outgoing(ctx), method, args, reply, opts...))
	})
}

// dial returns the connection of a target, and the context for an RPC on it.
func (r request) dial(ctx context.Context, t *target) (*grpc.ClientConn, context.Context) {
	if t.conn != nil {
		return t.conn, r.outgoing(ctx)
	}
	if t.linkedService != nil {
		return t.linkedService.conn, ctx
	}
	return t.proc.conn, ctx
}

// invokeFunction serves the stub of the function service, so that typed code
// reaches functions of every kind of provider.
func (c *capabilityConn) invokeFunction(ctx context.Context, method string, args, reply any) error {
	if method != pluginv1.FunctionService_Call_FullMethodName {
		return status.Errorf(codes.Unimplemented, "plugin: unknown method %s", method)
	}
	in, same := args.(*pluginv1.CallRequest)
	if !same {
		in = new(pluginv1.CallRequest)
		if err := convert(args, in); err != nil {
			return err
		}
	}
	if in.GetCapability() != "" && in.GetCapability() != c.capability {
		return status.Errorf(codes.InvalidArgument, "plugin: the request names capability %q on a connection to %q; use Conn(%q)",
			in.GetCapability(), c.capability, in.GetCapability())
	}
	answer, err := c.host.Call(ctx, c.capability, in.GetInput())
	if err != nil {
		return err
	}
	if out, same := reply.(*pluginv1.CallResponse); same {
		out.Reset()
		out.Output = answer.Output
		return nil
	}
	return convert(&pluginv1.CallResponse{Output: answer.Output}, reply)
}

// convert copies a message into one of the same wire format, which may be of
// another Go type.
func convert(from, to any) error {
	source, ok := from.(proto.Message)
	target, ok2 := to.(proto.Message)
	if !ok || !ok2 {
		return status.Errorf(codes.Internal, "plugin: messages of type %T and %T, want generated ones", from, to)
	}
	text, err := proto.Marshal(source)
	if err == nil {
		err = proto.Unmarshal(text, target)
	}
	if err != nil {
		return status.Errorf(codes.Internal, "plugin: message %T: %v", from, err)
	}
	return nil
}

// NewStream implements grpc.ClientConnInterface.
func (c *capabilityConn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	r := request{capability: c.capability, service: serviceOf(method), method: method}
	var stream grpc.ClientStream
	err := c.host.route(ctx, r, func(ctx context.Context, t *target) (started bool, err error) {
		stream, started, err = r.open(ctx, t, desc, method, opts...)
		return started, err
	})
	if err != nil {
		return nil, err
	}
	return stream, nil
}

// open opens a stream at a target and, if that succeeds, keeps the target until
// the stream has ended.
func (r request) open(ctx context.Context, t *target, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, bool, error) {
	inner, leave := t.host.enter(ctx, r, t)
	inner, o := withOutcome(inner)
	conn, outgoing := r.dial(inner, t)
	stream, err := conn.NewStream(outgoing, desc, method, opts...)
	if err != nil {
		defer leave()
		if killed := killedIn(inner); killed != nil {
			return nil, true, killed
		}
		started, err := r.judge(ctx, t, o, err)
		return nil, started, err
	}
	t.kept = true
	// A caller need not read a stream to its end if it cancels the context.
	stop := context.AfterFunc(inner, func() {
		err := killedIn(inner)
		if err == nil {
			err = inner.Err()
		}
		leave()
		t.release()
		t.ended(err)
	})
	return &capabilityStream{
		ClientStream: stream, ctx: ctx, inner: inner, request: r, target: t, outcome: o, single: !desc.ServerStreams,
		ended: func(err error) { stop(); leave(); t.release(); t.ended(err) },
	}, true, nil
}

// A capabilityStream is a stream whose errors are this package's.
type capabilityStream struct {
	grpc.ClientStream
	ctx     context.Context //nolint:containedctx // of the caller, as in every grpc.ClientStream
	inner   context.Context //nolint:containedctx // of the stream, which a kill ends as well
	request request
	target  *target
	outcome *outcome
	single  bool // the other side answers with one message
	ended   func(error)
}

// RecvMsg implements grpc.ClientStream.
func (s *capabilityStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	switch {
	case err == nil:
		if s.single {
			s.ended(nil)
		}
		return nil
	case errors.Is(err, io.EOF):
		s.ended(nil)
		return err
	}
	if killed := killedIn(s.inner); killed != nil {
		s.ended(killed)
		return killed
	}
	s.ended(err)
	started, err := s.request.judge(s.ctx, s.target, s.outcome, err)
	if killed, ok := errors.AsType[*KilledError](err); ok {
		return killed
	}
	if !started { // too late to try another provider: messages may have been sent
		return &UnavailableError{Capability: s.request.capability, Attempts: []Attempt{{s.target.provider, oneLine(err.Error())}}}
	}
	return err
}

// serviceOf is the service in a full method name such as /acme.Notes/Get.
func serviceOf(method string) string {
	service, _, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	return service
}
