//go:build linux

package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/kill"
	"github.com/roster-go/roster/plugin"
	"github.com/roster-go/roster/plugin/internal/testplugin/streamer"
)

// Streams that run are cut by the kill of their capability, of their plugin and of the
// host that serves them, on every way that they may take.
func TestKillCutsStreams(t *testing.T) {
	for name, target := range map[string]kill.Target{
		"capability": kill.Capability(streamer.Name), "plugin": kill.Plugin("p", ""), "instance": kill.Instance(streamer.Name, "host-b"),
	} {
		t.Run(name, func(t *testing.T) {
			k := newKiller(t)
			b := newHost(t, plugin.Options{Host: "host-b", Kill: k.Switch}.Hasten())
			add(t, b, describe("p", "", streams))
			address, _ := serve(t, b)
			a := newHost(t, plugin.Options{Host: "host-a", Fleet: fleet{streamer.Name: {{ID: "host-b", Address: address}}}, Kill: k.Switch})
			forwarding, _ := serve(t, a)
			for way, conn := range map[string]interface {
				check(t *testing.T, k *killer, target kill.Target)
			}{
				"Conn": cutStream{b.Conn(streamer.Name)}, "ForwardHandler": cutStream{dial(t, address)},
				"remote": cutStream{a.Conn(streamer.Name)}, "forwarded": cutStream{dial(t, forwarding)},
			} {
				t.Run(way, func(t *testing.T) {
					conn.check(t, k, target)
					k.revive(target)
					if target.Kind == kill.KindPlugin {
						ready(t, b, "p")
					}
				})
			}
		})
	}
}

type cutStream struct{ conn grpc.ClientConnInterface }

func (c cutStream) check(t *testing.T, k *killer, target kill.Target) {
	t.Helper()
	stream := chat(timeout(t, 20*time.Second), t, c.conn)
	if _, err := say(t, stream, "hello"); err != nil {
		t.Fatal(err)
	}
	k.kill(target)
	_, err := say(t, stream, "wait")
	killedStatus(t, err, target)
	opened, err := c.conn.NewStream(timeout(t, 20*time.Second), &streamer.ServiceDesc.Streams[0], streamer.ChatMethod)
	if err == nil {
		_, err = say(t, opened, "hello")
	}
	killedStatus(t, err, target)
}

// killedStatus accepts the error itself and what a plain gRPC client gets of it.
func killedStatus(t *testing.T, err error, target kill.Target) {
	t.Helper()
	if killed, ok := errors.AsType[*plugin.KilledError](err); ok && killed.Target != target {
		t.Errorf("%v", err)
	}
	if grpcstatus.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), target.String()+" is killed by ada") {
		t.Errorf("got %v, want that %s is killed", err, target)
	}
}

// The kill of an instance keeps its peers from calling it. What a host says is killed
// there travels over hops, and others are asked unless the capability itself is.
func TestKilledInstances(t *testing.T) {
	here, there := newKiller(t), newKiller(t)
	peers := make([]plugin.Peer, 2)
	var served [2]atomic.Int64
	for i := range peers {
		id := fmt.Sprint("host-", i)
		o := plugin.Options{Host: id, Linked: linked(t, map[string]plugin.Function{
			"a.echo": func(_ context.Context, input json.RawMessage) (json.RawMessage, error) {
				served[i].Add(1)
				return input, nil
			},
		})}
		if i == 0 {
			o.Kill = there.Switch
		}
		h := newHost(t, o)
		if i == 0 {
			add(t, h, describe("p", ""))
		}
		address, _ := serve(t, h)
		peers[i] = plugin.Peer{ID: id, Address: address, Zone: strconv.Itoa(i)}
	}
	h := newHost(t, plugin.Options{Host: "host-a", Zone: "0", Kill: here.Switch, Fleet: fleet{"a.echo": peers, "test.hello": peers[:1], "test.sleep": peers[:1]}})
	call := func() (string, error) {
		answer, err := h.Call(t.Context(), "a.echo", nil)
		return answer.ServedBy.Host, err
	}
	expect := func(what, want string) {
		t.Helper()
		if host, err := call(); host != want || err != nil {
			t.Errorf("%s: served by %q, %v; want %s", what, host, err, want)
		}
	}
	expect("at first", "host-0")
	here.kill(kill.Instance("a.echo", "host-0"))
	expect("the nearest is killed", "host-1")
	if n := served[0].Load(); n != 1 {
		t.Errorf("the killed instance was called %d times", n)
	}
	here.kill(kill.Instance("a.echo", "host-1"))
	_, err := call()
	if killed, ok := errors.AsType[*plugin.KilledError](err); !ok || killed.Target.Kind != kill.KindInstance || killed.Running {
		t.Errorf("all are killed: %v", err)
	}
	here.revive(kill.Instance("a.echo", "host-0"))
	here.revive(kill.Instance("a.echo", "host-1"))
	expect("revived", "host-0")

	// The other host knows of kills that this one does not know of yet.
	there.kill(kill.Instance("a.echo", "host-0"))
	expect("the nearest refuses itself", "host-1")
	there.kill(kill.Capability("a.echo"))
	_, err = call()
	isKilled(t, err, kill.Capability("a.echo"), false)

	running := make(chan error, 1)
	go func() {
		_, err := h.Call(t.Context(), "test.sleep", json.RawMessage(`{"ms":60000}`))
		running <- err
	}()
	if err := callHello(t, h); err != nil {
		t.Fatal(err)
	}
	there.kill(kill.Plugin("p", ""))
	isKilled(t, callHello(t, h), kill.Plugin("p", ""), false)
	err = <-running
	if killed, ok := errors.AsType[*plugin.KilledError](err); !ok || killed.Target != kill.Plugin("p", "") {
		t.Errorf("the call that was running: %v", err)
	}
}

// A suspended entry does not keep a capability from being served elsewhere, and an
// instance that is killed here says no, and waits for nothing, when nobody else is there.
func TestBarredHosts(t *testing.T) {
	d, k := roster.NewDirectory(), newKiller(t)
	other := newHost(t, plugin.Options{Host: "host-b", Linked: linked(t, map[string]plugin.Function{"a.echo": echo})})
	address, _ := serve(t, other)
	h := newHost(t, plugin.Options{
		Directory: d, Kill: k.Switch, Linked: linked(t, map[string]plugin.Function{"a.echo": echo, "a.away": echo}),
		Fleet: fleet{"a.echo": {{ID: "host-b", Address: address}}, "a.away": {{ID: "host-c", Address: "127.0.0.1:1"}}, "test.hello": {{ID: "host-c", Address: "127.0.0.1:1"}}},
	})
	add(t, h, describe("p", "", plugin.Capability{Name: "test.hello"}))
	d.Suspend("capabilities", "a.echo", errors.New("it is not safe"))
	if answer, err := h.Call(t.Context(), "a.echo", nil); err != nil || answer.ServedBy.Host != "host-b" {
		t.Errorf("%+v, %v", answer, err)
	}
	d.Suspend("capabilities", "a.away", errors.New("it is not safe"))
	_, err := h.Call(t.Context(), "a.away", nil)
	if away, ok := errors.AsType[*plugin.UnavailableError](err); !ok || len(away.Attempts) != 2 || !strings.Contains(err.Error(), "it is not safe") {
		t.Errorf("%v", err)
	}
	k.kill(kill.Instance("test.hello", "host-a"))
	if away, ok := errors.AsType[*plugin.UnavailableError](callHello(t, h)); !ok || len(away.Attempts) != 2 || away.Err != nil {
		t.Errorf("%v", callHello(t, h))
	}
}

// What has no process of this host's is cut off from its callers: an endpoint of
// somebody else's, and a module with a call that would never end.
func TestKilledWithoutAProcess(t *testing.T) {
	k := newKiller(t)
	h := newHost(t, plugin.Options{Kill: k.Switch}.Hasten())
	_, address := serveRemote(t, "127.0.0.1:0")
	add(t, h, endpoint("far", address))
	file := filepath.Join(t.TempDir(), "test.wasm")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", file, "./internal/testmodule")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	add(t, h, plugin.Descriptor{
		Name: "wasm", APIVersion: "v1", Module: file, Source: "wasm/plugin.yaml",
		Capabilities: []plugin.Capability{{Name: "wasm.spin"}, {Name: "wasm.upper"}},
	})
	upper := func() error {
		_, err := h.Call(t.Context(), "wasm.upper", json.RawMessage(`{"text": "hi"}`))
		return err
	}
	stream := chat(timeout(t, 20*time.Second), t, h.Conn(streamer.Name))
	if _, err := say(t, stream, "hello"); err != nil {
		t.Fatal(err)
	}
	spinning := make(chan error, 1)
	go func() {
		_, err := h.Call(timeout(t, time.Minute), "wasm.spin", json.RawMessage(`{}`))
		spinning <- err
	}()
	eventually(t, "it spins", func() bool { return h.Calls("wasm") == 1 })

	k.kill(kill.Plugin("far", ""))
	k.kill(kill.Plugin("wasm", ""))
	_, err := chats(t, h)
	isKilled(t, err, kill.Plugin("far", ""), false)
	isKilled(t, upper(), kill.Plugin("wasm", ""), false)
	var reply wrapperspb.StringValue
	isKilled(t, stream.RecvMsg(&reply), kill.Plugin("far", ""), true)
	isKilled(t, <-spinning, kill.Plugin("wasm", ""), true)

	k.revive(kill.Plugin("far", ""))
	k.revive(kill.Plugin("wasm", ""))
	ready(t, h, "far")
	ready(t, h, "wasm")
	if _, err := chats(t, h); err != nil {
		t.Error(err)
	}
	if err := upper(); err != nil {
		t.Error(err)
	}
}
