package daemon

import (
	"testing"
	"time"

	"github.com/roster-go/roster/kill"
)

// TestStoreIsReadWithoutAHub: a daemon that finds no hub, because its region's is away and its lease has
// run out, has the orders in etcd before it serves, and those that come later soon after.
func TestStoreIsReadWithoutAHub(t *testing.T) {
	t.Parallel()
	ctx, d, _ := regionDaemon(t)
	store, sw := d.control.store, d.control.sw
	if err := store.Save(ctx, []kill.Order{{Target: kill.Plugin("bad", ""), Epoch: 1, Reason: "leaks"}}); err != nil {
		t.Fatal(err)
	}
	d.follow(ctx, t)
	if _, killed := sw.Killed(kill.Plugin("bad", "")); !killed {
		t.Error("the daemon may serve, and does not know what etcd has")
	}
	if err := store.Save(ctx, []kill.Order{{Target: kill.Plugin("worse", ""), Epoch: 1, Reason: "leaks"}}); err != nil {
		t.Fatal(err)
	}
	for killed := false; !killed && ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		_, killed = sw.Killed(kill.Plugin("worse", ""))
	}
	if ctx.Err() != nil {
		t.Error("the daemon never learns what came later")
	}
}

// TestImpactBeforeTheHost: a hub may count what a kill would hit while the daemon still starts.
func TestImpactBeforeTheHost(t *testing.T) {
	t.Parallel()
	d := &daemon{control: new(control)}
	for _, target := range []kill.Target{kill.Capability("a"), kill.Plugin("a", "v1"), kill.Namespace("a")} {
		if impact := d.impact(target); impact.Providers != 0 {
			t.Errorf("%s hits %+v", target, impact)
		}
	}
}
