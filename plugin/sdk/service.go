package sdk

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
)

// Describe implements pluginv1.PluginServiceServer.
func (s *server) Describe(context.Context, *pluginv1.DescribeRequest) (*pluginv1.DescribeResponse, error) {
	return &pluginv1.DescribeResponse{
		Name: s.plugin.Name, Version: s.plugin.Version, ApiVersion: s.plugin.APIVersion, Capabilities: s.declared,
		ConfigSchema: s.configSchema, Reconfigures: s.configure != nil, Lane: s.lane.socket(),
	}, nil
}

// Init implements pluginv1.PluginServiceServer.
func (s *server) Init(ctx context.Context, in *pluginv1.InitRequest) (*pluginv1.InitResponse, error) {
	if err := s.configured(ctx, in.GetConfig()); err != nil {
		return nil, err
	}
	if err := s.onInit(ctx, in.GetConfig()); err != nil {
		return nil, err
	}
	return &pluginv1.InitResponse{}, nil
}

// Reconfigure implements pluginv1.PluginServiceServer.
func (s *server) Reconfigure(ctx context.Context, in *pluginv1.ReconfigureRequest) (*pluginv1.ReconfigureResponse, error) {
	if s.configure == nil {
		return nil, status.Errorf(codes.Unimplemented, "plugin %q takes a config at its start only", s.plugin.Name)
	}
	if err := s.configured(ctx, in.GetConfig()); err != nil {
		return nil, err
	}
	return &pluginv1.ReconfigureResponse{}, nil
}

// Health implements pluginv1.PluginServiceServer.
func (s *server) Health(ctx context.Context, _ *pluginv1.HealthRequest) (*pluginv1.HealthResponse, error) {
	if err := s.onHealth(ctx); err != nil {
		return nil, err
	}
	return &pluginv1.HealthResponse{}, nil
}

// Shutdown implements pluginv1.PluginServiceServer.
func (s *server) Shutdown(ctx context.Context, _ *pluginv1.ShutdownRequest) (*pluginv1.ShutdownResponse, error) {
	if err := s.shutdown(ctx); err != nil {
		return nil, err
	}
	return &pluginv1.ShutdownResponse{}, nil
}

// Call implements pluginv1.FunctionServiceServer.
func (s *server) Call(ctx context.Context, in *pluginv1.CallRequest) (*pluginv1.CallResponse, error) {
	f, ok := s.functions[in.GetCapability()]
	if !ok {
		return nil, status.Errorf(codes.Unimplemented, "plugin %q has no function %q", s.plugin.Name, in.GetCapability())
	}
	output, err := f(ctx, in.GetInput())
	if err != nil {
		return nil, err
	}
	return &pluginv1.CallResponse{Output: output}, nil
}
