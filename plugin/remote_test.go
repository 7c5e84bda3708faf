package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/roster-go/roster/plugin"
	rosterv1 "github.com/roster-go/roster/plugin/gen/roster/v1"
)

// fleet is a Fleet that never changes.
type fleet map[string][]plugin.Peer

func (f fleet) Get(capability string) []plugin.Peer { return f[capability] }

// namingFleet is one that knows hosts and capabilities too.
type namingFleet struct {
	fleet
	hosts        []plugin.Peer
	capabilities []string
}

func (f namingFleet) Hosts() []plugin.Peer   { return slices.Clone(f.hosts) }
func (f namingFleet) Capabilities() []string { return slices.Clone(f.capabilities) }

var _ plugin.FleetLister = namingFleet{}

func TestRemoteCall(t *testing.T) {
	b := newHost(t, plugin.Options{Host: "host-b", Region: "us", Zone: "1"})
	add(t, b, describe("p", ""))
	address, stop := serve(t, b)
	peers := []plugin.Peer{{ID: "host-b", Address: address, Region: "us", Zone: "1"}}
	a := newHost(t, plugin.Options{Region: "eu", Fleet: fleet{
		"test.hello": peers, "test.exit": peers, "test.sleep": peers, "test.unavailable": peers, "gone": peers,
	}})

	out, by := call(t, a, "test.hello", `{"name":"Ada"}`)
	if want := (plugin.Provider{Kind: plugin.Remote, Name: "p", Host: "host-b", Region: "us"}); by != want || out["text"] != "Hello, Ada" {
		t.Errorf("%v by %+v", out, by)
	}
	// The function's own error keeps its code, whatever that is.
	_, err := a.Call(t.Context(), "test.unavailable", json.RawMessage(`{}`))
	var fault *plugin.FunctionError
	if !errors.As(err, &fault) || fault.Code != codes.Unavailable || fault.Message != "the database is away" {
		t.Errorf("function error: %v", err)
	}
	// The loss of the other host's plugin is told as such.
	_, err = a.Call(t.Context(), "test.exit", json.RawMessage(`{}`))
	var crash *plugin.CrashedError
	if !errors.As(err, &crash) || crash.Exit != "exit status 7" || crash.Provider.Host != "host-b" || crash.Provider.Name != "p" {
		t.Errorf("crash: %v", err)
	}
	// A stale view leads to a host that does not serve the capability any more.
	_, err = a.Call(t.Context(), "gone", nil)
	var unavailable *plugin.UnavailableError
	if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), `gone on host-b (region us): plugin: nobody serves "gone"`) {
		t.Errorf("stale view: %v", err)
	}
	_, err = a.Call(timeout(t, 100*time.Millisecond), "test.sleep", json.RawMessage(`{"ms":60000}`))
	if grpcstatus.Code(err) != codes.DeadlineExceeded {
		t.Errorf("deadline: %v", err)
	}
	stop()
	start := time.Now()
	eventually(t, "the connection is known to be broken", func() bool {
		_, err = a.Call(t.Context(), "test.hello", nil)
		return !errors.As(err, &crash)
	})
	if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), "test.hello on host-b (region us): ") || !strings.Contains(err.Error(), "connection refused") || time.Since(start) > 5*time.Second {
		t.Errorf("host is down: %v after %s", err, time.Since(start))
	}
}

// Same zone, then same region, then elsewhere; a host that does not answer is
// passed over.
func TestNearestPeerFirst(t *testing.T) {
	peer := func(host, region, zone string) (plugin.Peer, func()) {
		h := newHost(t, plugin.Options{Host: host, Region: region, Linked: linked(t, map[string]plugin.Function{"a.echo": echo})})
		address, stop := serve(t, h)
		return plugin.Peer{ID: host, Address: address, Region: region, Zone: zone}, stop
	}
	far, stopFar := peer("far", "us", "1")
	region, stopRegion := peer("region", "eu", "2")
	zone, stopZone := peer("zone", "eu", "1")
	h := newHost(t, plugin.Options{Region: "eu", Zone: "1", Fleet: fleet{"a.echo": {far, region, zone}}})
	for _, c := range []struct {
		host string
		stop func()
	}{{"zone", stopZone}, {"region", stopRegion}, {"far", stopFar}} {
		var crash *plugin.CrashedError
		eventually(t, "the last host's connection is known to be broken", func() bool {
			_, err := h.Call(t.Context(), "a.echo", nil)
			return !errors.As(err, &crash)
		})
		for range 3 {
			answer, err := h.Call(t.Context(), "a.echo", nil)
			if err != nil || answer.ServedBy.Host != c.host {
				t.Errorf("%+v, %v; want %s", answer, err, c.host)
			}
		}
		c.stop()
	}
	eventually(t, "nobody is left", func() bool {
		var unavailable *plugin.UnavailableError
		_, err := h.Call(t.Context(), "a.echo", nil)
		return errors.As(err, &unavailable) && len(unavailable.Attempts) == 3
	})
}

// Two hosts that each believe the other serves a capability do not send a call
// round in circles.
func TestNoForwardingLoop(t *testing.T) {
	addressOf := [2]string{"", ""}
	hosts := [2]*plugin.Host{}
	var asked [2]atomic.Int64
	for i := range hosts {
		hosts[i] = newHost(t, plugin.Options{Host: []string{"host-0", "host-1"}[i], Fleet: countingFleet{&asked[i], func() []plugin.Peer {
			return []plugin.Peer{{ID: []string{"host-1", "host-0"}[i], Address: addressOf[1-i]}}
		}}})
	}
	for i := range hosts {
		addressOf[i], _ = serve(t, hosts[i])
	}
	_, err := hosts[0].Call(timeout(t, 5*time.Second), "nowhere", nil)
	if grpcstatus.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "nowhere on host-1") {
		t.Errorf("%v", err)
	}
	stream, err := hosts[0].Conn("no.Service").NewStream(timeout(t, 5*time.Second), &grpc.StreamDesc{ServerStreams: true}, "/no.Service/Do")
	if err == nil {
		err = stream.RecvMsg(&wrapperspb.StringValue{})
	}
	var unavailable *plugin.UnavailableError
	if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), "no.Service on host-1") {
		t.Errorf("stream: %v", err)
	}
	if asked[0].Load() != 2 || asked[1].Load() != 0 {
		t.Errorf("the fleet was asked %d and %d times, want 2 and 0", asked[0].Load(), asked[1].Load())
	}
	if _, err := hosts[0].CallLocal(t.Context(), "nowhere", nil); grpcstatus.Code(err) != codes.NotFound {
		t.Errorf("CallLocal: %v", err)
	}
}

// An error that a function passes on from a call of its own is the function's
// answer, and no reason to run the call elsewhere.
func TestNestedErrorIsAnAnswer(t *testing.T) {
	var ran atomic.Int64
	nested := map[string]plugin.Function{"a.nested": func(context.Context, json.RawMessage) (json.RawMessage, error) {
		ran.Add(1)
		return nil, fmt.Errorf("inner: %w", &plugin.UnknownCapabilityError{Capability: "b.missing"})
	}}
	b := newHost(t, plugin.Options{Host: "host-b", Linked: linked(t, nested)})
	address, _ := serve(t, b)
	a := newHost(t, plugin.Options{Fleet: fleet{"a.nested": {{ID: "host-b", Address: address}, {ID: "host-b2", Address: address}}}})
	_, err := a.Call(t.Context(), "a.nested", nil)
	var fault *plugin.FunctionError
	if !errors.As(err, &fault) || fault.Code != codes.NotFound || ran.Load() != 1 {
		t.Errorf("%v, ran %d times", err, ran.Load())
	}
}

type countingFleet struct {
	asked *atomic.Int64
	peers func() []plugin.Peer
}

func (f countingFleet) Get(string) []plugin.Peer { f.asked.Add(1); return f.peers() }

func TestUnknownCapabilityNamesTheFleet(t *testing.T) {
	h := newHost(t, plugin.Options{Region: "eu", Fleet: namingFleet{
		hosts:        []plugin.Peer{{ID: "host-c", Region: "us"}, {ID: "host-b", Region: "eu"}},
		capabilities: []string{"image.thumbnail", "markdown.render"},
	}, Linked: linked(t, map[string]plugin.Function{"text.upper": echo})})
	_, err := h.Call(t.Context(), "markdown.rendr", nil)
	const want = `plugin: nobody serves "markdown.rendr" (did you mean "markdown.render"?); asked host-a (region eu), host-b (region eu), host-c (region us); registered: image.thumbnail, markdown.render, text.upper`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// A peer that accepts connections and says nothing costs a call its dial
// timeout at most, not its deadline.
func TestSilentPeerIsPassedOver(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	b := newHost(t, plugin.Options{Host: "host-b", Region: "us", Linked: linked(t, map[string]plugin.Function{"a.echo": echo})})
	address, _ := serve(t, b)
	h := newHost(t, plugin.Options{Region: "eu", Fleet: fleet{"a.echo": {
		{ID: "silent", Address: silent.Addr().String(), Region: "eu"}, {ID: "host-b", Address: address, Region: "us"},
	}}})
	answer, err := h.Call(timeout(t, 10*time.Second), "a.echo", nil)
	if err != nil || answer.ServedBy.Host != "host-b" {
		t.Errorf("%+v, %v", answer, err)
	}
}

func TestListService(t *testing.T) {
	h := newHost(t, plugin.Options{Region: "eu", Linked: linked(t, map[string]plugin.Function{"a.echo": echo})})
	add(t, h, describe("p", "", streams))
	address, _ := serve(t, h)
	list, err := rosterv1.NewCapabilityServiceClient(dial(t, address)).List(t.Context(), &rosterv1.ListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list.GetCapabilities() {
		p := c.GetProviders()[0]
		got = append(got, strings.Join([]string{c.GetName(), c.GetKind(), c.GetService(), p.GetKind(), p.GetName(), p.GetHost(), p.GetRegion()}, " "))
	}
	want := []string{"a.echo function  linked a.echo host-a eu", "test.v1.Streamer service test.v1.Streamer plugin p host-a eu"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
