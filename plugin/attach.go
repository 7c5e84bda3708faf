package plugin

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"

	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
)

// attach connects to a plugin that somebody has started by hand, and initialises it. Its
// process is theirs: it is neither ended nor found to be ill, since it may stand at a
// breakpoint.
func (h *Host) attach(ctx context.Context, d Descriptor, log *slog.Logger) (*process, error) {
	path := d.inDir(d.Attach)
	conn, err := grpc.NewClient("passthrough:///"+d.Name, dialOptions(
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
			if err != nil {
				return nil, err //nolint:wrapcheck // gRPC adds what it is about
			}
			if err := checkOwner(conn); err != nil {
				_ = conn.Close()
				return nil, err
			}
			return conn, nil
		}),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
	)...)
	if err != nil {
		return nil, d.fault("attach", "attach cannot be used: "+oneLine(err.Error()), "name the socket that the plugin has printed")
	}
	p := &process{life: noLife{}, conn: conn, plugin: pluginv1.NewPluginServiceClient(conn), attached: true, cancel: func() {}}
	l := &launcher{host: h, d: d, log: log}
	if err = h.reach(ctx, conn, path); err == nil {
		if err = l.describe(ctx, p); err == nil {
			err = l.init(ctx, p)
		}
	}
	if err != nil {
		p.disconnect()
		return nil, err
	}
	return p, nil
}

// reach waits until a connection is there.
func (h *Host) reach(ctx context.Context, conn *grpc.ClientConn, where string) error {
	ctx, stop := context.WithTimeout(ctx, h.policy.reachTimeout)
	defer stop()
	conn.Connect()
	for state := conn.GetState(); state != connectivity.Ready; state = conn.GetState() {
		if state == connectivity.TransientFailure || !conn.WaitForStateChange(ctx, state) {
			return fmt.Errorf("%w at %s", errUnreachable, where)
		}
	}
	return nil
}
