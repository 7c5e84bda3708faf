package plugin

import (
	"context"
	"errors"
	"net"
	"path/filepath"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/roster-go/roster/plugin/internal/handshake"
	"github.com/roster-go/roster/plugin/internal/lane"
)

// openLane connects to the lane that a plugin has declared. Without one, calls go over
// gRPC.
func (l *launcher) openLane(ctx context.Context, p *process) {
	path := p.declared.GetLane()
	if path == "" {
		return
	}
	if filepath.Dir(filepath.Clean(path)) != filepath.Clean(l.runner.socketDir) {
		l.log.Warn("plugin names a lane outside of the folder that it was given; calls go over gRPC", "lane", path)
		return
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err == nil {
		if err = l.runner.checkPeer(conn); err == nil {
			p.lane = lane.NewClient(conn, handshake.MaxMessage)
			return
		}
		_ = conn.Close()
	}
	l.log.Warn("the plugin's lane cannot be used; calls go over gRPC", "error", err)
}

// invoke makes a unary call to a process: over its lane, or over gRPC where there is
// none, or where the caller wants to know what only gRPC tells.
func (p *process) invoke(ctx context.Context, o *outcome, method string, in, out any, opts []grpc.CallOption) error {
	request, ok := in.(proto.Message)
	reply, ok2 := out.(proto.Message)
	if p.lane == nil || !ok || !ok2 || !ordinary(opts) || !p.lane.Alive() {
		return p.conn.Invoke(ctx, method, in, out, opts...) //nolint:wrapcheck // it is judged
	}
	message, err := proto.Marshal(request)
	if err != nil {
		return status.Errorf(codes.Internal, "the request cannot be encoded: %v", err)
	}
	if len(message) > handshake.MaxMessage {
		return status.Errorf(codes.ResourceExhausted, "the request has %d bytes, the limit is %d", len(message), handshake.MaxMessage)
	}
	answer, got, err := p.lane.Call(ctx, lane.Request{Method: method, Metadata: pairs(ctx), Message: message})
	o.started.Store(got != lane.NotSent)
	o.answered.Store(got == lane.Answered || got == lane.Failed)
	switch {
	case got == lane.Answered:
		if err := proto.Unmarshal(answer, reply); err != nil {
			return status.Errorf(codes.Internal, "the answer cannot be decoded: %v", err)
		}
		return nil
	case got == lane.Failed:
		var s spb.Status
		if err := proto.Unmarshal(answer, &s); err != nil {
			return status.Errorf(codes.Internal, "the status of a failure cannot be decoded: %v", err)
		}
		return status.ErrorProto(&s) //nolint:wrapcheck // as above
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return status.FromContextError(err).Err()
	case got == lane.NotSent:
		return p.conn.Invoke(ctx, method, in, out, opts...) //nolint:wrapcheck // as above
	default:
		return status.Error(codes.Unavailable, err.Error())
	}
}

// ordinary reports whether a call asks for nothing that a lane does not have.
func ordinary(opts []grpc.CallOption) bool {
	for _, o := range opts {
		if _, static := o.(grpc.StaticMethodCallOption); !static {
			return false
		}
	}
	return true
}

// pairs is the metadata that goes along with a call.
func pairs(ctx context.Context) []string {
	md, ok := metadata.FromOutgoingContext(ctx)
	if !ok {
		return nil
	}
	var list []string
	for key, values := range md {
		for _, value := range values {
			list = append(list, key, value)
		}
	}
	return list
}
