package e2e_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/roster-go/roster/etcd"
)

const (
	leaseTTL = "5s" // etcd would round less up to its own minimum

	// goneWithin is the lease and what etcd needs to notice that it has expired.
	goneWithin = 15 * time.Second
)

// One host serves a capability, another one is asked for it, and then the first dies.
func TestCallReachesAnotherHost(t *testing.T) {
	t.Parallel()
	p := buildPrograms(t)
	store := startDaemon(t, "--host", "store", "--region", "north")
	server := startDaemon(t, "--host", "server", "--region", "north", "--etcd", store.etcd, "--plugins", p.plugins, "--lease-ttl", leaseTTL)
	client := startDaemon(t, "--host", "client", "--region", "south", "--etcd", store.etcd, "--lease-ttl", leaseTTL)

	eventually(t, 10*time.Second, "the client's host knows the server's", func() bool {
		return strings.Contains(client.roster(t, "ls", "instances").stdout, "markdown.render")
	})
	r := client.roster(t, "call", "markdown.render", `{"markdown": "*hi*"}`, "-v")
	if r.code != 0 || !strings.Contains(r.stdout, "hi") || !strings.Contains(r.stderr, "server") {
		t.Fatalf("a call for what only another host serves: %+v", r)
	}
	// The errors of the other host's plugin arrive as they are.
	r = client.roster(t, "call", "markdown.render", `{"markdwn": "*hi*"}`)
	if r.code != 5 || !strings.Contains(r.stderr, `unknown field "markdwn"`) {
		t.Errorf("bad input for a plugin of another host: %+v", r)
	}

	server.kill(t)
	killed := time.Now()
	// At once the host is asked in vain, and the error says so.
	r = client.roster(t, "call", "markdown.render", `{"markdown": "*hi*"}`)
	for _, part := range []string{"markdown.render", "server (region north)", "text.stats"} {
		if !strings.Contains(r.stderr, part) {
			t.Errorf("the error right after the kill does not name %s: %s", part, r.stderr)
		}
	}
	if r.code != 4 || strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("right after the kill: %+v", r)
	}
	// When the lease has expired the capability is unknown, and the error says who was asked.
	eventually(t, goneWithin, "the dead host leaves the fleet", func() bool {
		_, code, _, err := client.call(context.Background(), "markdown.render", `{"markdown": "*hi*"}`)
		return err == nil && code == "not_found"
	})
	t.Logf("unknown %v after the kill, with a lease of %s", time.Since(killed).Round(time.Millisecond), leaseTTL)
	r = client.roster(t, "call", "markdown.render", `{"markdown": "*hi*"}`)
	for _, part := range []string{"markdown.render", "client (region south)", "store (region north)", "process.describe", "text.stats"} {
		if !strings.Contains(r.stderr, part) {
			t.Errorf("the error after the lease does not name %s: %s", part, r.stderr)
		}
	}
	if r.code != 3 || strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("after the lease: %+v", r)
	}
}

// A host that stops in order is gone from every view at once, long before its lease.
func TestStoppedHostLeavesAtOnce(t *testing.T) {
	t.Parallel()
	p := buildPrograms(t)
	store := startDaemon(t, "--host", "store", "--lease-ttl", "1h")
	server := startDaemon(t, "--host", "server", "--etcd", store.etcd, "--plugins", p.plugins, "--lease-ttl", "1h")
	listed := func() bool { return strings.Contains(store.roster(t, "ls", "instances").stdout, "server") }
	eventually(t, 10*time.Second, "the second host is listed", listed)
	server.stop(t)
	eventually(t, 5*time.Second, "the stopped host has left", func() bool { return !listed() })
}

// The host that brought the etcd dies: the others go on with what they know, and say so.
func TestFleetWithoutEtcdIsStaleAndServes(t *testing.T) {
	t.Parallel()
	p := buildPrograms(t)
	store := startDaemon(t, "--host", "store")
	startDaemon(t, "--host", "server", "--etcd", store.etcd, "--plugins", p.plugins)
	client := startDaemon(t, "--host", "client", "--etcd", store.etcd)
	eventually(t, 10*time.Second, "the client's host knows the server's", func() bool {
		return strings.Contains(client.roster(t, "ls", "instances").stdout, "markdown.render")
	})
	store.kill(t)
	eventually(t, 20*time.Second, "the view says that it is stale", func() bool {
		return strings.Contains(client.roster(t, "ls", "instances", "-o", "json").stdout, `"stale":true`)
	})
	if r := client.roster(t, "call", "markdown.render", `{"markdown": "*hi*"}`); r.code != 0 {
		t.Errorf("a call to a living host while etcd is away: %+v", r)
	}
	if r := client.roster(t, "ls", "instances"); !strings.Contains(r.stdout, "stale for") {
		t.Errorf("the table does not say that it is stale: %s", r.stdout)
	}
	if _, ready := client.get(t, "/readyz"); !strings.Contains(ready, `"degraded"`) {
		t.Errorf("/readyz: %s", ready)
	}
}

// A daemon whose etcd is not there yet serves what it has and joins later.
func TestDaemonStartsWithoutEtcd(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, "--etcd", "http://127.0.0.1:1")
	if pluginProcess(t, d) == 0 {
		t.Error("the local capability does not answer")
	}
	if _, ready := d.get(t, "/readyz"); !strings.Contains(ready, `"degraded"`) {
		t.Errorf("/readyz: %s", ready)
	}
}

// A host that stops goes on to answer until the others have had the time to see that it has
// left.
func TestStoppedHostAnswersUntilItHasLeft(t *testing.T) {
	t.Parallel()
	p := buildPrograms(t)
	store := startDaemon(t, "--host", "store")
	server := startDaemon(t, "--host", "server", "--etcd", store.etcd, "--plugins", p.plugins)
	listed := func() bool {
		_, body := store.get(t, "/v1/instances")
		return strings.Contains(body, `"id":"server"`)
	}
	eventually(t, 10*time.Second, "the second host is listed", listed)
	if err := server.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "it has left", func() bool { return !listed() })
	if status, _ := server.get(t, "/healthz"); status != http.StatusOK {
		t.Errorf("it answers %d right after it has left", status)
	}
	server.waitExit(t)
}

// What wraps a program writes what its daemon writes: here also for etcd's own resolver.
func TestRegisterWritesAsTheDaemonDoes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "roster.yaml")
	if err := os.WriteFile(path, []byte("etcd:\n  naming_endpoints: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := startDaemon(t, "--config", path)
	client, err := etcd.Dial(t.Context(), []string{d.etcd}, etcd.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for id, c := range map[string]struct {
		flag string
		want bool
	}{"as-the-daemon": {"--linger=0s", true}, "by-flag": {"--etcd-naming-endpoints=false", false}} {
		cmd := exec.Command(d.program, "register", "pay", "127.0.0.1:1", "--id", id, "--health", "none", c.flag, "--", "sleep", "60")
		cmd.Env = append(os.Environ(), "ROSTER_ADDRESS="+d.url)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		value := ""
		eventually(t, 10*time.Second, id+" is announced", func() bool {
			got, err := client.Get(t.Context(), "services/pay/"+id)
			if err == nil && len(got.Kvs) == 1 {
				value = string(got.Kvs[0].GetValue())
			}
			return value != ""
		})
		if strings.Contains(value, `"Addr"`) != c.want {
			t.Errorf("%s: the store has %s", id, value)
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // a signal ended the command
	}
}
