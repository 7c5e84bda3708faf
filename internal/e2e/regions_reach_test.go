package e2e_test

import (
	"context"
	"strings"
	"testing"
	"time"
)

// A capability that only another region serves is found and called there. A region that is added by
// one command, with data in the others, has all of it, and one that is retired is left alone.
func TestRegionsReachEachOther(t *testing.T) {
	t.Parallel()
	p := buildPrograms(t)
	set := startRegions(t, map[string]any{"plugins": p.plugins}, "eu")
	eu := set.regions["eu"]
	for _, key := range []string{"config/a", "config/b"} {
		if r := eu.roster(t, "put", key, "from eu"); r.code != 0 {
			t.Fatalf("put: %+v", r)
		}
	}
	control, replication := freePort(t, "127.0.2.1"), freePort(t, "127.0.2.1")
	us := startDaemon(t, "--region", "us", "--host", "us-1", "--control", control, "--replication", replication)
	if r := us.roster(t, "get", "config/a"); r.code != 3 || !strings.Contains(r.stderr, `no record "config/a"`) {
		t.Errorf("before it is a peer: %+v", r)
	}
	if r := eu.roster(t, "region", "add", "us", "--replication", replication, "--control", control); r.code != 0 {
		t.Fatalf("region add: %+v", r)
	}
	eventually(t, 30*time.Second, "the new region has what was there", func() bool {
		return us.roster(t, "get", "config/b").stdout == "from eu"
	})
	eventually(t, 30*time.Second, "it calls what only the other region serves", func() bool {
		out, code, _, err := us.call(context.Background(), "markdown.render", `{"markdown": "*hi*"}`)
		return err == nil && code == "" && strings.Contains(out["html"].(string), "<em>hi</em>")
	})
	if r := us.roster(t, "call", "markdown.render", `{"markdown": "*hi*"}`, "-v"); !strings.Contains(r.stderr, "eu-1") {
		t.Errorf("who served it: %+v", r)
	}
	eventually(t, 30*time.Second, "a read with a bound is answered", func() bool {
		return us.roster(t, "get", "config/a", "--max-stale", "10s").code == 0
	})
	if r := us.roster(t, "put", "config/a", "from us", "--if-version", "0"); r.code != 5 {
		t.Errorf("a conditional write of what is there: %+v", r)
	}
	if r := us.roster(t, "rm", "config/b"); r.code != 0 {
		t.Errorf("rm: %+v", r)
	}
	eventually(t, 30*time.Second, "the deletion arrives", func() bool { return eu.roster(t, "get", "config/b").code == 3 })

	// A kill in one reaches the other, and one of its host ends calls to it.
	r := us.roster(t, "kill", "instance/markdown.render/eu-1", "--reason", "broken disk", "--force")
	if r.code != 0 || !strings.Contains(r.stdout, "eu: hub acked") {
		t.Errorf("the kill: %+v", r)
	}
	if _, code, message, err := us.call(t.Context(), "markdown.render", `{"markdown": "*hi*"}`); err != nil || code == "" {
		t.Errorf("a call to a killed instance: %s %s %v", code, message, err)
	}

	// Without the other one the bound cannot be kept, and reads without one go on.
	eu.kill(t)
	eventually(t, 30*time.Second, "the bound is refused", func() bool {
		r := us.roster(t, "get", "config/a", "--max-stale", "3s")
		return r.code == 4 && strings.Contains(r.stderr, "eu")
	})
	if r := us.roster(t, "get", "config/a"); r.stdout != "from eu" {
		t.Errorf("a read while the other region is away: %+v", r)
	}
	if r := us.roster(t, "ls", "regions"); !strings.Contains(r.stdout, "not reached") {
		t.Errorf("ls regions: %s", r.stdout)
	}
	if r := us.roster(t, "region", "retire", "eu"); r.code != 0 {
		t.Errorf("region retire: %+v", r)
	}
	eventually(t, 30*time.Second, "nobody waits for it", func() bool {
		return us.roster(t, "get", "config/a", "--max-stale", "4s").code == 0
	})
}
