package kill

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
)

func counting(providers, remaining int, names ...string) func(*RuntimeOptions) {
	return func(o *RuntimeOptions) {
		o.Count = func(t Target) Impact {
			if t != Plugin("markdown", "1.0.0") {
				return Impact{}
			}
			return Impact{Providers: providers, Remaining: remaining, Names: names}
		}
	}
}

func TestDryRunCountsAndTheLastIsNotKilledWithoutForce(t *testing.T) {
	f := newFabric(t, 0, nil, "eu", "us")
	f.runtime("two", "eu", counting(1, 1, "markdown@1.0.0")).awaitCurrent(t)
	last := f.runtime("last", "us", counting(1, 0, "markdown@1.0.0"))
	last.awaitCurrent(t)
	f.runtime("none", "us", nil).awaitCurrent(t)
	request := Request{Target: Plugin("markdown", "1.0.0"), Reason: "r", DryRun: true}
	report, err := f.hubs["eu"].Kill(background(t), request, nil)
	assert.NoError(t, err)
	assert.Equal(t, report.Asked, 3)
	assert.Equal(t, report.Impact, Impact{Providers: 2, Remaining: 1, Names: []string{"markdown@1.0.0", "markdown@1.0.0"}})
	assert.Equal(t, report.Last, []string{"last"})

	request.DryRun = false
	_, err = f.hubs["eu"].Kill(background(t), request, nil)
	refused := assert.ErrorAs[*LastError](t, err)
	assert.Equal(t, refused.Runtimes, []string{"last"})
	assert.Contains(t, err.Error(), "force", "last")
	assert.Equal(t, last.sw.Set().Len(), 0) // neither dry run nor refusal killed anything

	request.Force = true
	report, err = f.hubs["eu"].Kill(background(t), request, nil)
	assert.NoError(t, err)
	assert.Equal(t, report.Count(Acked), 3)
	assert.Equal(t, report.Asked, 0) // with force nobody is asked, which saves a round trip
}

func TestRequestsThatAreRefused(t *testing.T) {
	f := newFabric(t, 0, nil, "eu")
	hub := f.hubs["eu"]
	target := Plugin("a", "1")
	for why, request := range map[string]Request{
		"a reason is needed": {Target: target},
		"nothing to revive":  {Target: target, Reason: "r", Revive: true},
		"at most 512":        {Target: target, Reason: strings.Repeat("r", MaxReason+1)},
		"in one line":        {Target: target, Reason: "r", By: "a\nb"},
		"the hub's own":      {Target: Target{Kind: KindCanary, Name: "eu"}, Reason: "r"},
		"is no target":       {Target: Target{Kind: "x", Name: "y"}, Reason: "r"},
		"less than nothing":  {Target: target, Reason: "r", Wait: -1},
	} {
		_, err := hub.Kill(background(t), request, nil)
		assert.True(t, err != nil, why)
		assert.Contains(t, err.Error(), why)
	}
	assert.Equal(t, hub.sw.Set().Len(), 0)

	_, err := hub.Kill(background(t), Request{Target: target, Reason: "r"}, nil)
	assert.NoError(t, err)
	revived, err := hub.Kill(background(t), Request{Target: target, Reason: "fixed", Revive: true}, nil)
	assert.NoError(t, err)
	assert.Equal(t, revived.Order.Epoch, uint64(2))
	_, err = hub.Kill(background(t), Request{Target: target, Reason: "again", Revive: true}, nil)
	assert.ErrorAs[*RequestError](t, err)
}

// TestGossipSpreadsAKillWhoseOriginDied: the origin told one of two other regions and died. The third
// learns it from the second.
func TestGossipSpreadsAKillWhoseOriginDied(t *testing.T) {
	f := newFabric(t, 0, func(o *HubOptions) { o.Gossip = 50 * time.Millisecond }, "eu", "us", "ap")
	r := f.runtime("one", "ap", nil)
	r.awaitCurrent(t)
	f.cut("eu", "ap", true)
	f.cut("us", "ap", true)
	_, err := f.hubs["eu"].Kill(background(t), Request{Target: Namespace("a"), Reason: "r", Force: true, Wait: 300 * time.Millisecond}, nil)
	assert.ErrorAs[*IncompleteError](t, err)
	_, killed := f.hubs["us"].sw.Killed(Namespace("a"))
	assert.True(t, killed, "the second region has it")
	f.hubs["eu"].stop(t)
	f.cut("us", "ap", false)
	eventually(t, "the third region has it", func() bool { _, killed := r.sw.Killed(Namespace("a")); return killed })
	assert.Equal(t, f.hubs["ap"].sw.Source(), "peer region us")
	eventually(t, "they know that they are equal", func() bool {
		for _, p := range f.hubs["us"].Status().Peers {
			if p.Region == "ap" && p.Equal && p.Err == "" {
				return true
			}
		}
		return false
	})
}

// TestKillsOfBothSidesOfAPartition: two regions kill and revive at the same epoch while they do not
// see each other; afterwards the kill stands everywhere.
func TestKillsOfBothSidesOfAPartition(t *testing.T) {
	f := newFabric(t, 0, nil, "eu", "us")
	a, b := f.runtime("a", "eu", nil), f.runtime("b", "us", nil)
	a.awaitCurrent(t)
	b.awaitCurrent(t)
	target := Capability("c")
	_, err := f.hubs["eu"].Kill(background(t), Request{Target: target, Reason: "r", Force: true}, nil)
	assert.NoError(t, err)
	f.cut("eu", "us", true)
	short := func(region string, r Request) {
		r.Target, r.Reason, r.Force, r.Wait = target, region, true, 100*time.Millisecond
		_, err := f.hubs[region].Kill(background(t), r, nil)
		assert.ErrorAs[*IncompleteError](t, err)
	}
	short("eu", Request{Revive: true})
	short("us", Request{})
	_, killed := a.sw.Killed(target)
	assert.True(t, !killed, "one side has revived it")
	f.cut("eu", "us", false)
	eventually(t, "the kill stands", func() bool {
		one, killedA := a.sw.Killed(target)
		two, killedB := b.sw.Killed(target)
		return killedA && killedB && one == two && one.Epoch == 2
	})
}

func TestCanariesProveThePath(t *testing.T) {
	f := newFabric(t, 0, func(o *HubOptions) { o.Canary = 50 * time.Millisecond }, "eu", "us")
	r := f.runtime("one", "us", nil)
	r.awaitCurrent(t)
	eventually(t, "canaries are sung", func() bool { return f.hubs["eu"].Status().Canary.Sent >= 3 })
	f.runtime("gone", "us", nil).awaitCurrent(t)
	status := f.hubs["eu"].Sing(background(t))
	assert.True(t, status.Failed == 0 && status.Acked >= 2 && status.Latency > 0 && status.P99 >= status.Latency/2, "all have acknowledged")
	assert.True(t, status.Age < 5*time.Second && !status.At.IsZero(), "the latest one is young")
	assert.Equal(t, len(f.hubs["eu"].Status().Orders), 0) // nobody is told of canaries
	assert.True(t, r.sw.Set().Len() <= 2, "the set has one canary for each region")
	assert.True(t, r.sw.killed.Load() == nil, "and nothing is killed")

	f.cut("eu", "us", true)
	eventually(t, "canaries that do not arrive are noticed", func() bool {
		s := f.hubs["eu"].Status().Canary
		return s.Failed > 0 && len(s.Hubs) == 1
	})
}

// TestClientStreams: what an operator sees from afar is what the hub says.
func TestClientStreams(t *testing.T) {
	f := newFabric(t, 0, nil, "eu", "us")
	for _, id := range []string{"one", "two"} {
		f.runtime(id, "us", counting(1, 0)).awaitCurrent(t)
	}
	client, err := NewClient(Peer{Region: "eu", Addresses: []string{"127.0.0.1:1", f.hubs["eu"].address}}, f.ca.config(t, "roster://operator/alice"))
	assert.NoError(t, err)
	defer client.Close()
	request := Request{Target: Plugin("markdown", "1.0.0"), Reason: "r", By: "mallory"}
	_, err = client.Kill(background(t), request, nil)
	assert.Equal(t, len(assert.ErrorAs[*LastError](t, err).Runtimes), 2)
	_, err = client.Kill(background(t), Request{Target: Plugin("x", ""), Reason: "r", Revive: true}, nil)
	assert.ErrorAs[*RequestError](t, err)

	request.Force = true
	heard := 0
	report, err := client.Kill(background(t), request, func(p Progress) { heard += len(p.Runtimes) })
	assert.NoError(t, err)
	assert.True(t, report.Complete && report.Durable && report.Count(Acked) == 2 && heard >= 2, "it tells all")
	assert.Equal(t, report.Order.By, "alice") // the certificate's word counts

	eventually(t, "gossip tells how many there are", func() bool { return f.hubs["eu"].Status().Peers[0].Runtimes == 2 })
	f.cut("eu", "us", true)
	request.Wait = 200 * time.Millisecond
	report, err = client.Kill(background(t), request, nil)
	assert.Equal(t, assert.ErrorAs[*IncompleteError](t, err).Hubs, []string{"us"})
	for _, r := range report.Regions {
		if r.Region == "us" {
			assert.True(t, r.State == Unreachable && r.Known == 2 && r.Err != "", "it says how many it cannot tell of")
		}
	}
	ctx, cancel := context.WithCancel(background(t))
	request.Wait = 0
	_, err = client.Kill(ctx, request, func(Progress) { cancel() })
	assert.True(t, errors.Is(err, context.Canceled), "the operator may go")

	status, err := client.Status(background(t))
	assert.NoError(t, err)
	assert.Equal(t, len(status.Orders), 1)
	assert.ErrorAs[error](t, client.Forget(background(t), "one"))
	f.cut("eu", "us", false)
}

// TestForget: a runtime that somebody has seen to is not waited for any more.
func TestForget(t *testing.T) {
	f := newFabric(t, 0, nil, "eu")
	link := newProxy(t, f.hubs["eu"].address, 0)
	f.runtime("away", "eu", func(o *RuntimeOptions) { o.Hubs[0].Addresses = []string{link.address} }).awaitCurrent(t)
	client, err := NewClient(Peer{Region: "eu", Addresses: []string{f.hubs["eu"].address}}, f.ca.config(t, "roster://operator/alice"))
	assert.NoError(t, err)
	defer client.Close()
	assert.True(t, client.Forget(background(t), "away") != nil, "it is connected")
	link.cut(true)
	eventually(t, "it is missed", func() bool { return state(f.hubs["eu"].Status(), "away") == Unreachable })
	done := make(chan error, 1)
	started := make(chan struct{}, 10)
	go func() {
		_, err := f.hubs["eu"].Kill(background(t), Request{Target: Namespace("a"), Reason: "r", Force: true}, func(Progress) { started <- struct{}{} })
		done <- err
	}()
	<-started
	assert.NoError(t, client.Forget(background(t), "away"))
	assert.NoError(t, <-done)
}

// TestIDThatIsUsedTwice: both processes get the order, and the report waits for both.
func TestIDThatIsUsedTwice(t *testing.T) {
	f := newFabric(t, 0, nil, "eu")
	one := f.runtime("same", "eu", nil)
	one.awaitCurrent(t)
	sw, err := Open("")
	assert.NoError(t, err)
	two, err := NewRuntime(sw, one.options)
	assert.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- two.Run(ctx) }()
	<-two.Ready()
	report, err := f.hubs["eu"].Kill(background(t), Request{Target: Namespace("a"), Reason: "r", Force: true}, nil)
	assert.NoError(t, err)
	r := report.Regions[0].Runtimes
	assert.True(t, len(r) == 1 && r[0].Twice && !r[0].Durable, "it says so, and one of them is not durable")
	for _, s := range []*Switch{one.sw, sw} {
		_, killed := s.Killed(Namespace("a"))
		assert.True(t, killed, "both have it")
	}
	cancel()
	<-done
}

// TestEpochsThatAreUsedUp: an order of the highest epoch, which no hub gives out, makes nothing that cannot
// be killed, and what cannot be ordered is no success, also from afar.
func TestEpochsThatAreUsedUp(t *testing.T) {
	f := newFabric(t, 0, nil, "eu")
	hub := f.hubs["eu"]
	c, err := NewClient(Peer{Region: "eu", Addresses: []string{hub.address}}, f.ca.config(t, "roster://operator/ann"))
	assert.NoError(t, err)
	defer c.Close()
	target := Plugin("bad", "")
	_, err = hub.sw.Apply("test", order(target, math.MaxUint64, true))
	assert.NoError(t, err)
	_, err = c.Kill(background(t), Request{Target: target, Reason: "r", Force: true}, nil)
	assert.NoError(t, err)
	_, killed := hub.sw.Killed(target)
	assert.True(t, killed, "it is killed")
	for _, revive := range []bool{true, false} {
		_, err = c.Kill(background(t), Request{Target: target, Reason: "r", Force: true, Revive: revive}, nil)
		assert.ErrorAs[*RequestError](t, err)
	}
}

// TestRefusalOfAnOlderHub: a report without an order is no success, whatever the error is.
func TestRefusalOfAnOlderHub(t *testing.T) {
	refusal := message{Report: &Report{Order: Order{Target: Plugin("bad", "")}}, Error: &remoteError{Text: "no"}}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(refusal.line()) }))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()
	c, err := NewClient(Peer{Addresses: []string{server.Listener.Addr().String()}}, nil)
	assert.NoError(t, err)
	defer c.Close()
	report, err := c.Kill(background(t), Request{Target: Plugin("bad", ""), Reason: "r"}, nil)
	assert.True(t, err != nil && !report.Complete, "it is refused")
}

// TestInterruptedQuestionKillsNothing: who gives up while runtimes are asked has ordered nothing; that they
// have not answered says nothing about the last implementation.
func TestInterruptedQuestionKillsNothing(t *testing.T) {
	f := newFabric(t, 0, nil, "eu")
	asked := make(chan struct{})
	r := f.runtime("one", "eu", func(o *RuntimeOptions) {
		o.Count = func(Target) Impact {
			close(asked)
			time.Sleep(300 * time.Millisecond)
			return Impact{Providers: 1}
		}
	})
	r.awaitCurrent(t)
	ctx, cancel := context.WithCancel(background(t))
	go func() { <-asked; cancel() }()
	report, err := f.hubs["eu"].Kill(ctx, Request{Target: Plugin("only", ""), Reason: "r"}, nil)
	assert.True(t, errors.Is(err, context.Canceled), "it says that it was interrupted")
	assert.Equal(t, report.Order.Epoch, uint64(0))
	time.Sleep(50 * time.Millisecond)
	assert.Equal(t, f.hubs["eu"].sw.Set().Len(), 0)
}
