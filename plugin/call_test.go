package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/plugin"
	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
)

func linked(t *testing.T, functions map[string]plugin.Function) *roster.Registry[plugin.Function] {
	t.Helper()
	r := roster.New[plugin.Function](roster.In(roster.NewDirectory()))
	for name, f := range functions {
		r.Register(name, f)
	}
	return r
}

func echo(_ context.Context, input json.RawMessage) (json.RawMessage, error) { return input, nil }

func TestCallPlugin(t *testing.T) {
	h := newHost(t, plugin.Options{Region: "eu"})
	d := describe("p", "")
	d.Config = json.RawMessage(`{"greeting":"Salut"}`)
	d.SHA256 = checksum(t, testPlugin)
	add(t, h, d)

	out, by := call(t, h, "test.hello", `{"name":"Ada"}`)
	if out["text"] != "Salut, Ada" {
		t.Errorf("text %q", out["text"])
	}
	if want := (plugin.Provider{Kind: plugin.Plugin, Name: "p", Host: "host-a", Region: "eu"}); by != want {
		t.Errorf("served by %+v, want %+v", by, want)
	}
	s := status(t, h, "p")
	if s.State != plugin.Ready || s.PID == 0 || s.Version != "1.2.3" || s.Checksum != plugin.Verified || s.LastError != "" {
		t.Errorf("status %+v", s)
	}
}

func TestCallErrors(t *testing.T) {
	w := &testWriter{t: t}
	h := newHost(t, plugin.Options{Linked: linked(t, map[string]plugin.Function{
		"linked.plain": func(context.Context, json.RawMessage) (json.RawMessage, error) {
			return nil, errors.New("no luck")
		},
		"linked.coded": func(context.Context, json.RawMessage) (json.RawMessage, error) {
			return nil, fmt.Errorf("wrapped: %w", grpcstatus.Error(codes.AlreadyExists, "there is one"))
		},
		"linked.panic":  func(context.Context, json.RawMessage) (json.RawMessage, error) { panic("boom") },
		"linked.broken": func(context.Context, json.RawMessage) (json.RawMessage, error) { return json.RawMessage("{"), nil },
	}), Logger: newLog(w)})
	add(t, h, describe("p", "", append(slices.Clone(allFunctions), plugin.Capability{Name: "test.v1.Streamer", Kind: plugin.KindService})...))

	for _, c := range []struct {
		capability, input string
		code              codes.Code
		text              string
	}{
		{"test.hello", `{"nam":"Ada"}`, codes.InvalidArgument, `plugin: test.hello: InvalidArgument: unknown field "nam"; known fields: name`},
		{"test.hello", `{"name":1}`, codes.InvalidArgument, `plugin: test.hello: InvalidArgument: field "name": want string, got number`},
		{"test.hello", `{"name":`, codes.InvalidArgument, `plugin: test.hello: InvalidArgument: the input is not JSON (unexpected end of JSON input at byte 8); send one JSON value`},
		{"test.panic", `{}`, codes.Internal, `plugin: test.panic: Internal: test.panic panicked; the plugin's log has the stack`},
		{"test.unavailable", `{}`, codes.Unavailable, `plugin: test.unavailable: Unavailable: the database is away`},
		{"linked.plain", `{}`, codes.Unknown, `plugin: linked.plain: Unknown: no luck`},
		{"linked.coded", `{}`, codes.AlreadyExists, `plugin: linked.coded: AlreadyExists: wrapped: rpc error: code = AlreadyExists desc = there is one`},
		{"linked.panic", `{}`, codes.Internal, `plugin: linked.panic: Internal: the function panicked; the host's log has the stack`},
		{"linked.broken", `{}`, codes.Internal, `plugin: linked.broken: Internal: the output is not JSON (unexpected end of JSON input at byte 1); correct the function`},
		{"test.v1.Streamer", `{}`, codes.FailedPrecondition, `plugin: "test.v1.Streamer" is the gRPC service test.v1.Streamer, not a JSON function; call its methods with a stub of that service`},
		{"test.helo", `{}`, codes.NotFound, `plugin: nobody serves "test.helo" (did you mean "test.hello" or "test.env"?); asked host-a; registered: linked.broken, linked.coded, linked.panic, linked.plain, test.env, test.exit, test.hello, test.panic, test.print, test.sleep, test.unavailable, test.v1.Streamer`},
	} {
		_, err := h.Call(t.Context(), c.capability, json.RawMessage(c.input))
		if err == nil || err.Error() != c.text {
			t.Errorf("%s %s:\n got %v\nwant %s", c.capability, c.input, err, c.text)
		}
		if got := grpcstatus.Code(err); got != c.code {
			t.Errorf("%s %s: code %s, want %s", c.capability, c.input, got, c.code)
		}
	}
	var unknown *plugin.UnknownCapabilityError
	if _, err := h.Call(t.Context(), "nope", nil); !errors.As(err, &unknown) || unknown.Capability != "nope" {
		t.Errorf("unknown capability: %#v", err)
	}
	eventually(t, "the plugin's stack is in the log", func() bool {
		return strings.Contains(w.String(), "oh no") && strings.Contains(w.String(), "plugin_name=p")
	})
	if !strings.Contains(w.String(), "boom") {
		t.Errorf("the panic of the linked-in function is not in the log:\n%s", w)
	}
}

func TestCallDeadline(t *testing.T) {
	h := newHost(t, plugin.Options{CallTimeout: 100 * time.Millisecond})
	add(t, h, describe("p", ""))
	for name, ctx := range map[string]context.Context{
		"the host's timeout": t.Context(),
		"the caller's":       timeout(t, 50*time.Millisecond),
	} {
		start := time.Now()
		_, err := h.Call(ctx, "test.sleep", json.RawMessage(`{"ms":60000}`))
		var interrupted *plugin.InterruptedError
		if !errors.As(err, &interrupted) || !errors.Is(err, context.DeadlineExceeded) || grpcstatus.Code(err) != codes.DeadlineExceeded {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: the call took %s", name, took)
		}
	}
}

func timeout(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// The order is linked in, then plugins in turn; the loss of one plugin is not
// noticed while there is another.
func TestProvidersOfOneCapability(t *testing.T) {
	h := newHost(t, plugin.Options{Linked: linked(t, map[string]plugin.Function{"test.env": echo})})
	add(t, h, describe("one", ""))
	add(t, h, describe("two", ""))

	for range 3 {
		if answer, err := h.Call(t.Context(), "test.env", nil); err != nil || answer.ServedBy.Kind != plugin.Linked {
			t.Fatalf("%+v, %v", answer, err)
		}
	}
	served := map[string]int{}
	for range 10 {
		_, by := call(t, h, "test.hello", `{}`)
		served[by.Name]++
	}
	if served["one"] != 5 || served["two"] != 5 {
		t.Errorf("not in turn: %v", served)
	}
	if err := h.Remove(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if _, by := call(t, h, "test.hello", `{}`); by.Name != "two" {
			t.Errorf("served by %s after its removal", by)
		}
	}
	var unknown *roster.UnknownError
	if err := h.Remove(t.Context(), "one"); !errors.As(err, &unknown) {
		t.Errorf("second removal: %v", err)
	}
	err := h.Add(t.Context(), describe("three", "", plugin.Capability{Name: "test.hello", Kind: plugin.KindService, Service: "test.v1.Streamer"}))
	const want = `plugin: three/plugin.yaml: plugin "three" offers "test.hello" as the gRPC service test.v1.Streamer, but it is a JSON function of plugin "two" (two/plugin.yaml); give one of the two capabilities another name`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if n := len(h.Plugins()); n != 1 {
		t.Errorf("%d plugins are left, want 1", n)
	}
}

func TestCapabilitiesAndChanges(t *testing.T) {
	h := newHost(t, plugin.Options{Linked: linked(t, map[string]plugin.Function{"a.echo": echo})})
	changed := h.Changed()
	add(t, h, describe("p", "", plugin.Capability{Name: "chat", Service: "test.v1.Streamer"}))
	select {
	case <-changed:
	default:
		t.Error("no change was announced")
	}
	local := func(kind plugin.Kind, name string) []plugin.Provider {
		return []plugin.Provider{{Kind: kind, Name: name, Host: "host-a"}}
	}
	want := []plugin.CapabilityStatus{
		{Name: "a.echo", Kind: plugin.KindFunction, Providers: local(plugin.Linked, "a.echo")},
		{Name: "chat", Kind: plugin.KindService, Service: "test.v1.Streamer", Providers: local(plugin.Plugin, "p"),
			Shares: []plugin.Share{{Plugin: "p", State: plugin.Ready, Weight: 1}}},
	}
	if got := h.Capabilities(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestConnReachesFunctions(t *testing.T) {
	h := newHost(t, plugin.Options{Linked: linked(t, map[string]plugin.Function{"a.echo": echo})})
	add(t, h, describe("p", ""))
	for capability, want := range map[string]string{"a.echo": `{"name":"x"}`, "test.print": "2"} {
		stub := pluginv1.NewFunctionServiceClient(h.Conn(capability))
		reply, err := stub.Call(t.Context(), &pluginv1.CallRequest{Input: []byte(`{"name":"x"}`)})
		if err != nil || string(reply.GetOutput()) != want {
			t.Errorf("%s: %s, %v; want %s", capability, reply.GetOutput(), err, want)
		}
	}
	_, err := pluginv1.NewFunctionServiceClient(h.Conn("a.echo")).Call(t.Context(), &pluginv1.CallRequest{Capability: "test.exit"})
	if grpcstatus.Code(err) != codes.InvalidArgument {
		t.Errorf("another capability than the connection's: %v", err)
	}
	// The lifecycle of a plugin is the host's alone.
	_, err = pluginv1.NewPluginServiceClient(h.Conn("test.print")).Shutdown(t.Context(), &pluginv1.ShutdownRequest{})
	if grpcstatus.Code(err) != codes.FailedPrecondition {
		t.Errorf("shutdown through a capability: %v", err)
	}
}

// A plugin sees the variables that the documentation names and nothing else of
// the host's environment.
func TestEnvironment(t *testing.T) {
	t.Setenv("SECRET_TOKEN", "hunter2")
	h := newHost(t, plugin.Options{})
	add(t, h, describe("p", ""))
	answer, err := h.Call(t.Context(), "test.env", nil)
	if err != nil {
		t.Fatal(err)
	}
	var env []string
	if err := json.Unmarshal(answer.Output, &env); err != nil {
		t.Fatal(err)
	}
	allowed := []string{"PATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "ROSTER_PLUGIN_COOKIE", "ROSTER_PLUGIN_LIFELINE", "ROSTER_PLUGIN_LANE"}
	for _, variable := range env {
		name, _, _ := strings.Cut(variable, "=")
		if !slices.Contains(allowed, name) && !strings.HasPrefix(name, "PLUGIN_") && name != "PWD" {
			t.Errorf("the plugin sees %s", name)
		}
	}
}

// What a plugin prints reaches the host's log and never blocks the plugin.
func TestOutputIsLogged(t *testing.T) {
	w := &testWriter{t: t}
	h := newHost(t, plugin.Options{Logger: newLog(w)})
	add(t, h, describe("p", ""))
	long := strings.Repeat("x", 200_000)
	for _, text := range []string{"a line of stdout", long} {
		if _, err := h.Call(timeout(t, 10*time.Second), "test.print", json.RawMessage(`{"name":"`+text+`"}`)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "stdout is logged", func() bool {
		return strings.Contains(w.String(), `msg="a line of stdout" plugin_name=p stream=stdout`) &&
			strings.Count(w.String(), "x") >= len(long)
	})
	if err := h.Remove(t.Context(), "p"); err != nil || !strings.Contains(w.String(), `msg="shutting down" plugin_name=p`) {
		t.Errorf("OnShutdown did not run, %v:\n%s", err, w)
	}
	if !strings.Contains(w.String(), "msg=runtime_loaded_handlers plugin_name=p handler_name=p handler_version=1.2.3 source=\"plugin process\" descriptor=p/plugin.yaml") {
		t.Errorf("no line about the load:\n%s", w)
	}
}

func TestCallConcurrentSafe(t *testing.T) {
	h := newHost(t, plugin.Options{Linked: linked(t, map[string]plugin.Function{"a.echo": echo})})
	add(t, h, describe("p", ""))
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			for n := range 50 {
				switch {
				case i == 0 && n%10 == 0:
					if err := h.Add(t.Context(), describe("extra", "", plugin.Capability{Name: "test.hello"})); err != nil {
						t.Error(err)
					}
					if err := h.Remove(t.Context(), "extra"); err != nil {
						t.Error(err)
					}
				case i == 1:
					h.Plugins()
					h.Capabilities()
				default:
					for _, capability := range []string{"a.echo", "test.hello"} {
						if _, err := h.Call(t.Context(), capability, json.RawMessage(`{}`)); err != nil {
							t.Error(err)
						}
					}
				}
			}
		})
	}
	callers.Wait()
}

func TestClosedHost(t *testing.T) {
	h := newHost(t, plugin.Options{})
	add(t, h, describe("p", ""))
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var unavailable *plugin.UnavailableError
	if _, err := h.Call(t.Context(), "test.hello", nil); !errors.As(err, &unavailable) {
		t.Errorf("call: %v", err)
	}
	if err := h.Add(t.Context(), describe("q", "")); err == nil || !strings.Contains(err.Error(), "the host is closed") {
		t.Errorf("add: %v", err)
	}
}
