package plugin

import (
	"context"

	"google.golang.org/grpc/metadata"

	rosterv1 "github.com/roster-go/roster/plugin/gen/roster/v1"
	"github.com/roster-go/roster/plugin/internal/traceparent"
)

// CapabilityService returns the gRPC service roster.v1.CapabilityService of the
// host, which other hosts call to reach its JSON functions.
func (h *Host) CapabilityService() rosterv1.CapabilityServiceServer {
	return &capabilityService{host: h}
}

type capabilityService struct {
	rosterv1.UnimplementedCapabilityServiceServer
	host *Host
}

// Call implements rosterv1.CapabilityServiceServer.
func (s *capabilityService) Call(ctx context.Context, in *rosterv1.CallRequest) (*rosterv1.CallResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	answer, err := s.host.call(traceparent.Extract(ctx), request{capability: in.GetCapability(), hereOnly: forwarded(md)}, in.GetInput())
	if err != nil {
		return nil, err
	}
	return &rosterv1.CallResponse{Output: answer.Output, ServedBy: answer.ServedBy.message()}, nil
}

// List implements rosterv1.CapabilityServiceServer.
func (s *capabilityService) List(context.Context, *rosterv1.ListRequest) (*rosterv1.ListResponse, error) {
	out := &rosterv1.ListResponse{}
	for _, c := range s.host.Capabilities() {
		message := &rosterv1.Capability{Name: c.Name, Kind: string(c.Kind), Service: c.Service}
		for _, p := range c.Providers {
			message.Providers = append(message.Providers, p.message())
		}
		out.Capabilities = append(out.Capabilities, message)
	}
	return out, nil
}

func (p Provider) message() *rosterv1.Provider {
	return &rosterv1.Provider{Kind: string(p.Kind), Name: p.Name, Host: p.Host, Region: p.Region}
}
