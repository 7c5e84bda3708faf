package plugin_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/roster-go/roster/plugin"
	"github.com/roster-go/roster/plugin/internal/testplugin/streamer"
)

// A program of hashicorp/go-plugin's that knows nothing of Roster is hosted like any
// other plugin: routed to, watched, restarted and ended.
func TestPlainGoPlugin(t *testing.T) {
	t.Parallel()
	d := describe("plain", "plain", streams)
	d.GoPlugin = &plugin.GoPlugin{CookieKey: "BASIC_PLUGIN", CookieValue: "hello", Protocol: 3}
	h := newHost(t, plugin.Options{}.Hasten())
	add(t, h, d)
	stream := chat(timeout(t, 10*time.Second), t, h.Conn(streamer.Name))
	if reply, err := say(t, stream, "hello"); err != nil || reply != "you said hello" {
		t.Fatalf("%q %v", reply, err)
	}
	_, err := say(t, stream, "exit")
	var crash *plugin.CrashedError
	if !errors.As(err, &crash) || crash.Exit != "exit status 9" {
		t.Errorf("%v", err)
	}
	stream = chat(timeout(t, 10*time.Second), t, h.Conn(streamer.Name))
	if reply, err := say(t, stream, "again"); err != nil || reply != "you said again" {
		t.Errorf("%q %v", reply, err)
	}
	if s := status(t, h, "plain"); s.Restarts != 1 || s.State != plugin.Ready {
		t.Errorf("%+v", s)
	}

	d.GoPlugin.CookieValue, d.Name = "wrong", "wrong"
	if err := h.Add(t.Context(), d); err == nil || !strings.Contains(err.Error(), `plugin "wrong" failed at handshake`) {
		t.Errorf("%v", err)
	}
	d.GoPlugin.CookieValue, d.GoPlugin.Protocol = "hello", 4
	if err := h.Add(t.Context(), d); err == nil || !strings.Contains(err.Error(), "failed at handshake") {
		t.Errorf("%v", err)
	}
}

// A remoteServer is a gRPC server of somebody else's.
type remoteServer struct {
	*grpc.Server
	health *health.Server
}

func (*remoteServer) Chat(stream streamer.ChatServer) error {
	for {
		text, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send("far away: " + text); err != nil {
			return err
		}
	}
}

func serveRemote(t *testing.T, address string, options ...grpc.ServerOption) (*remoteServer, string) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := &remoteServer{grpc.NewServer(options...), health.NewServer()}
	s.RegisterService(&streamer.ServiceDesc, s)
	healthv1.RegisterHealthServer(s, s.health)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(listener) }()
	t.Cleanup(func() { s.Stop(); <-done })
	return s, listener.Addr().String()
}

func endpoint(name, address string) plugin.Descriptor {
	return plugin.Descriptor{Name: name, APIVersion: "v1", Endpoint: address, Capabilities: []plugin.Capability{streams}, Source: name + "/plugin.yaml"}
}

func chats(t *testing.T, h *plugin.Host) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	stream, err := h.Conn(streamer.Name).NewStream(ctx, &streamer.ServiceDesc.Streams[0], streamer.ChatMethod)
	if err != nil {
		return "", err
	}
	return say(t, stream, "hello")
}

// An endpoint is a provider like the others: when it is away calls go to who is left,
// and it is back in service when it is reached again.
func TestEndpoint(t *testing.T) {
	t.Parallel()
	server, address := serveRemote(t, "127.0.0.1:0")
	w := &testWriter{t: t}
	h := newHost(t, plugin.Options{Logger: newLog(w)}.Hasten())
	add(t, h, endpoint("far", address))
	loadedFrom(t, w, "far", "endpoint")
	if reply, err := chats(t, h); err != nil || reply != "far away: hello" {
		t.Fatalf("%q %v", reply, err)
	}
	if c := h.Capabilities(); len(c) != 1 || c[0].Providers[0].String() != "endpoint far" {
		t.Errorf("%+v", c)
	}
	if s := status(t, h, "far"); s.Checksum != plugin.NoProgram || s.PID != 0 || s.State != plugin.Ready {
		t.Errorf("%+v", s)
	}

	add(t, h, describe("near", "", plugin.Capability{Name: streamer.Name, Kind: plugin.KindService, Standby: true}))
	server.Stop()
	lost := 0
	for range 20 {
		reply, err := chats(t, h)
		var crash *plugin.CrashedError
		if errors.As(err, &crash) && lost == 0 { // the stream was open before the connection was known to be broken
			lost++
			continue
		}
		if err != nil || reply != "you said hello" {
			t.Fatalf("%q %v", reply, err)
		}
	}
	eventually(t, "it is out of service", func() bool { return status(t, h, "far").State == plugin.Backoff })
	server, _ = serveRemote(t, address)
	eventually(t, "it is back", func() bool { reply, err := chats(t, h); return err == nil && reply == "far away: hello" })

	// One that says that it is not well is not asked.
	server.health.SetServingStatus("", healthv1.HealthCheckResponse_NOT_SERVING)
	eventually(t, "it is out of service", func() bool { return status(t, h, "far").State == plugin.Backoff })
	if reply, err := chats(t, h); err != nil || reply != "you said hello" {
		t.Errorf("%q %v", reply, err)
	}
	if s := status(t, h, "far"); !strings.Contains(s.LastError, "NOT_SERVING") {
		t.Errorf("%+v", s)
	}
	server.health.SetServingStatus("", healthv1.HealthCheckResponse_SERVING)
	eventually(t, "it is back", func() bool { return status(t, h, "far").State == plugin.Ready })
}

// An endpoint may be down when it is added.
func TestEndpointThatIsDown(t *testing.T) {
	t.Parallel()
	server, address := serveRemote(t, "127.0.0.1:0")
	server.Stop()
	h := newHost(t, plugin.Options{}.Hasten())
	add(t, h, endpoint("far", address))
	if s := status(t, h, "far"); s.State != plugin.Backoff && s.State != plugin.Starting || !strings.Contains(s.LastError, "it cannot be reached at "+address) {
		t.Errorf("%+v", s)
	}
	serveRemote(t, address)
	if reply, err := chats(t, h); err != nil || reply != "far away: hello" { // the call waits for it
		t.Errorf("%q %v", reply, err)
	}
}

// certificates makes a certificate for 127.0.0.1 that vouches for itself.
func certificates(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestEndpointWithTLS(t *testing.T) {
	t.Parallel()
	cert, key := certificates(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	authority := x509.NewCertPool()
	text, err := os.ReadFile(cert)
	if err != nil || !authority.AppendCertsFromPEM(text) {
		t.Fatal(err)
	}
	_, address := serveRemote(t, "127.0.0.1:0", grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: authority, ClientAuth: tls.RequireAndVerifyClientCert,
	})))
	h := newHost(t, plugin.Options{}.Hasten())
	d := endpoint("far", address)
	d.TLS = &plugin.TLS{CA: cert, Cert: cert, Key: key}
	add(t, h, d)
	if reply, err := chats(t, h); err != nil || reply != "far away: hello" {
		t.Errorf("%q %v", reply, err)
	}
	for name, protection := range map[string]*plugin.TLS{"clear": nil, "unknown": {}} {
		d := endpoint(name, address)
		d.TLS = protection
		add(t, h, d)
		if s := status(t, h, name); s.State == plugin.Ready {
			t.Errorf("%s is ready", name)
		}
	}
	d.Name, d.TLS = "broken", &plugin.TLS{CA: key}
	if err := h.Add(t.Context(), d); err == nil || !strings.Contains(err.Error(), "has no certificates; name a file in PEM form") {
		t.Errorf("%v", err)
	}
}

func TestDescriptorsOfOtherKinds(t *testing.T) {
	t.Parallel()
	const head = "name: x\napi_version: v1\ncapabilities: [{name: x.y, kind: service}]\n"
	for text, want := range map[string]string{
		"endpoint: notes.internal:443":                              "calls to notes.internal:443 would go over the network in clear; add tls: {}",
		"endpoint: dns:///10.0.0.1:443":                             "would go over the network in clear",
		"endpoint: nowhere":                                         `endpoint "nowhere" is not host:port`,
		"endpoint: xds:///a:1":                                      `has the scheme "xds"`,
		"endpoint: 127.0.0.1:1\ncommand: ./x":                       "there is more than one of command, endpoint, module and attach",
		"endpoint: 127.0.0.1:1\nsha256: " + strings.Repeat("0", 64): "an endpoint has no program to compare with",
		"endpoint: 127.0.0.1:1\nsandbox: {}":                        "a sandbox is for a command",
		"endpoint: 127.0.0.1:1\nconfig: {a: 1}":                     "nobody takes a config there",
		"command: ./x\ntls: {}":                                     "tls is for an endpoint",
		"endpoint: 127.0.0.1:1\ntls: {cq: a}":                       `unknown field "cq" (did you mean "ca"?)`,
		"module: ./x":                                               "is a service, and a module has functions only",
		"command: ./x\ngo_plugin: {cookie_key: A, cookie_value: b}": "go_plugin lacks a part of the handshake",
		"command: ./x\ngo_plugin: {protocol: one}":                  `go_plugin.protocol is "one"; write its ProtocolVersion, an integer`,
		"endpoint: 127.0.0.1:1\ngo_plugin: {cookie_key: A, cookie_value: b, protocol: 1}": "go_plugin is for a command",
	} {
		if _, err := plugin.ParseDescriptor("x/plugin.yaml", []byte(head+text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
	for _, text := range []string{"endpoint: 127.0.0.1:1", "endpoint: '[::1]:1'", "endpoint: localhost:1", "endpoint: unix:///run/x", "endpoint: a.b:1\ntls: {ca: ca.pem}"} {
		if _, err := plugin.ParseDescriptor("x/plugin.yaml", []byte(head+text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// loadedFrom checks the line about the load of a plugin.
func loadedFrom(t *testing.T, w *testWriter, name, source string) {
	t.Helper()
	for line := range strings.Lines(w.String()) {
		if strings.Contains(line, "msg=runtime_loaded_handlers plugin_name="+name+" handler_name="+name+" ") &&
			(strings.Contains(line, "source="+source+" ") || strings.Contains(line, "source=\""+source+"\" ")) {
			return
		}
	}
	t.Errorf("no line says that %s was loaded from %s:\n%s", name, source, w)
}

// A WebAssembly module is a program that runs in the host and reaches nothing.
func TestModule(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "test.wasm")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", file, "./internal/testmodule")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	d := plugin.Descriptor{Name: "wasm", APIVersion: "v1", Module: file, Source: "wasm/plugin.yaml", SHA256: checksum(t, file), Config: json.RawMessage(`{"a": 1}`)}
	for _, name := range []string{"upper", "config", "fail", "spin", "eat", "flood", "garbage", "reach"} {
		d.Capabilities = append(d.Capabilities, plugin.Capability{Name: "wasm." + name})
	}
	configs := newConfigs(t, map[string]string{"wasm": `{"b": 2}`})
	w := &testWriter{t: t}
	h := newHost(t, plugin.Options{Config: configs, Logger: newLog(w)}.Hasten())
	add(t, h, d)
	loadedFrom(t, w, "wasm", "WebAssembly module")
	for _, c := range []struct {
		function, input, want string
		code                  codes.Code
	}{
		{"upper", `{"text": "hi"}`, `"HI"`, codes.OK},
		{"config", `{}`, `{"a":1,"b":2}`, codes.OK},
		{"reach", `{}`, `"true true 1"`, codes.OK},
		{"upper", `[]`, `cannot unmarshal array`, codes.InvalidArgument},
		{"fail", `{}`, `it is broken (exit status 1)`, codes.Unknown},
		{"garbage", `{}`, `the output is not JSON`, codes.Internal},
		{"eat", `{"mib": 1000}`, `out of memory`, codes.Unknown},
		{"flood", `{"mib": 100}`, `the output is larger than 67108864 bytes`, codes.ResourceExhausted},
	} {
		answer, err := h.Call(t.Context(), "wasm."+c.function, json.RawMessage(c.input))
		if grpcstatus.Code(err) != c.code || err == nil && string(answer.Output) != c.want || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %s %v", c.function, c.input, answer.Output, err)
		}
		if err == nil && answer.ServedBy.String() != "module wasm" {
			t.Errorf("served by %s", answer.ServedBy)
		}
	}
	// A deadline is enforced, whatever the module does.
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begun := time.Now()
	var interrupted *plugin.InterruptedError
	if _, err := h.Call(ctx, "wasm.spin", json.RawMessage(`{}`)); !errors.As(err, &interrupted) || time.Since(begun) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(begun), err)
	}
	if err := configs.Replace("wasm", json.RawMessage(`{"b": 3}`)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new config", func() bool {
		answer, err := h.Call(t.Context(), "wasm.config", json.RawMessage(`{}`))
		return err == nil && string(answer.Output) == `{"a":1,"b":3}`
	})

	broken := filepath.Join(t.TempDir(), "broken.wasm")
	if err := os.WriteFile(broken, []byte("no module"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.Name, d.Module = "other", broken
	var wrong *plugin.ChecksumError
	if err := h.Add(t.Context(), d); !errors.As(err, &wrong) {
		t.Errorf("%v", err)
	}
	d.SHA256 = ""
	if err := h.Add(t.Context(), d); err == nil || !strings.Contains(err.Error(), `plugin "other" failed at start: invalid magic number; a module is a WASI command`) {
		t.Errorf("%v", err)
	}
}

// A plugin that somebody has started in a debugger is attached to, and left alone when
// the host goes.
func TestAttach(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "socket")
	debugged := func() *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), testPlugin, "ok")
		cmd.Env = append(os.Environ(), "ROSTER_PLUGIN_DEBUG="+socket)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var printed strings.Builder
		for buffer := make([]byte, 4096); !strings.Contains(printed.String(), "capabilities: ["); {
			n, err := out.Read(buffer)
			if err != nil {
				t.Fatalf("%v: %s", err, printed.String())
			}
			printed.Write(buffer[:n])
		}
		if !strings.Contains(printed.String(), "\nattach: "+socket+"\n") || !strings.Contains(printed.String(), "{name: test.v1.Streamer, kind: service}") {
			t.Errorf("%s", printed.String())
		}
		return cmd
	}
	process := debugged()
	d := plugin.Descriptor{Name: "p", APIVersion: "v1", Attach: socket, Capabilities: []plugin.Capability{{Name: "test.hello"}}, Config: json.RawMessage(`{"greeting": "Salut"}`)}
	w := &testWriter{t: t}
	h := newHost(t, plugin.Options{Logger: newLog(w)}.Hasten())
	add(t, h, d)
	loadedFrom(t, w, "p", "attached process")
	if got, by := call(t, h, "test.hello", `{"name": "you"}`); got["text"] != "Salut, you" || by.String() != "plugin p" {
		t.Errorf("%v by %s", got, by)
	}
	// Another process takes its place; the call waits for it.
	_ = process.Process.Kill()
	_ = process.Wait()
	eventually(t, "it is out of service", func() bool { return status(t, h, "p").State != plugin.Ready })
	process = debugged()
	if got, _ := call(t, h, "test.hello", `{"name": "you"}`); got["text"] != "Salut, you" {
		t.Errorf("%v", got)
	}
	if err := h.Remove(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
	if err := process.Process.Signal(os.Interrupt); err != nil { // it still lives
		t.Fatal(err)
	}
	if err := process.Wait(); err != nil {
		t.Errorf("%v", err)
	}
}
