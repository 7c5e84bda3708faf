package clustertest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/internal/e2e/clustertest"
)

// healLimit bounds how long the members may take to be one cluster again.
const healLimit = time.Minute

func within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

func put(t *testing.T, client *clientv3.Client, key, value string) int64 {
	t.Helper()
	res, err := client.Put(within(t, limit), key, value)
	if err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
	return res.Header.GetRevision()
}

// get reads a key, "" if it is not there, and the revision of the store.
func get(t *testing.T, client *clientv3.Client, key string, opts ...clientv3.OpOption) (value string, revision int64) {
	t.Helper()
	res, err := client.Get(within(t, limit), key, opts...)
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	if len(res.Kvs) > 0 {
		value = string(res.Kvs[0].GetValue())
	}
	return value, res.Header.GetRevision()
}

// eventually wants a state within the heal limit.
func eventually(t *testing.T, expected string, holds func() bool) {
	t.Helper()
	const pause = 20 * time.Millisecond
	for deadline := time.Now().Add(healLimit); time.Now().Before(deadline); time.Sleep(pause) {
		if holds() {
			return
		}
	}
	t.Fatalf("not within %v: %s", healLimit, expected)
}

func TestIsolatedMemberServesStaleReadsOnly(t *testing.T) {
	c := clustertest.Start(t, 3, clustertest.Fast())
	// The leader is the harder one to lose: the others must notice and elect.
	isolated := c.Leader()
	majority := make([]string, 0, 2)
	for k, endpoint := range c.Endpoints() {
		if k != isolated {
			majority = append(majority, endpoint)
		}
	}
	through := c.Client(t, c.Endpoint(isolated)) // through its client link
	put(t, through, "key", "before")

	c.Isolate(isolated)
	eventually(t, "another leader", func() bool { return c.Leader() != isolated })
	rest := c.Client(t, majority...)
	put(t, rest, "key", "after")

	_, err := through.Get(within(t, 2*time.Second), "key")
	if err == nil {
		t.Fatal("the isolated member answered a linearizable read")
	}
	if code := status.Code(err); !errors.Is(err, context.DeadlineExceeded) && code != codes.DeadlineExceeded && code != codes.Unavailable {
		t.Errorf("a linearizable read of the isolated member: %v", err)
	}
	if value, _ := get(t, through, "key", clientv3.WithSerializable()); value != "before" {
		t.Errorf("a serializable read of the isolated member gave %q", value)
	}
	// Whether it is written after healing is open, as it is for any write that timed out.
	if _, err := through.Put(within(t, time.Second), "open", "value"); err == nil {
		t.Error("the isolated member took a write")
	}

	c.Heal()
	c.WaitHealthy(within(t, healLimit))
	if value, _ := get(t, through, "key"); value != "after" {
		t.Errorf("after healing, the member that was isolated gave %q", value)
	}
}

func TestPeerLinksArePerPairAndDirection(t *testing.T) {
	c := clustertest.Start(t, 3, clustertest.Fast())
	for from := range 3 {
		for to := range 3 {
			if from != to && c.PeerLink(from, to).Count() == 0 {
				t.Errorf("no connection from member %d to member %d went through its link", from, to)
			}
		}
	}
	// Two followers that do not reach each other have the leader in common.
	leader := c.Leader()
	a, b := (leader+1)%3, (leader+2)%3
	c.PeerLink(a, b).Cut()
	c.PeerLink(b, a).Cut()
	for k := range 3 {
		put(t, c.Client(t, c.DirectEndpoint(k)), fmt.Sprint("from-", k), "value")
	}
	c.Heal()
	c.WaitHealthy(within(t, healLimit))
}

func TestClientLinkStandsBetween(t *testing.T) {
	c := clustertest.Start(t, 1, clustertest.Fast())
	through := c.Client(t, c.Endpoint(0))
	direct := c.Client(t)
	put(t, through, "key", "value")

	c.ClientLink(0).Hold()
	if _, err := through.Get(within(t, 200*time.Millisecond), "key"); err == nil {
		t.Error("an answer came through a link that is held")
	}
	get(t, direct, "key")
	c.ClientLink(0).Mend()
	get(t, through, "key")

	c.ClientLink(0).Cut()
	if _, err := through.Get(within(t, 200*time.Millisecond), "key"); err == nil {
		t.Error("an answer came through a link that is cut")
	}
	c.ClientLink(0).Mend()
	get(t, through, "key")

	members, err := direct.MemberList(within(t, limit))
	if err != nil {
		t.Fatal(err)
	}
	if urls := members.Members[0].GetClientURLs(); !slices.Equal(urls, []string{"http://" + c.Endpoint(0)}) {
		t.Errorf("the member advertises %v, not its link", urls)
	}
}

// This one has its data on the disk, as a member has by default.
func TestKillAndRestartKeepData(t *testing.T) {
	c := clustertest.Start(t, 3)
	client := c.Client(t)
	revision := put(t, client, "key", "value")

	killed := c.Leader()
	pid := c.PID(killed)
	c.Kill(killed)
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d after it was killed: %v", pid, err)
	}
	if got := c.PID(killed); got != 0 {
		t.Errorf("PID is %d after the member was killed", got)
	}
	c.WaitHealthy(within(t, healLimit))
	rest := c.Client(t, c.DirectEndpoint((killed+1)%3), c.DirectEndpoint((killed+2)%3))
	put(t, rest, "meanwhile", "value")

	c.Restart(killed)
	c.WaitHealthy(within(t, healLimit))
	if c.PID(killed) == pid {
		t.Errorf("the restarted member is process %d again", pid)
	}
	again := c.Client(t, c.DirectEndpoint(killed))
	for _, key := range []string{"key", "meanwhile"} {
		if value, _ := get(t, again, key); value != "value" {
			t.Errorf("%s is %q after the restart", key, value)
		}
	}

	// All at once: nothing is left but the disks.
	for k := range 3 {
		c.Kill(k)
	}
	for k := range 3 {
		c.Restart(k)
	}
	c.WaitHealthy(within(t, healLimit))
	if value, now := get(t, client, "key"); value != "value" || now < revision {
		t.Errorf("key is %q at revision %d, was written at %d", value, now, revision)
	}

	c.Stop(killed)
	if !strings.Contains(c.Log(killed), "terminated") {
		t.Errorf("the member that was stopped did not log that it was")
	}
	c.Restart(killed)
	c.WaitHealthy(within(t, healLimit))
}

func TestRestoreGoesBack(t *testing.T) {
	c := clustertest.Start(t, 3, clustertest.Fast())
	client := c.Client(t)
	early := put(t, client, "early", "value")
	before, err := client.Get(within(t, limit), "early")
	if err != nil {
		t.Fatal(err)
	}
	path := c.Snapshot()
	late := put(t, client, "late", "value")

	c.Restore(path)
	res, err := client.Get(within(t, limit), "early")
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Kvs) != 1 || string(res.Kvs[0].GetValue()) != "value" {
		t.Errorf("what the snapshot has is gone: %v", res.Kvs)
	}
	if value, now := get(t, client, "late"); value != "" || now >= late || now < early {
		t.Errorf("late is %q at revision %d; was written at %d, the snapshot is of %d", value, now, late, early)
	}
	if got, want := res.Header.GetClusterId(), before.Header.GetClusterId(); got != want {
		t.Errorf("the cluster is %x after the restore, was %x", got, want)
	}

	c.Restore(path, "--initial-cluster-token=another", "--bump-revision=1000", "--mark-compacted")
	res, err = client.Get(within(t, limit), "early")
	if err != nil {
		t.Fatal(err)
	}
	if res.Header.GetClusterId() == before.Header.GetClusterId() {
		t.Errorf("the cluster is still %x", res.Header.GetClusterId())
	}
	if res.Header.GetRevision() < early+1000 {
		t.Errorf("revision %d; want %d or more", res.Header.GetRevision(), early+1000)
	}
}

func TestCompactRemovesHistory(t *testing.T) {
	c := clustertest.Start(t, 1, clustertest.Fast())
	client := c.Client(t)
	first := put(t, client, "key", "one")
	put(t, client, "key", "two")
	head := c.Compact()
	if _, err := client.Get(within(t, limit), "key", clientv3.WithRev(first)); !errors.Is(err, rpctypes.ErrCompacted) {
		t.Errorf("a read at %d after a compaction at %d: %v", first, head, err)
	}
	if value, now := get(t, client, "key"); value != "two" || now != head {
		t.Errorf("key is %q at revision %d; want two at %d", value, now, head)
	}
}

func TestEtcdctl(t *testing.T) {
	c := clustertest.Start(t, 1, clustertest.Fast())
	c.Etcdctl(t, "put", "key", "value")
	if got := c.Etcdctl(t, "get", "key", "--print-value-only"); strings.TrimSpace(got) != "value" {
		t.Errorf("etcdctl get: %q", got)
	}
	if got := c.Etcdctl(t, "--endpoints="+c.DirectEndpoint(0), "endpoint", "health"); !strings.Contains(got, "is healthy") {
		t.Errorf("etcdctl endpoint health: %q", got)
	}
}
