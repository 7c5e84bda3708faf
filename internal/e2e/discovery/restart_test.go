package discovery_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/e2e/clustertest"
)

func healthy(t *testing.T, c *clustertest.Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c.WaitHealthy(ctx)
}

// The members of the store are restarted one after the other, by request and by force,
// while services are looked up and called: nothing fails.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	c := clustertest.Start(t, 3)
	const servers = 10
	for n := range servers {
		serveGRPC(t, newProcess(t, c, 0, 1, 2), "pay", n)
	}
	reader := newProcess(t, c, 0, 1, 2)
	v := view(t, reader)
	eventually(t, patience, "all are announced", func() bool { return len(v.Get("pay")) == servers })
	conn := connect(t, v, "pay")
	eventually(t, patience, "the first call succeeds", func() bool { return rpc(t.Context(), conn) == nil })

	l := startLoad(t, v, "pay", func(ctx context.Context) error { return rpc(ctx, conn) })
	for end, round := time.Now().Add(long(time.Minute, 10*time.Second)), 0; round < 3 || time.Now().Before(end); round++ {
		k := round % 3
		if round%2 == 0 {
			c.Stop(k)
		} else {
			c.Kill(k)
		}
		c.Restart(k)
		healthy(t, c)
	}
	took := converge(t, c, patience, v)
	l.stop(t)
	if n := len(strings.Fields(shown(v))); n != servers {
		t.Errorf("%d instances in the end, want %d: %s", n, servers, shown(v))
	}
	t.Logf("converged after %v; the watch: %+v", took, reader.WatchStatus())
}

// The whole store is away: calls go on, the view says since when it is stale, a program that
// starts has its copy, and the return of the store is no stampede.
func TestOutage(t *testing.T) {
	t.Parallel()
	c := clustertest.Start(t, 3)
	for n := range 3 {
		serveGRPC(t, newProcess(t, c, n), "pay", n)
	}
	path := t.TempDir() + "/view.json"
	v, saved := saveCopy(t, newProcess(t, c, 0, 1, 2), path)
	counted := newCounted(t, c, 50)
	conn := connect(t, v, "pay")
	eventually(t, patience, "the first call succeeds", func() bool { return rpc(t.Context(), conn) == nil })
	eventually(t, patience, "the copy is written", saved)

	l := startLoad(t, v, "pay", func(ctx context.Context) error { return rpc(ctx, conn) })
	for k := range 3 {
		c.Kill(k)
	}
	gone := time.Now()
	took := eventually(t, patience, "the view says that it is stale", func() bool { return v.Status().Stale })
	t.Logf("stale after %v", took)
	if took > 3*time.Second*slack {
		t.Errorf("stale after %v, want 3 s at most", took)
	}
	if since := v.Status().StaleSince; since.Before(gone.Add(-time.Second)) || since.After(gone.Add(5*time.Second*slack)) {
		t.Errorf("stale since %v, the store has been away since %v", since, gone)
	}
	late := view(t, newProcess(t, c, 0, 1, 2), keepCopy(path))
	if s := late.Status(); !s.FromCopy || !s.Stale || len(late.Get("pay")) != 3 {
		t.Errorf("a reader that starts without the store: %+v", s)
	}
	lateConn := connect(t, late, "pay")
	eventually(t, patience, "it can call", func() bool { return rpc(t.Context(), lateConn) == nil })

	wait(t, gone, long(5*time.Minute, 8*time.Second))
	counted.reset()
	back := time.Now()
	for k := range 3 {
		c.Restart(k)
	}
	healthy(t, c)
	ready := time.Since(back)
	all := append([]viewT{v, late}, counted.views...)
	converged := converge(t, c, patience, all...)
	l.stop(t)
	counted.report(t)
	t.Logf("the store answered after %v, all views were right %v later", ready, converged)
}

// The side of a partition without a majority: a reader there knows within 3 s that it does not
// know. A plain watch there is silent, and shows what is no longer so.
func TestMinority(t *testing.T) {
	t.Parallel()
	c := clustertest.Start(t, 3)
	minority := (c.Leader() + 1) % 3
	others := []int{(minority + 1) % 3, (minority + 2) % 3}
	v := view(t, newProcess(t, c, minority))
	announce(t, newProcess(t, c, others...), instance("pay", "a"))
	eventually(t, patience, "it is seen", func() bool { return len(v.Get("pay")) == 1 })
	plain := c.Client(t, c.DirectEndpoint(minority)).Watch(t.Context(), "services/", withPrefix())

	c.Isolate(minority)
	took := eventually(t, patience, "the view says that it is stale", func() bool { return v.Status().Stale })
	t.Logf("stale after %v: %v", took, v.Status().Err)
	if took > 3*time.Second*slack {
		t.Errorf("stale after %v, want 3 s at most", took)
	}
	announce(t, newProcess(t, c, others...), instance("pay", "b"))
	select {
	case response := <-plain:
		t.Errorf("the plain watch, the control, was not silent: %+v", response)
	case <-time.After(2 * time.Second): // how long it is silent is the point
	}
	c.Heal()
	took = converge(t, c, patience, v)
	t.Logf("right again %v after the partition", took)
}
