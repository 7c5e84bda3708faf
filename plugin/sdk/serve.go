package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
	"github.com/roster-go/roster/plugin/internal/handshake"
	"github.com/roster-go/roster/plugin/internal/traceparent"
)

// ErrNoHost is the error of [Run] in a program that no Roster host has started.
var ErrNoHost = errors.New("not started by a Roster host")

// stopGrace bounds OnShutdown.
const stopGrace = 3 * time.Second

// Hosted reports whether a Roster host has started this program as a plugin.
func Hosted() bool { return os.Getenv(handshake.CookieKey) == handshake.CookieValue }

// Serve runs the plugin until the host ends it, and exits the process: with 0
// after an orderly end, with 1 and a line on standard error otherwise. Call it
// from main.
func Serve(p Plugin, options ...Option) {
	err := Run(context.Background(), p, options...)
	switch {
	case err == nil:
		os.Exit(0) //nolint:forbidigo // what Serve promises
	case errors.Is(err, ErrNoHost):
		fmt.Fprintf(os.Stderr, "%s is a Roster plugin and runs inside a Roster host: "+
			"put it into a folder with a plugin.yaml that names it, and start: roster up --plugins FOLDER\n",
			strings.TrimSpace(p.Name+" "+p.Version))
	default:
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(1) //nolint:forbidigo // what Serve promises
}

// Run is [Serve] without exiting, for a program that is a plugin only at times:
// it returns nil after an orderly end, or [ErrNoHost] at once if [Hosted] is
// false. It also ends with ctx, and on SIGTERM.
//
// While it runs, os.Stdout and os.Stderr and the default logger are the
// plugin's. Standard input is read until the end of the process.
func Run(ctx context.Context, p Plugin, options ...Option) error {
	debug := os.Getenv(DebugVariable)
	if !Hosted() && debug == "" {
		return fmt.Errorf("sdk: plugin %q: %w", p.Name, ErrNoHost)
	}
	stdout, stderr := os.Stdout, os.Stderr
	defer func() { os.Stdout, os.Stderr = stdout, stderr }() // go-plugin replaces them
	log := slog.New(slog.NewJSONHandler(stderr, nil))
	d, err := define(p, log, options)
	if err != nil {
		return err
	}
	slog.SetDefault(log)

	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !Hosted() {
		ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
		defer stop()
		return (&server{definition: d}).serveDebug(ctx, debug)
	}
	if os.Getenv(handshake.Lifeline) == "stdin" {
		go func() { // ends with the process: a read cannot be called off
			_, _ = io.Copy(io.Discard, os.Stdin)
			cancel()
		}()
	}
	s := &server{definition: d}
	serving, stopServing := context.WithCancel(context.Background()) // it outlives ctx, for calls that are drained
	defer stopServing()
	s.lane = s.listenLane(serving)
	var stopping sync.WaitGroup
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: goplugin.HandshakeConfig{
			ProtocolVersion:  handshake.Protocol,
			MagicCookieKey:   handshake.CookieKey,
			MagicCookieValue: handshake.CookieValue,
		},
		Plugins: goplugin.PluginSet{"roster": s},
		Logger:  hclog.New(&hclog.LoggerOptions{Output: stderr, Level: hclog.Error, JSONFormat: true}),
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			s.grpc = grpc.NewServer(append(opts, s.options()...)...)
			stopping.Go(func() {
				<-ctx.Done()
				s.end()
			})
			return s.grpc
		},
	})
	cancel()
	stopping.Wait()
	stopServing()
	s.lane.close()
	if s.grpc == nil {
		return fmt.Errorf("sdk: plugin %q could not listen; the line before says why", p.Name)
	}
	return nil
}

// A server is a plugin that serves.
type server struct {
	goplugin.NetRPCUnsupportedPlugin
	pluginv1.UnimplementedPluginServiceServer
	pluginv1.UnimplementedFunctionServiceServer
	*definition

	grpc *grpc.Server
	lane *laneServer // nil if there is none
	shut sync.Once   // runs OnShutdown
}

var (
	_ goplugin.GRPCPlugin            = (*server)(nil)
	_ pluginv1.PluginServiceServer   = (*server)(nil)
	_ pluginv1.FunctionServiceServer = (*server)(nil)
)

// GRPCServer implements goplugin.GRPCPlugin.
func (s *server) GRPCServer(_ *goplugin.GRPCBroker, g *grpc.Server) error {
	pluginv1.RegisterPluginServiceServer(g, s)
	pluginv1.RegisterFunctionServiceServer(g, s)
	for _, service := range s.services {
		g.RegisterService(service.desc, service.impl)
	}
	return nil
}

// GRPCClient implements goplugin.GRPCPlugin.
func (s *server) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("sdk: this is the plugin's side")
}

// A tracedStream is a stream whose context has the caller's trace.
type tracedStream struct{ grpc.ServerStream }

// Context implements grpc.ServerStream.
func (s tracedStream) Context() context.Context { return traceparent.Extract(s.ServerStream.Context()) }

func (s *server) options() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(handshake.MaxMessage),
		grpc.MaxSendMsgSize(handshake.MaxMessage),
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (_ any, err error) {
			defer func() {
				if v := recover(); v != nil {
					err = s.panicked(info.FullMethod, v)
				}
			}()
			return next(traceparent.Extract(ctx), req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
			defer func() {
				if v := recover(); v != nil {
					err = s.panicked(info.FullMethod, v)
				}
			}()
			return next(srv, tracedStream{stream})
		}),
	}
}

// end runs OnShutdown for at most stopGrace and stops serving. Calls that still
// run are lost: the host has drained them or is gone.
func (s *server) end() {
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	done := make(chan struct{})
	go func() { // outlives this function only if the hook ignores its context
		defer close(done)
		if err := s.shutdown(ctx); err != nil {
			s.log.Error("shutdown", "error", err)
		}
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	s.grpc.Stop()
}

func (s *server) shutdown(ctx context.Context) (err error) {
	s.shut.Do(func() {
		defer func() {
			if v := recover(); v != nil {
				err = s.panicked("OnShutdown", v)
			}
		}()
		err = s.onShutdown(ctx)
	})
	return err
}
