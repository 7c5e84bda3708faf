package plugin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/roster-go/roster/plugin"
	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
	rosterv1 "github.com/roster-go/roster/plugin/gen/roster/v1"
	"github.com/roster-go/roster/plugin/internal/testplugin/streamer"
)

var streams = plugin.Capability{Name: streamer.Name, Kind: plugin.KindService}

// serve serves a host as a daemon does and returns its address.
func serve(t *testing.T, h *plugin.Host) (address string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(h.ServerOptions()...)
	rosterv1.RegisterCapabilityServiceServer(server, h.CapabilityService())
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			server.Stop()
			if err := <-done; err != nil {
				t.Errorf("serve: %v", err)
			}
		}
	}
	t.Cleanup(stop)
	return listener.Addr().String(), stop
}

// dial connects to an address.
func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// chat opens the stream of the test service.
func chat(ctx context.Context, t *testing.T, conn grpc.ClientConnInterface) grpc.ClientStream {
	t.Helper()
	stream, err := conn.NewStream(ctx, &streamer.ServiceDesc.Streams[0], streamer.ChatMethod)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func say(t *testing.T, stream grpc.ClientStream, text string) (string, error) {
	t.Helper()
	if err := stream.SendMsg(wrapperspb.String(text)); err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("send: %v", err)
	} // at io.EOF the stream has ended, and RecvMsg says why
	var reply wrapperspb.StringValue
	err := stream.RecvMsg(&reply)
	return reply.GetValue(), err
}

// reaches are the ways to a plugin's service: straight, through a daemon, and
// through two of them.
func reaches(t *testing.T) map[string]grpc.ClientConnInterface {
	t.Helper()
	h := newHost(t, plugin.Options{Host: "host-b"}.Hasten())
	add(t, h, describe("p", "", streams))
	address, _ := serve(t, h)
	other := newHost(t, plugin.Options{Host: "host-a", Fleet: fleet{streamer.Name: {{ID: "host-b", Address: address}}}})
	otherAddress, _ := serve(t, other)
	return map[string]grpc.ClientConnInterface{
		"Conn":                    h.Conn(streamer.Name),
		"ForwardHandler":          dial(t, address),
		"Conn to a remote host":   other.Conn(streamer.Name),
		"ForwardHandler to a one": dial(t, otherAddress),
	}
}

// A stream carries messages both ways in turn, headers, trailers and status.
func TestStreams(t *testing.T) {
	for name, conn := range reaches(t) {
		t.Run(name, func(t *testing.T) {
			ctx := metadata.AppendToOutgoingContext(timeout(t, 10*time.Second), "question", "why", "question", "how")
			stream := chat(ctx, t, conn)
			for i := range 100 {
				if reply, err := say(t, stream, strconv.Itoa(i)); err != nil || reply != fmt.Sprint("you said ", i) {
					t.Fatalf("%q, %v", reply, err)
				}
			}
			if err := stream.CloseSend(); err != nil {
				t.Fatal(err)
			}
			if err := stream.RecvMsg(&wrapperspb.StringValue{}); !errors.Is(err, io.EOF) {
				t.Fatalf("at the end: %v", err)
			}
			header, err := stream.Header()
			if err != nil || strings.Join(header.Get("greeting"), "") != "hi" || strings.Join(header.Get("echo"), "") != "[why how]" {
				t.Errorf("header %v, %v", header, err)
			}
			if got := stream.Trailer().Get("farewell"); strings.Join(got, "") != "bye" {
				t.Errorf("trailer %v", stream.Trailer())
			}

			stream = chat(timeout(t, 10*time.Second), t, conn)
			if _, err := say(t, stream, "fail"); grpcstatus.Code(err) != codes.DataLoss || !strings.Contains(err.Error(), "asked to fail") {
				t.Errorf("status: %v", err)
			}
		})
	}
}

// Deadline and cancellation reach the plugin, and the loss of the plugin reaches
// the caller.
func TestStreamsEndEarly(t *testing.T) {
	for name, conn := range reaches(t) {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			stream := chat(timeout(t, 200*time.Millisecond), t, conn)
			if _, err := say(t, stream, "wait"); grpcstatus.Code(err) != codes.DeadlineExceeded {
				t.Errorf("deadline: %v", err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			stream = chat(ctx, t, conn)
			if _, err := say(t, stream, "hello"); err != nil {
				t.Fatal(err)
			}
			cancel()
			if err := stream.RecvMsg(&wrapperspb.StringValue{}); grpcstatus.Code(err) != codes.Canceled {
				t.Errorf("cancel: %v", err)
			}
			stream = chat(timeout(t, 10*time.Second), t, conn)
			_, err := say(t, stream, "exit")
			if grpcstatus.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "exit status 9") {
				t.Errorf("crash: %v", err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
			// The next stream waits for the restart.
			stream = chat(timeout(t, 10*time.Second), t, conn)
			if reply, err := say(t, stream, "again"); err != nil || reply != "you said again" {
				t.Errorf("%q, %v", reply, err)
			}
			_ = stream.CloseSend()
		})
	}
}

// The metadata may name the capability, but leads to no service that the
// descriptor does not grant.
func TestForwardByMetadata(t *testing.T) {
	h := newHost(t, plugin.Options{})
	add(t, h, describe("p", "", plugin.Capability{Name: "chat", Service: streamer.Name}, plugin.Capability{Name: "test.hello"}))
	address, _ := serve(t, h)
	conn := dial(t, address)
	to := func(capability string) context.Context {
		return metadata.AppendToOutgoingContext(timeout(t, 10*time.Second), plugin.MetadataCapability, capability)
	}
	if reply, err := say(t, chat(to("chat"), t, conn), "x"); err != nil || reply != "you said x" {
		t.Errorf("%q, %v", reply, err)
	}
	if _, err := say(t, chat(timeout(t, time.Second), t, conn), "x"); grpcstatus.Code(err) != codes.NotFound {
		t.Errorf("without metadata: %v", err)
	}
	for _, capability := range []string{"chat", "test.hello"} {
		_, err := pluginv1.NewPluginServiceClient(conn).Shutdown(to(capability), &pluginv1.ShutdownRequest{})
		if grpcstatus.Code(err) != codes.FailedPrecondition {
			t.Errorf("lifecycle through %s: %v", capability, err)
		}
	}
	functions := pluginv1.NewFunctionServiceClient(conn)
	reply, err := functions.Call(timeout(t, 10*time.Second), &pluginv1.CallRequest{Capability: "test.hello", Input: []byte(`{"name":"x"}`)})
	if err != nil || !strings.Contains(string(reply.GetOutput()), "Hello, x") {
		t.Errorf("%s, %v", reply.GetOutput(), err)
	}
	if _, err := functions.Call(to("test.hello"), &pluginv1.CallRequest{Capability: "test.exit"}); grpcstatus.Code(err) != codes.InvalidArgument {
		t.Errorf("two names: %v", err)
	}
}

// Streams hold their process: a removal waits for them, and a stream that its
// caller gave up holds nothing.
func TestRemoveWaitsForStreams(t *testing.T) {
	h := newHost(t, plugin.Options{StopGrace: 10 * time.Second})
	add(t, h, describe("p", "", streams))
	abandoned, cancel := context.WithCancel(t.Context())
	_ = chat(abandoned, t, h.Conn(streamer.Name))
	cancel()
	stream := chat(t.Context(), t, h.Conn(streamer.Name))
	removed := make(chan error, 1)
	go func() { removed <- h.Remove(t.Context(), "p") }()
	eventually(t, "the capability is withdrawn", func() bool { return len(h.Capabilities()) == 0 })
	if reply, err := say(t, stream, "still here"); err != nil || reply != "you said still here" {
		t.Errorf("%q, %v", reply, err)
	}
	_ = stream.CloseSend()
	if err := stream.RecvMsg(&wrapperspb.StringValue{}); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	start := time.Now()
	if err := <-removed; err != nil || time.Since(start) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
}

func TestStreamSurvivesRestartOfAnother(t *testing.T) {
	h := newHost(t, plugin.Options{}.Hasten())
	add(t, h, describe("one", "", streams))
	add(t, h, describe("two", "", streams))
	if err := syscall.Kill(status(t, h, "one").PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for range 20 { // whichever is asked, none fails: at worst one waits
		stream := chat(timeout(t, 10*time.Second), t, h.Conn(streamer.Name))
		if reply, err := say(t, stream, "x"); err != nil || reply != "you said x" {
			if _, crashed := errors.AsType[*plugin.CrashedError](err); !crashed {
				t.Errorf("%q, %v", reply, err)
			}
		}
		_ = stream.CloseSend()
	}
}
