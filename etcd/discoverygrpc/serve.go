package discoverygrpc

import (
	"context"
	"errors"
	"net"

	"google.golang.org/grpc"

	"github.com/roster-go/roster/discovery"
)

// Serve serves on listener and announces instances meanwhile. When ctx ends it takes them
// out of the fleet, goes on for a moment, and stops the server gracefully: see
// [discovery.Serve], whose Start and Stop it sets. Calls that have not ended by the timeout
// are broken off, which is an error.
func Serve(ctx context.Context, registrar discovery.Registrar, server *grpc.Server, listener net.Listener, s discovery.Service) error {
	s.Start = func() error { return server.Serve(listener) }
	s.Stop = func(ctx context.Context) error {
		graceful := make(chan struct{})
		go func() {
			defer close(graceful)
			server.GracefulStop()
		}()
		select {
		case <-graceful:
			return nil
		case <-ctx.Done():
			server.Stop()
			<-graceful
			return errCutOff
		}
	}
	return discovery.Serve(ctx, registrar, s)
}

var errCutOff = errors.New("discoverygrpc: calls were still running and were broken off")
