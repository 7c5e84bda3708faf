package plugin_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/plugin"
	"github.com/roster-go/roster/plugin/internal/testplugin/streamer"
)

// checker is a service that is linked in. The health service stands for one with messages.
type checker struct {
	healthv1.UnimplementedHealthServer
}

func (checker) Check(ctx context.Context, in *healthv1.HealthCheckRequest) (*healthv1.HealthCheckResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	if err := grpc.SetHeader(ctx, metadata.Pairs("a", "b")); err != nil {
		return nil, err
	}
	switch in.GetService() {
	case "panic":
		panic("oh no")
	case "wait":
		<-ctx.Done()
		return nil, ctx.Err()
	case "change": // what the caller has must not change
		in.Service = "changed"
	}
	if len(md.Get("question")) > 0 {
		return nil, grpcstatus.Error(codes.NotFound, "asked "+md.Get("question")[0])
	}
	return &healthv1.HealthCheckResponse{Status: healthv1.HealthCheckResponse_SERVING}, nil
}

type linkedStreams struct{}

func (linkedStreams) Chat(stream streamer.ChatServer) error {
	for {
		text, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if text == "panic" {
			panic("oh no")
		}
		if err := stream.Send("linked: " + text); err != nil {
			return err
		}
	}
}

// Services that are linked in are called like those of plugins: straight, as a stream,
// and by other hosts that do not know their messages.
func TestLinkedServices(t *testing.T) {
	t.Parallel()
	services := roster.New[plugin.Service](roster.Named("services"), roster.In(roster.NewDirectory()))
	services.Register(streamer.Name, plugin.Service{Desc: &streamer.ServiceDesc, Impl: linkedStreams{}})
	services.Register("acme.Health", plugin.Service{Desc: &healthv1.Health_ServiceDesc, Impl: checker{}})
	h := newHost(t, plugin.Options{Services: services}.Hasten())
	client := healthv1.NewHealthClient(h.Conn("acme.Health"))
	request := &healthv1.HealthCheckRequest{Service: "change"}
	answer, err := client.Check(t.Context(), request)
	if err != nil || answer.GetStatus() != healthv1.HealthCheckResponse_SERVING || request.GetService() != "change" {
		t.Errorf("%v %v %v", answer, err, request)
	}
	var header metadata.MD
	if _, err := client.Check(t.Context(), request, grpc.Header(&header)); err != nil || len(header.Get("a")) != 1 {
		t.Errorf("%v %v", header, err)
	}
	asking := metadata.AppendToOutgoingContext(t.Context(), "question", "why")
	if _, err := client.Check(asking, request); grpcstatus.Code(err) != codes.NotFound || !strings.Contains(err.Error(), "asked why") {
		t.Errorf("%v", err)
	}
	var failed *plugin.FunctionError
	if _, err := client.Check(t.Context(), &healthv1.HealthCheckRequest{Service: "panic"}); !errors.As(err, &failed) || failed.Code != codes.Internal {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.Check(ctx, &healthv1.HealthCheckRequest{Service: "wait"}); grpcstatus.Code(err) != codes.DeadlineExceeded {
		t.Errorf("%v", err)
	}
	if err := h.Conn("acme.Health").Invoke(t.Context(), "/grpc.health.v1.Health/Nothing", request, answer); grpcstatus.Code(err) != codes.Unimplemented {
		t.Errorf("%v", err)
	}

	address, _ := serve(t, h)
	for name, conn := range map[string]grpc.ClientConnInterface{"straight": h.Conn(streamer.Name), "forwarded": dial(t, address)} {
		stream := chat(timeout(t, 10*time.Second), t, conn)
		if reply, err := say(t, stream, "hello"); err != nil || reply != "linked: hello" {
			t.Errorf("%s: %q %v", name, reply, err)
		}
		if _, err := say(t, stream, "panic"); grpcstatus.Code(err) != codes.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
	forwarded := metadata.AppendToOutgoingContext(t.Context(), plugin.MetadataCapability, "acme.Health")
	if answer, err := healthv1.NewHealthClient(dial(t, address)).Check(forwarded, request); err != nil || answer.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		t.Errorf("%v %v", answer, err)
	}
	services.Register("acme.Again", plugin.Service{Desc: &healthv1.Health_ServiceDesc, Impl: checker{}})
	if _, err := plugin.NewHost(plugin.Options{Services: services, Directory: roster.NewDirectory()}); err == nil || !strings.Contains(err.Error(), "grpc.health.v1.Health is linked in twice") {
		t.Errorf("%v", err)
	}
	if c := h.Capabilities(); len(c) != 2 || c[0].Service != "grpc.health.v1.Health" || c[0].Providers[0].Kind != plugin.Linked {
		t.Errorf("%+v", c)
	}
}
