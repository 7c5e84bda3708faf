package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
)

// serve answers on listener; the channel receives the error that ends it.
func (d *daemon) serve(listener net.Listener, secured *tls.Config, stops *cleanup) <-chan error {
	withRPC, stopRPC := rpc(d.host, d.refuseRPC()...)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	if secured == nil {
		protocols.SetUnencryptedHTTP2(true)
	} else {
		protocols.SetHTTP2(true)
		listener = tls.NewListener(listener, secured)
	}
	mux := d.routes(d.serveConsole(stops))
	server := &http.Server{
		Handler:           d.guard.Handler(mux, d.unlessDead(withRPC(notFound(mux))), isRPCPath),
		Protocols:         protocols,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(d.log.Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(func() { close(d.closing) })
	failed := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	})
	stops.add(func(ctx context.Context) error {
		err := server.Shutdown(ctx)
		if err != nil {
			err = errors.Join(fmt.Errorf("calls were still running: %w", err), server.Close())
		}
		stopRPC()
		wg.Wait()
		return err
	})
	return failed
}
