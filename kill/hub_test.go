package kill

import (
	"context"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
)

func TestKillReachesEveryRuntimeOfEveryRegion(t *testing.T) {
	f := newFabric(t, 0, nil, "eu", "us", "ap")
	var all []*testRuntime
	for _, region := range f.names {
		for _, n := range []string{"1", "2"} {
			r := f.runtime(region+"/"+n, region, nil)
			r.awaitCurrent(t)
			all = append(all, r)
			assert.Equal(t, r.First().Source, "hub "+region)
		}
	}
	target := Plugin("markdown", "1.2.0")
	var seen int
	report, err := f.hubs["eu"].Kill(background(t), Request{Target: target, Reason: "leaks keys", By: "alice"}, func(p Progress) {
		seen += len(p.Runtimes)
	})
	assert.NoError(t, err)
	assert.True(t, report.Complete && report.Durable, "all have it on disk")
	assert.Equal(t, report.Count(Acked), 6)
	assert.Equal(t, report.Asked, 6)
	assert.True(t, seen >= 6, "progress names the runtimes")
	for _, r := range all {
		order, killed := r.sw.Killed(target)
		assert.True(t, killed, "it is killed in "+r.options.ID)
		assert.Equal(t, order.Reason, "leaks keys")
	}
	for _, region := range report.Regions {
		assert.Equal(t, len(region.Runtimes), 2)
		for _, r := range region.Runtimes {
			assert.True(t, r.Boot != "" && r.Hash == f.hubs["eu"].sw.Hash(), "the acknowledgement has the boot id and the hash of the set")
		}
	}

	report, err = f.hubs["ap"].Kill(background(t), Request{Target: target, Reason: "fixed", Revive: true}, nil)
	assert.NoError(t, err)
	assert.Equal(t, report.Order.Epoch, uint64(2))
	for _, r := range all {
		_, killed := r.sw.Killed(target)
		assert.True(t, !killed, "it is revived")
	}
}

func TestKillKeepsTryingUntilTheLinkHeals(t *testing.T) {
	f := newFabric(t, 0, nil, "eu", "us")
	near, far := f.runtime("eu/1", "eu", nil), f.runtime("us/1", "us", nil)
	near.awaitCurrent(t)
	far.awaitCurrent(t)
	f.cut("eu", "us", true)
	target := Capability("text.stats")

	_, err := f.hubs["eu"].Kill(background(t), Request{Target: target, Reason: "r", Force: true, Wait: 300 * time.Millisecond}, nil)
	incomplete := assert.ErrorAs[*IncompleteError](t, err)
	assert.Equal(t, incomplete.Hubs, []string{"us"})
	_, killed := near.sw.Killed(target)
	assert.True(t, killed, "the near region has it")
	_, killed = far.sw.Killed(target)
	assert.True(t, !killed, "the far one cannot")

	healed := time.Now()
	f.cut("eu", "us", false) // the operator has gone: the hubs settle it among themselves
	eventually(t, "the far runtime refuses", func() bool { _, killed := far.sw.Killed(target); return killed })
	if took := time.Since(healed); took > 2*time.Second { // it is far below one on a machine at rest
		t.Errorf("it took %v after the heal, want at most two seconds", took)
	}

	f.cut("eu", "us", true)
	ctx, cancel := context.WithCancel(background(t))
	defer cancel()
	done := make(chan Report, 1)
	waiting := make(chan int, 100)
	go func() {
		report, err := f.hubs["us"].Kill(ctx, Request{Target: target, Reason: "again", Force: true}, func(p Progress) { waiting <- p.Waiting })
		if err != nil {
			t.Error(err)
		}
		done <- report
	}()
	eventually(t, "the near half has acknowledged", func() bool { return len(waiting) > 0 })
	f.cut("eu", "us", false)
	report := <-done
	assert.True(t, report.Complete, "the report waited for the other region")
	assert.Equal(t, report.Count(Acked), 2)
}

func TestReportNamesWhoIsAway(t *testing.T) {
	f := newFabric(t, 0, func(o *HubOptions) { o.Expire = time.Hour }, "eu")
	link := newProxy(t, f.hubs["eu"].address, 0)
	away := f.runtime("away", "eu", func(o *RuntimeOptions) { o.Hubs[0].Addresses = []string{link.address} })
	gone := f.runtime("gone", "eu", nil)
	here := f.runtime("here", "eu", nil)
	for _, r := range []*testRuntime{away, gone, here} {
		r.awaitCurrent(t)
	}
	gone.stop(t)
	link.cut(true)
	eventually(t, "the hub misses it", func() bool { return state(f.hubs["eu"].Status(), "away") == Unreachable })
	kill := func(n string) Report {
		report, err := f.hubs["eu"].Kill(background(t), Request{Target: Namespace(n), Reason: "r", Force: true, Wait: 2 * time.Second}, nil)
		incomplete := assert.ErrorAs[*IncompleteError](t, err)
		assert.Equal(t, len(incomplete.Missing), 1)
		assert.Contains(t, err.Error(), "away")
		return report
	}
	report := kill("a")
	assert.Equal(t, [3]int{report.Count(Acked), report.Count(Unreachable), report.Count(Left)}, [3]int{1, 1, 1})

	// A hub that was restarted still misses it.
	f.restart("eu")
	here.awaitCurrent(t)
	eventually(t, "the runtime is back", func() bool { return state(f.hubs["eu"].Status(), "here") == Acked })
	report = kill("b")
	assert.Equal(t, [3]int{report.Count(Acked), report.Count(Unreachable), report.Count(Left)}, [3]int{1, 1, 1})

	f.tune = func(o *HubOptions) { o.Expire = time.Millisecond }
	f.restart("eu")
	eventually(t, "the runtime is back", func() bool { return state(f.hubs["eu"].Status(), "here") == Acked })
	report = kill("c")
	assert.Equal(t, report.Count(Expired), 1)

	// It comes back, and gets what it missed before it is told that it is current.
	link.cut(false)
	away.awaitCurrent(t)
	for _, n := range []string{"a", "b", "c"} {
		_, killed := away.sw.Killed(Namespace(n))
		assert.True(t, killed, "it has "+n)
	}
	report, err := f.hubs["eu"].Kill(background(t), Request{Target: Namespace("d"), Reason: "r", Force: true}, nil)
	assert.NoError(t, err)
	assert.Equal(t, report.Count(Acked), 2)
}

// TestSilentNetworkIsNoticed: nothing arrives and no connection breaks. The other end is missed all the
// same, and what it missed arrives soon after the recovery.
func TestSilentNetworkIsNoticed(t *testing.T) {
	f := newFabric(t, 0, nil, "eu", "us")
	link := newProxy(t, f.hubs["eu"].address, 0)
	near := f.runtime("near", "eu", func(o *RuntimeOptions) { o.Hubs[0].Addresses = []string{link.address} })
	far := f.runtime("far", "us", nil)
	near.awaitCurrent(t)
	far.awaitCurrent(t)
	links := []*proxy{link, f.links[[2]string{"eu", "us"}], f.links[[2]string{"us", "eu"}]}
	silence := func(mute bool) {
		for _, l := range links {
			l.silence(mute)
		}
	}
	silence(true)
	eventually(t, "the hub misses its runtime and its peer", func() bool {
		s := f.hubs["eu"].Status()
		return state(s, "near") == Unreachable && s.Peers[0].Err != ""
	})
	eventually(t, "the runtime knows", func() bool { return !near.Status().Connected })
	report, err := f.hubs["eu"].Kill(background(t), Request{Target: Namespace("a"), Reason: "r", Force: true, Wait: 100 * time.Millisecond}, nil)
	assert.ErrorAs[*IncompleteError](t, err)
	assert.Equal(t, report.Count(Acked), 0)
	healed := time.Now()
	silence(false)
	eventually(t, "both refuse", func() bool {
		_, one := near.sw.Killed(Namespace("a"))
		_, two := far.sw.Killed(Namespace("a"))
		return one && two
	})
	t.Logf("%v after the recovery", time.Since(healed))
	if took := time.Since(healed); took > 2*time.Second { // it is below one on a machine at rest
		t.Errorf("it took %v after the recovery", took)
	}
}

func state(s Status, id string) State {
	for _, r := range s.Runtimes {
		if r.ID == id {
			return r.State
		}
	}
	return ""
}
