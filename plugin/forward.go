package plugin

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
	"github.com/roster-go/roster/plugin/internal/handshake"
	"github.com/roster-go/roster/plugin/internal/traceparent"
)

// ServerOptions are what a gRPC server needs to serve every capability of the
// host under its own methods: [Codec], [Host.ForwardHandler] for services that
// the server does not know, and the message size limit.
func (h *Host) ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(Codec()),
		grpc.UnknownServiceHandler(h.ForwardHandler()),
		grpc.MaxRecvMsgSize(handshake.MaxMessage),
		grpc.MaxSendMsgSize(handshake.MaxMessage),
	}
}

// ForwardHandler routes calls of any gRPC method to the capability that the
// metadata [MetadataCapability] names, or else to the one called like the
// method's service. It knows no messages: frames go both ways as they come,
// with headers, trailers, deadline, cancellation and status. The server must
// use [Codec].
func (h *Host) ForwardHandler() grpc.StreamHandler {
	return func(_ any, server grpc.ServerStream) error { return h.forward(server) }
}

func (h *Host) forward(server grpc.ServerStream) error {
	ctx := server.Context()
	method, ok := grpc.MethodFromServerStream(server)
	if !ok {
		return status.Error(codes.Internal, "plugin: the stream has no method")
	}
	incoming, _ := metadata.FromIncomingContext(ctx)
	r := request{service: serviceOf(method), method: method, hereOnly: forwarded(incoming), consumed: true}
	r.capability = cmp.Or(strings.Join(incoming.Get(MetadataCapability), ","), r.service)
	if r.service == pluginv1.FunctionService_ServiceDesc.ServiceName {
		return h.forwardFunction(server, method, r)
	}
	// Without a cancellation of its own an RPC at the provider would live on
	// when the relay has failed on this side.
	ctx, cancel := context.WithCancel(metadata.NewOutgoingContext(traceparent.Extract(ctx), passedOn(incoming)))
	defer cancel()
	return h.route(ctx, r, func(ctx context.Context, t *target) (bool, error) {
		client, started, err := r.open(ctx, t, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method, grpc.ForceCodecV2(Codec()))
		if err != nil {
			return started, err
		}
		return true, relay(server, client)
	})
}

// relay copies frames both ways until the provider ends the call.
func relay(server grpc.ServerStream, client grpc.ClientStream) error {
	go func() { // ends with the caller's stream, which ends when the handler returns
		for {
			var f frame
			if err := server.RecvMsg(&f); err != nil {
				if errors.Is(err, io.EOF) {
					_ = client.CloseSend() // its failure shows in client.RecvMsg
				}
				return
			}
			if client.SendMsg(&f) != nil {
				return // client.RecvMsg says why
			}
		}
	}()
	if header, err := client.Header(); err == nil && header.Len() > 0 {
		if err := server.SendHeader(passedOn(header)); err != nil {
			return status.Convert(err).Err()
		}
	}
	for {
		var f frame
		if err := client.RecvMsg(&f); err != nil {
			server.SetTrailer(passedOn(client.Trailer()))
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := server.SendMsg(&f); err != nil {
			return status.Convert(err).Err()
		}
	}
}

// forwardFunction serves the function service. Its one message is known, and
// must be: it names the capability once more.
func (h *Host) forwardFunction(server grpc.ServerStream, method string, r request) error {
	if method != pluginv1.FunctionService_Call_FullMethodName {
		return status.Errorf(codes.Unimplemented, "plugin: unknown method %s", method)
	}
	var in pluginv1.CallRequest
	if err := server.RecvMsg(&in); err != nil {
		return status.Convert(err).Err()
	}
	if r.capability == r.service {
		r.capability = in.GetCapability()
	}
	if in.GetCapability() != "" && in.GetCapability() != r.capability {
		return status.Errorf(codes.InvalidArgument, "plugin: metadata %s names %q, the request %q; make the two agree",
			MetadataCapability, r.capability, in.GetCapability())
	}
	r.service, r.method, r.consumed = "", "", false
	answer, err := h.call(traceparent.Extract(server.Context()), r, in.GetInput())
	if err != nil {
		return err
	}
	return server.SendMsg(&pluginv1.CallResponse{Output: answer.Output})
}

// forwarded reports whether a call comes from another host.
func forwarded(md metadata.MD) bool {
	values := md.Get(MetadataForwarded)
	return len(values) > 0 && values[0] == "1"
}

// passedOn is the metadata that goes along with a forwarded call: all but what
// belongs to the single hop.
func passedOn(md metadata.MD) metadata.MD {
	out := metadata.MD{}
	for key, values := range md {
		switch {
		case strings.HasPrefix(key, ":"), strings.HasPrefix(key, "grpc-"):
		case key == "content-type", key == "user-agent", key == "te", key == "connection", key == "host":
		case key == MetadataCapability, key == MetadataForwarded, key == MetadataKey:
		default:
			out[key] = values
		}
	}
	return out
}
