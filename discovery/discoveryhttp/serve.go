package discoveryhttp

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/roster-go/roster/discovery"
)

// Serve serves on listener and announces instances meanwhile. When ctx ends it takes them
// out of the fleet, goes on for a moment, and shuts the server down: see [discovery.Serve],
// whose Start and Stop it sets. It closes listener.
func Serve(ctx context.Context, registrar discovery.Registrar, server *http.Server, listener net.Listener, s discovery.Service) error {
	s.Start = func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err //nolint:wrapcheck // the server says what failed
		}
		return nil
	}
	s.Stop = func(ctx context.Context) error {
		if err := server.Shutdown(ctx); err != nil {
			return errors.Join(err, server.Close())
		}
		return nil
	}
	if err := discovery.Serve(ctx, registrar, s); err != nil {
		return errors.Join(err, listenerClosed(listener))
	}
	return nil
}

// listenerClosed closes a listener that may be closed already.
func listenerClosed(listener net.Listener) error {
	if err := listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err //nolint:wrapcheck // it says what failed
	}
	return nil
}
