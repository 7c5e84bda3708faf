package main

import (
	"context"
	"errors"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/roster-go/roster/plugin/internal/testplugin/streamer"
)

// plain is a program of hashicorp/go-plugin's that knows nothing of Roster.
func plain() {
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: goplugin.HandshakeConfig{ProtocolVersion: 3, MagicCookieKey: "BASIC_PLUGIN", MagicCookieValue: "hello"},
		Plugins:         goplugin.PluginSet{"streamer": &plainPlugin{}},
		GRPCServer:      goplugin.DefaultGRPCServer,
	})
}

type plainPlugin struct {
	goplugin.NetRPCUnsupportedPlugin
}

// GRPCServer implements goplugin.GRPCPlugin.
func (*plainPlugin) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error { //nolint:unparam // the interface has it
	s.RegisterService(&streamer.ServiceDesc, streams{})
	return nil
}

// GRPCClient implements goplugin.GRPCPlugin.
func (*plainPlugin) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("this is the plugin's side")
}
