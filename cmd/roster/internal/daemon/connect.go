package daemon

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/plugin"
	rosterv1 "github.com/roster-go/roster/plugin/gen/roster/v1"
)

// rpc serves gRPC for every capability and, for the service roster.v1.CapabilityService,
// also the Connect and gRPC-Web protocols, all on the port of the daemon.
func rpc(host *plugin.Host, options ...grpc.ServerOption) (handler func(http.Handler) http.Handler, stop func()) {
	service := host.CapabilityService()
	server := grpc.NewServer(append(host.ServerOptions(), options...)...)
	rosterv1.RegisterCapabilityServiceServer(server, service)
	connected := connectHandler(service)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case isGRPC(r):
				server.ServeHTTP(w, r)
			case isConnect(r):
				connected.ServeHTTP(w, r)
			default:
				next.ServeHTTP(w, r)
			}
		})
	}, server.Stop
}

// isRPCPath tells whether the path of a request is that of a gRPC method.
func isRPCPath(r *http.Request) bool { return isGRPC(r) || isConnect(r) }

// isConnect tells what is for the service that Connect and gRPC-Web reach as well.
func isConnect(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/"+rosterv1.CapabilityService_ServiceDesc.ServiceName+"/")
}

// isGRPC tells gRPC from Connect and gRPC-Web, whose content types are others.
func isGRPC(r *http.Request) bool {
	contentType := r.Header.Get("Content-Type")
	return r.ProtoMajor == 2 && r.Method == http.MethodPost &&
		(contentType == "application/grpc" || strings.HasPrefix(contentType, "application/grpc+"))
}

func connectHandler(service rosterv1.CapabilityServiceServer) http.Handler {
	mux := http.NewServeMux()
	limits := connect.WithReadMaxBytes(api.MaxBody)
	mux.Handle(rosterv1.CapabilityService_Call_FullMethodName,
		connect.NewUnaryHandler(rosterv1.CapabilityService_Call_FullMethodName, unary(service.Call), limits))
	mux.Handle(rosterv1.CapabilityService_List_FullMethodName,
		connect.NewUnaryHandler(rosterv1.CapabilityService_List_FullMethodName, unary(service.List), limits))
	return mux
}

// unary makes a method of a gRPC service one of a Connect service: headers
// become metadata, and errors keep their codes.
func unary[Req, Res any](method func(context.Context, *Req) (*Res, error)) func(context.Context, *connect.Request[Req]) (*connect.Response[Res], error) {
	return func(ctx context.Context, req *connect.Request[Req]) (*connect.Response[Res], error) {
		headers := make(metadata.MD)
		for name, values := range req.Header() {
			headers.Append(name, values...)
		}
		res, err := method(metadata.NewIncomingContext(ctx, headers), req.Msg)
		if err != nil {
			return nil, connectError(err)
		}
		return connect.NewResponse(res), nil
	}
}

// connectError keeps the code, the text and the details of a gRPC status. The
// details tell a host that forwarded the call whether it ever started.
func connectError(err error) *connect.Error {
	s := status.Convert(err)
	converted := connect.NewError(connect.Code(s.Code()), errors.New(s.Message()))
	for _, packed := range s.Proto().GetDetails() {
		if detail, err := connect.NewErrorDetail(packed); err == nil {
			converted.AddDetail(detail)
		}
	}
	return converted
}
