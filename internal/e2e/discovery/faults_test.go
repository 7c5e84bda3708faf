package discovery_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/internal/e2e/clustertest"
)

func has(v *discovery.View, service, id string) bool {
	return slices.ContainsFunc(v.Get(service), func(i discovery.Instance) bool { return i.ID == id })
}

// Each fault is made and mended, and then the views are what the store holds: nothing that
// is gone is left over, and what kept its lease was never lost.
func TestFaults(t *testing.T) { //nolint:tparallel // one fault after the other: each is mended before the next is made
	t.Parallel()
	c := clustertest.Start(t, 3)
	reader, writer := newProcess(t, c, 0), newProcess(t, c, 1)
	v := view(t, reader)
	all := view(t, newProcess(t, c, 0, 1, 2)) // a reader that no fault is aimed at
	announce(t, writer, instance("pay", "writer"))
	announce(t, newProcess(t, c, 2), instance("pay", "stable"))
	eventually(t, patience, "both are seen", func() bool { return len(v.Get("pay")) == 2 && len(all.Get("pay")) == 2 })
	watching := watchStable(t, v, all)

	t.Run("a reader is cut off", func(t *testing.T) {
		reader.hold()
		eventually(t, patience, "it is stale", func() bool { return v.Status().Stale })
		brief := must(newProcess(t, c, 1).Announce(t.Context(), []discovery.Instance{instance("pay", "brief")}))(t)
		must(0, brief.Close(t.Context()))(t)
		announce(t, newProcess(t, c, 2), instance("mail", "new"))
		reader.mend()
		t.Logf("converged after %v, %+v", converge(t, c, patience, v, all), reader.WatchStatus())
	})
	t.Run("a writer is cut off beyond its lease", func(t *testing.T) {
		writer.hold()
		took := eventually(t, patience, "its instance expires", func() bool { return !has(v, "pay", "writer") && !has(all, "pay", "writer") })
		// It cannot have renewed later than it was cut off, and etcd looks for leases that ran
		// out every half second, and removes them in one more round between its members.
		if took > ttl+time.Second+stretched {
			t.Errorf("gone after %v, with a lease of %v", took, ttl)
		}
		writer.mend()
		t.Logf("gone after %v, back after %v", took, eventually(t, patience, "it is back", func() bool { return has(v, "pay", "writer") }))
		converge(t, c, patience, v, all)
	})
	t.Run("the history is compacted meanwhile", func(t *testing.T) {
		before := reader.WatchStatus()
		reader.cut()
		eventually(t, patience, "it is stale", func() bool { return v.Status().Stale })
		brief := must(newProcess(t, c, 1).Announce(t.Context(), []discovery.Instance{instance("pay", "brief")}))(t)
		announce(t, newProcess(t, c, 2), instance("mail", "newer"))
		must(0, brief.Close(t.Context()))(t)
		c.Compact()
		reader.mend()
		converge(t, c, patience, v, all)
		if after := reader.WatchStatus(); after.Resyncs != before.Resyncs+1 || after.Restores != before.Restores {
			t.Errorf("watch before %+v and after %+v", before, after)
		}
	})
	t.Run("an operator revokes a lease", func(t *testing.T) {
		for _, kv := range must(c.Client(t).Get(t.Context(), "services/pay/writer"))(t).Kvs {
			c.Etcdctl(t, "lease", "revoke", strconv.FormatInt(kv.GetLease(), 16))
		}
		eventually(t, patience, "it is gone", func() bool { return !has(v, "pay", "writer") })
		took := eventually(t, patience, "it is back", func() bool { return has(v, "pay", "writer") })
		if took > ttl/3+time.Second+stretched {
			t.Errorf("back after %v, and the lease is looked at every %v", took, ttl/3)
		}
		converge(t, c, patience, v, all)
	})
	// For the process the clock jumps by as long as it stood still. Its wall clock alone cannot
	// be set: a time namespace moves the monotonic clocks only, and Go reads the clock without
	// libc, where a library could be put before it. That leases do not go by the wall clock is
	// what etcd's TestNoWallClock proves from the code.
	t.Run("a process stands still for longer than its lease", func(t *testing.T) {
		child := startChild(t, "child", "sleeper", c.Endpoints()...)
		eventually(t, patience, "it is seen", func() bool { return has(v, "child", "sleeper") })
		child.signal(t, syscall.SIGSTOP)
		eventually(t, patience, "it expires", func() bool { return !has(v, "child", "sleeper") && !has(all, "child", "sleeper") })
		child.signal(t, syscall.SIGCONT)
		took := eventually(t, patience, "it is back", func() bool { return has(v, "child", "sleeper") })
		t.Logf("back after %v", took)
		converge(t, c, patience, v, all)
	})
	t.Run("the store is restored from a backup", func(t *testing.T) {
		phantom := must(newProcess(t, c, 1).Announce(t.Context(), []discovery.Instance{instance("pay", "phantom")}))(t)
		eventually(t, patience, "it is seen", func() bool { return has(v, "pay", "phantom") })
		backup := c.Snapshot()
		must(0, phantom.Close(t.Context()))(t)
		announce(t, newProcess(t, c, 2), instance("pay", "later"))
		eventually(t, patience, "what came later is seen", func() bool { return has(v, "pay", "later") && !has(v, "pay", "phantom") })
		before := reader.WatchStatus()
		c.Restore(backup)
		healthy(t, c)
		restored := time.Now()
		eventually(t, patience, "what the backup lacks is back, and what it alone has is gone", func() bool {
			return !v.Status().Stale && has(v, "pay", "later") && !has(v, "pay", "phantom")
		})
		t.Logf("right %v after the store was healthy", time.Since(restored))
		// An election, which came before the store was healthy, gives every lease its whole time
		// again and an election timeout of a second on top, and etcd looks every half second.
		if took := time.Since(restored); took > ttl+2*time.Second+stretched {
			t.Errorf("a phantom of the backup was there for %v, with leases of %v", took, ttl)
		}
		converge(t, c, patience, v, all)
		if after := reader.WatchStatus(); after.Restores != before.Restores+1 {
			t.Errorf("watch before %+v and after %+v: the restore was not recognised", before, after)
		}
	})
	watching()
}

// watchStable checks all the time that the instance that keeps its lease is there. The
// function ends it.
func watchStable(t *testing.T, views ...*discovery.View) func() {
	t.Helper()
	done := make(chan struct{})
	var wg sync.WaitGroup
	looked := 0
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
			looked++
			for i, v := range views {
				if !has(v, "pay", "stable") {
					t.Errorf("view %d lost an instance that kept its lease", i)
					return
				}
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
		if looked < 100 {
			t.Errorf("looked only %d times", looked)
		}
	}
}

// After an outage longer than the lease, 200 of 200 announcements are back within 5 s.
func TestAllReturn(t *testing.T) {
	t.Parallel()
	c := clustertest.Start(t, 3)
	const processes, each = 20, 10
	var writers []*process
	for p := range processes {
		w := newProcess(t, c, p%3)
		writers = append(writers, w)
		for n := range each {
			announce(t, w, instance("pay", fmt.Sprintf("%d-%d", p, n)))
		}
	}
	v := view(t, newProcess(t, c, 0, 1, 2))
	count := func() int { return len(v.Get("pay")) }
	eventually(t, patience, "all are seen", func() bool { return count() == processes*each })
	for _, w := range writers {
		w.cut()
	}
	eventually(t, patience, "all have expired", func() bool { return count() == 0 })
	wait(t, time.Now(), 2*ttl)
	for _, w := range writers {
		w.mend()
	}
	took := eventually(t, patience, "all are back", func() bool { return count() == processes*each })
	t.Logf("%d of %d back after %v", count(), processes*each, took)
	if took > 5*time.Second*slack {
		t.Errorf("all are back after %v, want 5 s at most", took)
	}
}

// A process that is killed is gone when its lease ends, and one that is asked to stop is gone
// before its port closes: of calls without any retry, none fails.
func TestLeaving(t *testing.T) {
	t.Parallel()
	for service, call := range map[string]func(*testing.T, *discovery.View) func(context.Context) error{
		"child": func(t *testing.T, v *discovery.View) func(context.Context) error {
			t.Helper()
			return callHTTP(t, v, "child")
		},
		"rpc": func(t *testing.T, v *discovery.View) func(context.Context) error {
			t.Helper()
			conn := connect(t, v, "rpc")
			return func(ctx context.Context) error { return rpc(ctx, conn) }
		},
	} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			c := clustertest.Start(t, 3)
			v := view(t, newProcess(t, c, 0, 1, 2))
			startChild(t, service, "stays", c.Endpoints()...)
			leaver, victim := startChild(t, service, "leaves", c.Endpoints()...), startChild(t, service, "dies", c.Endpoints()...)
			eventually(t, patience, "all are seen", func() bool { return len(v.Get(service)) == 3 })

			victim.signal(t, syscall.SIGKILL)
			took := eventually(t, patience, "the killed one is gone", func() bool { return !has(v, service, "dies") })
			t.Logf("killed, gone after %v, with a lease of %v", took, ttl)
			// The lease was renewed at some time before, so it is gone within its time, and etcd's own second.
			if took > ttl+time.Second+stretched {
				t.Errorf("gone after %v, with a lease of %v", took, ttl)
			}

			try := call(t, v)
			eventually(t, patience, "the first call succeeds", func() bool { return try(t.Context()) == nil })
			l := startLoad(t, v, service, try)
			eventually(t, patience, "it is called", func() bool { return l.calls.Load() > 200 })
			leaver.signal(t, syscall.SIGTERM)
			eventually(t, patience, "it is gone", func() bool { return !has(v, service, "leaves") })
			if err := reachable(t, leaver.address); err != nil {
				t.Errorf("its port closed before it was gone from the view: %v", err)
			}
			<-leaver.ended
			before := l.calls.Load()
			eventually(t, patience, "calls go on", func() bool { return l.calls.Load() > before+200 })
			l.stop(t)
		})
	}
}

// The store's keys and values are those that the documentation says.
func TestEtcdctlShowsTheLayout(t *testing.T) {
	t.Parallel()
	c := clustertest.Start(t, 1, clustertest.Fast())
	announce(t, newProcess(t, c, 0), discovery.Instance{
		Service: "pay", ID: "host-a", Address: "10.0.0.7:7070", Region: "eu", Zone: "a", Version: "v1.4.0", Metadata: map[string]string{"weight": "3"},
	})
	got := strings.TrimSpace(c.Etcdctl(t, "get", "--prefix", "services/"))
	want := "services/pay/host-a\n" +
		`{"v":1,"address":"10.0.0.7:7070","region":"eu","zone":"a","version":"v1.4.0","metadata":{"weight":"3"},"Addr":"10.0.0.7:7070"}`
	if got != want {
		t.Errorf("etcdctl shows\n%s\nwant\n%s", got, want)
	}
	if id := c.Etcdctl(t, "get", "roster/cluster_id"); len(strings.TrimSpace(id)) < 20 {
		t.Errorf("the store's id: %q", id)
	}
}
