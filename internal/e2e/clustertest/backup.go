package clustertest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/snapshot"
	"go.uber.org/zap"
)

// compactedKey is what Compact writes.
const compactedKey = "cluster/compacted"

// Compact writes a key of its own and then compacts the history at that revision, which it
// gives: whatever was read before is gone, from the disk of the leader, too.
func (c *Cluster) Compact() int64 {
	c.t.Helper()
	leader := c.DirectEndpoint(c.Leader())
	client, err := newClient(leader)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(c.t.Context(), requestLimit)
	defer cancel()
	put, err := client.Put(ctx, compactedKey, "")
	if err != nil {
		c.t.Fatalf("put before the compaction: %v", err)
	}
	revision := put.Header.GetRevision()
	if _, err := client.Compact(ctx, revision, clientv3.WithCompactPhysical()); err != nil {
		c.t.Fatalf("compact at %d: %v", revision, err)
	}
	return revision
}

// Snapshot saves the state of the leader in a file, which ends with the test, and gives its
// path.
func (c *Cluster) Snapshot() string {
	c.t.Helper()
	path := filepath.Join(c.t.TempDir(), "snapshot.db")
	ctx, cancel := context.WithTimeout(c.t.Context(), startLimit)
	defer cancel()
	config := clientv3.Config{Endpoints: []string{c.DirectEndpoint(c.Leader())}, DialTimeout: requestLimit, Logger: zap.NewNop()}
	if _, err := snapshot.SaveWithVersion(ctx, zap.NewNop(), config, path); err != nil {
		c.t.Fatalf("save a snapshot: %v", err)
	}
	return path
}

// Restore makes a new cluster of what Snapshot saved, as an operator does after a disaster:
// it stops all members, replaces their data and starts them again, with the same addresses
// and links. The revision goes back to that of the snapshot, and the cluster and its
// members keep their ids; arguments for "etcdutl snapshot restore" can change both, such
// as "--initial-cluster-token=new" and "--bump-revision=1000", "--mark-compacted". It waits
// until the cluster is healthy.
func (c *Cluster) Restore(path string, args ...string) {
	c.t.Helper()
	// Their data is to go, so they need not end in order; a leader whose followers end with it
	// would take seconds.
	c.endMembers(syscall.SIGKILL)
	for _, m := range c.members {
		if err := os.RemoveAll(m.dataDir); err != nil {
			c.t.Fatal(err)
		}
		restore := append([]string{
			"snapshot", "restore", path,
			"--name", m.name,
			"--data-dir", m.dataDir,
			"--initial-cluster", c.initialCluster(),
			"--initial-cluster-token", c.token,
			"--initial-advertise-peer-urls", m.peerURL,
		}, args...)
		cmd := exec.CommandContext(c.t.Context(), program(c.t, utlProgram), restore...)
		cmd.Env = plainEnv()
		if _, err := output(cmd); err != nil {
			c.t.Fatal(err)
		}
	}
	for k := range c.members {
		c.Restart(k)
	}
	c.awaitStart()
}
