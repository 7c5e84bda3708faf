package replication_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/roster-go/roster/etcd/replication"
)

// Deletions that everybody has forgotten stay deletions for a region that is restored from before
// them, even if it writes before it hears of the others.
func TestRestoreFromBeforeCollection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "eu", "us")
	w.tune = func(_ string, opts *replication.AgentOptions) { opts.Retain = 2 * time.Second }
	w.meet("eu", "us")
	eu, us := w.regions["eu"], w.regions["us"]
	eu.put("app/gone", "1")
	w.converge("eu", "us")
	eu.stopAgent()
	eu.stopEtcd()
	backup := filepath.Join(t.TempDir(), "backup")
	must(0, os.CopyFS(backup, os.DirFS(eu.dir)))(t)
	eu.startEtcd()
	eu.startAgent()
	eu.delete("app/gone")
	eventually(t, "the tombstone is collected in both", func() bool {
		for _, r := range []*region{eu, us} {
			if got := must(r.client.Get(t.Context(), "replica/records/app/gone"))(t); len(got.Kvs) > 0 {
				return false
			}
		}
		return true
	})
	eu.stopAgent()
	eu.closeStore()
	eu.stopEtcd()
	must(0, os.RemoveAll(eu.dir))(t)
	must(0, os.CopyFS(eu.dir, os.DirFS(backup)))(t)
	eu.startEtcd()
	eu.openStore()
	eu.put("app/new", "1") // somebody was faster than the agent
	eu.startAgent()
	compared := us.peer("eu").Digests
	eventually(t, "it has arrived, and all was compared", func() bool {
		return us.get("app/new") == "1" && us.peer("eu").Digests > compared+2 && eu.peer("us").DigestEqual
	})
	if got := us.get("app/gone"); got != "(none)" {
		t.Errorf("in us what was deleted has come back: %s", got)
	}
	if got := eu.get("app/gone"); got != "(none)" {
		t.Errorf("in eu it is still there: %s", got)
	}
}
