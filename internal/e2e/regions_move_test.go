package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/e2e/clustertest"
)

// A namespace lives in one region, moves to another one by one command, and is taken over by a third
// when its home is dead. The old home refuses when it returns.
func TestNamespaceMoves(t *testing.T) {
	t.Parallel()
	c := clustertest.Start(t, 3, clustertest.Fast())
	strong := map[string]any{"endpoints": c.Endpoints()}
	set := startRegionsWith(t, map[string]any{}, map[string]any{"strong": strong}, "eu", "us", "ap")
	eu, us, ap := set.regions["eu"], set.regions["us"], set.regions["ap"]

	eventually(t, time.Minute, "the namespace is made", func() bool {
		return eu.roster(t, "namespace", "create", "orders", "--home", "eu").code == 0
	})
	eventually(t, time.Minute, "it takes writes", func() bool { return eu.roster(t, "put", "k0", "v0", "--in", "orders").code == 0 })
	for n := range 5 {
		if r := eu.roster(t, "put", fmt.Sprintf("k%d", n), fmt.Sprintf("v%d", n), "--in", "orders"); r.code != 0 {
			t.Fatalf("put: %+v", r)
		}
	}
	if r := us.roster(t, "put", "k0", "elsewhere", "--in", "orders"); r.code != 5 || !strings.Contains(r.stderr, "eu") {
		t.Errorf("a write elsewhere: %+v", r)
	}
	r := us.roster(t, "region", "move", "orders", "--to", "us")
	if r.code != 0 || !strings.Contains(r.stdout, "orders lives in us") || !strings.Contains(r.stdout, "from eu with 5 keys") {
		t.Fatalf("the move: %+v", r)
	}
	t.Log(strings.TrimSpace(r.stdout))
	eventually(t, time.Minute, "the new home serves", func() bool { return us.roster(t, "get", "k4", "--in", "orders").stdout == "v4" })
	if r := eu.roster(t, "get", "k4", "--in", "orders"); r.code != 5 || !strings.Contains(r.stderr, "us") {
		t.Errorf("a read at the old home: %+v", r)
	}
	if r := ap.roster(t, "ls", "namespaces"); !strings.Contains(r.stdout, "orders") || !strings.Contains(r.stdout, "us") {
		t.Errorf("ls namespaces: %+v", r)
	}

	// The home gives signs of life, so it is not deposed by accident.
	if r := ap.roster(t, "region", "move", "orders", "--to", "ap", "--force"); r.code != 5 || !strings.Contains(r.stderr, "us") {
		t.Errorf("a failover from a home that lives: %+v", r)
	}
	us.kill(t)
	r = commandResult{code: 1}
	eventually(t, time.Minute, "a failover", func() bool {
		r = ap.roster(t, "region", "move", "orders", "--to", "ap", "--force")
		return r.code == 0
	})
	t.Log(strings.TrimSpace(r.stdout))
	eventually(t, time.Minute, "the third region serves", func() bool {
		return ap.roster(t, "put", "k0", "from ap", "--in", "orders").code == 0
	})
	us.start(t)
	r = us.roster(t, "put", "k0", "late", "--in", "orders")
	if r.code == 0 {
		t.Errorf("the old home takes writes again: %+v", r)
	}
	eventually(t, time.Minute, "the old home names the new one", func() bool {
		r := us.roster(t, "put", "k0", "late", "--in", "orders")
		return r.code == 5 && strings.Contains(r.stderr, "ap")
	})
	if r := ap.roster(t, "get", "k0", "--in", "orders"); r.stdout != "from ap" {
		t.Errorf("in the end: %+v", r)
	}

	// A killed namespace is served by nobody.
	if r := eu.roster(t, "kill", "namespace/orders", "--reason", "test", "--force"); r.code != 0 {
		t.Errorf("the kill: %+v", r)
	}
	if r := ap.roster(t, "get", "k0", "--in", "orders"); r.code != 5 || !strings.Contains(r.stderr, "killed") {
		t.Errorf("a killed namespace: %+v", r)
	}
}
