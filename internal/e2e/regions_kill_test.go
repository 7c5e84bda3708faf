package e2e_test

import (
	"context"
	"strings"
	"testing"
	"time"
)

// refuses tells whether a daemon answers a call with the word that it is killed.
func (r *region) refuses(capability string) bool {
	_, code, message, err := r.call(context.Background(), capability, `{}`)
	return err == nil && code == "failed_precondition" && strings.Contains(message, "killed")
}

// A kill reaches all regions and is acknowledged by all, while the links for records are cut.
// It outlives a restart without any network, nothing but a revival ends it, and a revival does.
func TestKillInThreeRegions(t *testing.T) {
	t.Parallel()
	set := startRegions(t, nil, "eu", "us", "ap")
	eu, us, ap := set.regions["eu"], set.regions["us"], set.regions["ap"]
	for name := range set.regions {
		cut(set.replication, name)
	}

	if r := eu.roster(t, "kill", "plugin/builtin"); r.code != 2 || !strings.Contains(r.stderr, "--reason") {
		t.Errorf("without a reason: %+v", r)
	}
	if r := eu.roster(t, "kill", "capability/text.stats", "--dry-run"); r.code != 0 || !strings.Contains(r.stdout, "3 implementations") {
		t.Errorf("a dry run: %+v", r)
	}
	if r := eu.roster(t, "kill", "capability/text.stats", "--reason", "test"); r.code != 5 || !strings.Contains(r.stderr, "force") {
		t.Errorf("the last implementation: %+v", r)
	}
	r := eu.roster(t, "kill", "capability/text.stats", "--reason", "it leaks", "--by", "ann", "--force")
	if r.code != 0 || !strings.Contains(r.stdout, "acknowledged by all") {
		t.Fatalf("the kill: %+v", r)
	}
	for _, region := range set.regions {
		if !region.refuses("text.stats") {
			t.Errorf("%s serves what it has acknowledged to be killed", region.name)
		}
	}
	if _, _, message, _ := us.call(t.Context(), "text.stats", `{}`); !strings.Contains(message, "it leaks") || !strings.Contains(message, "ann") {
		t.Errorf("the refusal: %s", message)
	}

	// Cut off from everybody, and killed itself, a daemon comes back with what it has on disk.
	cut(set.control, "ap")
	ap.kill(t)
	ap.start(t)
	if !ap.refuses("text.stats") {
		t.Errorf("after a restart without a network: %s", ap.killed(t))
	}

	// What happens meanwhile is not acknowledged by it, and the command says so.
	r = us.roster(t, "kill", "plugin/builtin", "--reason", "more of it", "--force", "--wait", "2s")
	if r.code != 6 || !strings.Contains(r.stderr, "ap") {
		t.Errorf("with a region cut off: %+v", r)
	}
	// It knows within a second after the control path is back.
	mend(set.control)
	began := time.Now()
	eventually(t, 10*time.Second, "the kill arrives", func() bool { return strings.Contains(ap.killed(t), "plugin/builtin@1") })
	took := time.Since(began)
	t.Logf("known %v after the path was mended", took)
	if limit := atMost(time.Second); took > limit {
		t.Errorf("known %v after the path was mended, want %v at most", took, limit)
	}

	r = ap.roster(t, "revive", "capability/text.stats", "--reason", "mended", "--by", "bob")
	if r.code != 0 {
		t.Fatalf("the revival: %+v", r)
	}
	r = ap.roster(t, "revive", "plugin/builtin", "--reason", "mended", "--by", "bob")
	if r.code != 0 {
		t.Fatalf("the revival: %+v", r)
	}
	for _, region := range set.regions {
		eventually(t, 30*time.Second, region.name+" serves again", func() bool {
			_, code, _, err := region.call(context.Background(), "text.stats", `{"text": "a b"}`)
			return err == nil && code == ""
		})
	}
}

// Daemons that share an etcd find the hub of their region through it. An order given to any of them
// reaches all, and one that starts while the hub is away has the order from etcd or its own disk.
func TestKillReachesTheHostsOfARegion(t *testing.T) {
	t.Parallel()
	alpha := startDaemon(t, "--host", "alpha")
	data := t.TempDir()
	join := func() *daemon { return startDaemon(t, "--host", "beta", "--etcd", alpha.etcd, "--data", data) }
	beta := join()
	eventually(t, 30*time.Second, "beta is known to the hub", func() bool {
		return strings.Contains(alpha.roster(t, "ls", "runtimes").stdout, "beta")
	})
	r := beta.roster(t, "kill", "capability/text.stats", "--reason", "test", "--force")
	if r.code != 0 || !strings.Contains(r.stdout, "beta acked") || !strings.Contains(r.stdout, "alpha acked") {
		t.Fatalf("the kill: %+v", r)
	}
	for name, d := range map[string]*daemon{"alpha": alpha, "beta": beta} {
		if !(&region{daemon: d}).refuses("text.stats") {
			t.Errorf("%s serves what is killed", name)
		}
	}
	beta.stop(t)
	gamma := startDaemon(t, "--host", "gamma", "--etcd", alpha.etcd)
	if !(&region{daemon: gamma}).refuses("text.stats") {
		t.Error("a daemon that starts later serves what is killed")
	}
	alpha.kill(t)
	beta = join()
	if !(&region{daemon: beta}).refuses("text.stats") {
		t.Error("a daemon that starts without hub and etcd serves what is killed")
	}
	if r := beta.roster(t, "revive", "capability/text.stats", "--reason", "test"); r.code != 4 {
		t.Errorf("a revival without a hub: %+v", r)
	}
}
