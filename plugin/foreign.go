package plugin

import (
	"context"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
	"github.com/roster-go/roster/plugin/internal/handshake"
)

// A GoPlugin is the handshake of a program that serves gRPC through
// hashicorp/go-plugin and knows nothing of Roster. Its services are called as they
// are; it gets no config, and tells nothing of itself.
type GoPlugin struct {
	CookieKey, CookieValue string // of its HandshakeConfig
	Protocol               uint   // its ProtocolVersion
}

// What a plugin in a language without an SDK compares before it serves: the variable
// CookieKey has the value CookieValue if a Roster host started it. That is no secret.
const (
	CookieKey   = handshake.CookieKey
	CookieValue = handshake.CookieValue
)

// handshakeOf is what the handshake with a plugin's process compares.
func handshakeOf(d Descriptor) goplugin.HandshakeConfig {
	if d.GoPlugin != nil {
		return goplugin.HandshakeConfig{
			ProtocolVersion: d.GoPlugin.Protocol, MagicCookieKey: d.GoPlugin.CookieKey, MagicCookieValue: d.GoPlugin.CookieValue,
		}
	}
	return goplugin.HandshakeConfig{
		ProtocolVersion: handshake.Protocol, MagicCookieKey: handshake.CookieKey, MagicCookieValue: handshake.CookieValue,
	}
}

// foreign reports whether a plugin does not speak this package's protocol.
func (d Descriptor) foreign() bool { return d.GoPlugin != nil || d.Endpoint != "" }

// health asks whether the other side is well. Of one that does not know our
// protocol the health service that gRPC has is asked; not to have one is no illness.
func (p *process) health(ctx context.Context) error {
	switch {
	case p.module != nil:
		return nil
	case p.attached:
		if state := p.conn.GetState(); state != connectivity.Ready {
			return status.Errorf(codes.Unavailable, "the connection is %s", state)
		}
		return nil
	case !p.foreign:
		_, err := p.plugin.Health(ctx, &pluginv1.HealthRequest{})
		return err
	}
	service := ""
	if p.pid() != 0 {
		service = goplugin.GRPCServiceName
	}
	answer, err := healthv1.NewHealthClient(p.conn).Check(ctx, &healthv1.HealthCheckRequest{Service: service})
	switch {
	case status.Code(err) == codes.Unimplemented, status.Code(err) == codes.NotFound:
		return nil
	case err != nil:
		return err //nolint:wrapcheck // the caller adds what it is about
	case answer.GetStatus() != healthv1.HealthCheckResponse_SERVING:
		return status.Errorf(codes.Unavailable, "it says that it is %s", answer.GetStatus())
	default:
		return nil
	}
}

// bye tells the other side that its process is about to end.
func (p *process) bye(ctx context.Context) {
	switch {
	case p.module != nil, p.pid() == 0: // somebody else's server goes on
	case p.foreign:
		_ = p.conn.Invoke(ctx, "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{}) // it ends anyway
	default:
		_, _ = p.plugin.Shutdown(ctx, &pluginv1.ShutdownRequest{}) // as above
	}
}
