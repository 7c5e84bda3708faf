package daemon

import (
	"net"
	"testing"

	"github.com/roster-go/roster/kill"
)

// TestOrdersGoOutWhileTheOwnHubIsAway: a daemon whose region has lost its hub gives orders to the hub of
// another region, to which it is connected.
func TestOrdersGoOutWhileTheOwnHubIsAway(t *testing.T) {
	t.Parallel()
	ctx, d, _ := regionDaemon(t)
	there, _ := kill.Open("")
	hub, err := kill.OpenHub(there, kill.HubOptions{Region: "us", Canary: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hub.Close() }()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = hub.Serve(listener) }()
	d.config.Regions = RegionsConfig{
		Hub: []string{"127.0.0.1:1"}, Others: map[string]OtherRegion{"us": {Control: []string{listener.Addr().String()}}},
	}
	d.follow(ctx, t)
	operator, release, err := d.operator()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	target := kill.Namespace("a")
	if _, err := operator.Kill(ctx, kill.Request{Target: target, Reason: "leaks", Force: true}, nil); err != nil {
		t.Fatal(err)
	}
	if _, killed := d.control.sw.Killed(target); !killed {
		t.Error("this daemon has not learned it")
	}
}
