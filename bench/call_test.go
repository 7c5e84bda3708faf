package bench_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/plugin"
	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
	"github.com/roster-go/roster/plugin/sdk"
)

// The peers run in processes made from this test binary; this says which one to be.
const roleVariable = "BENCH_ROLE"

const echo = "bench.echo"

// payload is what each call sends and gets back: JSON of about 100 bytes.
var payload = json.RawMessage(`{"text":"The quick brown fox jumps over the lazy dog, and then it does so once more, as asked."}`)

type message struct {
	Text string `json:"text"`
}

func TestMain(m *testing.M) {
	switch {
	case sdk.Hosted():
		sdk.Serve(sdk.Plugin{Name: "bench", Version: "1.0.0"},
			sdk.Func(echo, func(_ context.Context, in message) (message, error) { return in, nil }))
	case os.Getenv(roleVariable) == "go-plugin":
		goplugin.Serve(&goplugin.ServeConfig{
			HandshakeConfig: handshake,
			Plugins:         goplugin.PluginSet{echo: &echoPlugin{}},
			GRPCServer:      goplugin.DefaultGRPCServer,
		})
	case os.Getenv(roleVariable) == "frames":
		if err := serveFrames(os.Args[1]); err != nil {
			panic(err)
		}
	default:
		os.Exit(m.Run())
	}
}

var handshake = goplugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "BENCH", MagicCookieValue: "echo"}

// echoPlugin is go-plugin as its users write it, with the messages that Roster uses.
type echoPlugin struct {
	goplugin.NetRPCUnsupportedPlugin
}

func (*echoPlugin) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	pluginv1.RegisterFunctionServiceServer(s, echoServer{})
	return nil
}

func (*echoPlugin) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return pluginv1.NewFunctionServiceClient(conn), nil
}

type echoServer struct {
	pluginv1.UnimplementedFunctionServiceServer
}

// Call decodes and encodes, as a function of Roster's SDK does.
func (echoServer) Call(_ context.Context, r *pluginv1.CallRequest) (*pluginv1.CallResponse, error) {
	output, err := transcode(r.GetInput())
	return &pluginv1.CallResponse{Output: output}, err
}

func transcode(input []byte) ([]byte, error) {
	var in message
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, err
	}
	return json.Marshal(in)
}

// serveFrames answers frames of a length and JSON, one after the other: about the least
// that a call between two processes can cost.
func serveFrames(socket string) error {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer func() { _ = conn.Close() }()
			for {
				input, err := readFrame(conn)
				if err != nil {
					return
				}
				output, err := transcode(input)
				if err != nil || writeFrame(conn, output) != nil {
					return
				}
			}
		}()
	}
}

func readFrame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	frame := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(r, frame)
	return frame, err
}

func writeFrame(w io.Writer, frame []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...))
	return err
}

// BenchmarkPluginCall calls an echo in another process, one call at a time and from
// sixteen callers. Every peer decodes and encodes the same JSON.
func BenchmarkPluginCall(b *testing.B) {
	host := rosterHost(b)
	conn := pluginv1.NewFunctionServiceClient(host.Conn(echo))
	direct := goPluginClient(b)
	frames := framePool(b)
	request := &pluginv1.CallRequest{Capability: echo, Input: payload}
	ctx := context.Background()
	for _, peer := range []struct {
		name string
		call func() error
	}{
		{"go-plugin", func() error { _, err := direct.Call(ctx, request); return err }},
		{"frames on a unix socket", frames},
		{"roster Host.Conn", func() error { _, err := conn.Call(ctx, request); return err }},
		{"roster Host.Call", func() error { _, err := host.Call(ctx, echo, payload); return err }},
		{"roster linked in", func() error { _, err := host.Call(ctx, "linked.echo", payload); return err }},
	} {
		b.Run(peer.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := peer.call(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("16 callers/"+peer.name, func(b *testing.B) {
			const callers = 16
			b.SetParallelism(callers / 2) // times GOMAXPROCS, which is 2 where the figures come from
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := peer.call(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func rosterHost(b *testing.B) *plugin.Host {
	b.Helper()
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	linked := roster.New[plugin.Function](roster.In(roster.NewDirectory()))
	linked.Register("linked.echo", func(_ context.Context, input json.RawMessage) (json.RawMessage, error) {
		return transcode(input)
	})
	host, err := plugin.NewHost(plugin.Options{Linked: linked, Directory: roster.NewDirectory()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := host.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	err = host.Add(context.Background(), plugin.Descriptor{
		Name: "bench", APIVersion: "v1", Command: []string{program}, Capabilities: []plugin.Capability{{Name: echo}},
	})
	if err != nil {
		b.Fatal(err)
	}
	return host
}

func goPluginClient(b *testing.B) pluginv1.FunctionServiceClient {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"=go-plugin")
	client := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  handshake,
		Plugins:          goplugin.PluginSet{echo: &echoPlugin{}},
		Cmd:              cmd,
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		Logger:           hclog.NewNullLogger(),
	})
	b.Cleanup(client.Kill)
	protocol, err := client.Client()
	if err != nil {
		b.Fatal(err)
	}
	dispensed, err := protocol.Dispense(echo)
	if err != nil {
		b.Fatal(err)
	}
	return dispensed.(pluginv1.FunctionServiceClient)
}

// framePool calls over a connection that no other call uses meanwhile.
func framePool(b *testing.B) func() error {
	b.Helper()
	socket := filepath.Join(b.TempDir(), "socket")
	cmd := exec.Command(os.Args[0], socket)
	cmd.Env = append(os.Environ(), roleVariable+"=frames")
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	pool := sync.Pool{}
	return func() error {
		conn, ok := pool.Get().(net.Conn)
		for deadline := time.Now().Add(10 * time.Second); !ok; {
			var err error
			if conn, err = net.Dial("unix", socket); err == nil {
				break
			}
			if time.Now().After(deadline) {
				return errors.Join(errors.New("the frame server does not listen"), err)
			}
		}
		if err := writeFrame(conn, payload); err != nil {
			return err
		}
		if _, err := readFrame(conn); err != nil {
			return err
		}
		pool.Put(conn)
		return nil
	}
}
