package daemon

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/cmd/roster/internal/consolepage"
	"github.com/roster-go/roster/console"
)

// undrilled are the paths that are served while the daemon plays dead: kills, which are never
// drilled, and what tells an operator how it stands. /readyz is among them, and says that it is not.
var undrilled = []string{api.KillsPath, api.AuditPath, console.Path, consolepage.Path, "/metrics", "/healthz", "/readyz"}

// unlessDead refuses everything but that while this daemon plays dead. gRPC is refused by
// interceptors, in its own form.
func (d *daemon) unlessDead(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := d.refusal(); why != "" && !isGRPC(r) && !servedWhileDead(r) {
			writeError(w, status.Error(codes.Unavailable, why))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func servedWhileDead(r *http.Request) bool {
	path := r.URL.Path
	return path == "/" || path == api.RegionsPath && r.Method == http.MethodGet ||
		slices.ContainsFunc(undrilled, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") })
}

// refuseRPC are the interceptors for gRPC.
func (d *daemon) refuseRPC() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			if err := d.rpcRefusal(); err != nil {
				return nil, err
			}
			return handler(ctx, req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			if err := d.rpcRefusal(); err != nil {
				return err
			}
			return handler(srv, stream)
		}),
	}
}

// rpcRefusal is refusal as a gRPC status. Its detail is the one by which a host that forwards a
// call learns that the call has not begun, so that it may ask another.
func (d *daemon) rpcRefusal() error {
	why := d.refusal()
	if why == "" {
		return nil
	}
	plain := status.New(codes.Unavailable, why)
	detailed, err := plain.WithDetails(&errdetails.ErrorInfo{Domain: "roster", Reason: "CAPABILITY_UNAVAILABLE"})
	if err != nil {
		return plain.Err()
	}
	return detailed.Err()
}
