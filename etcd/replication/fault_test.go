package replication_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd/replication"
)

// Compaction while a peer is away loses nothing: what is sent is states, not history.
func TestCompactionDuringPartition(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "eu", "us")
	w.meet("eu", "us")
	eu, us := w.regions["eu"], w.regions["us"]
	for i := range 10 {
		eu.put(fmt.Sprintf("app/k%d", i), "before")
	}
	w.converge("eu", "us")
	eventually(t, "nothing is pending", func() bool { return eu.peer("us").Pending == 0 })
	full := eu.peer("us").FullSyncs
	w.partition("eu", "us", true)
	eventually(t, "eu notices", func() bool { return !eu.peer("us").Connected })
	for i := range 300 {
		eu.put(fmt.Sprintf("app/k%d", i%20), strconv.Itoa(i))
	}
	eu.delete("app/k3")
	for _, r := range w.regions {
		got := must(r.client.Get(t.Context(), "x"))(t)
		must(r.client.Compact(t.Context(), got.Header.GetRevision(), clientv3.WithCompactPhysical()))(t)
	}
	eu.put("app/after", "1")
	eventually(t, "21 keys are pending", func() bool { return eu.peer("us").Pending == 21 })
	w.partition("eu", "us", false)
	eventually(t, "us has all", func() bool { return us.get("app/after") == "1" && us.get("app/k3") == "(none)" })
	w.converge("eu", "us")
	if got := eu.peer("us").FullSyncs - full; got != 0 {
		t.Errorf("%d full syncs of records or instances where none was needed", got)
	}
}

// An etcd that was restored from an old backup gets back what it lost, and what is written
// there afterwards is not taken for what it has forgotten.
func TestRestoreFromOldBackup(t *testing.T) {
	t.Parallel()
	for _, ahead := range []bool{false, true} {
		t.Run(fmt.Sprintf("ahead=%v", ahead), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "eu", "us", "ap")
			w.meet("eu", "us", "ap")
			eu, us := w.regions["eu"], w.regions["us"]
			for i := range 30 {
				eu.put(fmt.Sprintf("app/k%d", i), "old")
				us.put(fmt.Sprintf("app/u%d", i), "old")
			}
			w.converge("eu", "us", "ap")
			eu.stopAgent()
			eu.stopEtcd()
			backup := filepath.Join(t.TempDir(), "backup")
			must(0, os.CopyFS(backup, os.DirFS(eu.dir)))(t)
			eu.startEtcd()
			eu.startAgent()
			for i := range 30 {
				if i%3 == 0 {
					eu.delete(fmt.Sprintf("app/k%d", i))
				} else {
					eu.put(fmt.Sprintf("app/k%d", i), "new")
				}
				us.put(fmt.Sprintf("app/u%d", i), "new")
			}
			eu.put("app/only", "acknowledged")
			w.converge("eu", "us", "ap")
			eventually(t, "us has it", func() bool { return us.get("app/only") == "acknowledged" && us.get("app/k0") == "(none)" })

			eu.stopAgent()
			eu.closeStore()
			eu.stopEtcd()
			must(0, os.RemoveAll(eu.dir))(t)
			must(0, os.CopyFS(eu.dir, os.DirFS(backup)))(t)
			eu.startEtcd()
			eu.openStore()
			if got := eu.get("app/only"); got != "(none)" {
				t.Fatalf("the backup is not old: %s", got)
			}
			eu.put("app/k1", "after the restore")
			if ahead { // of the revision that the peers have seen
				for i := range 400 {
					eu.put("app/many", strconv.Itoa(i))
				}
			}
			eu.startAgent()
			want := func() bool {
				for _, r := range w.regions {
					if r.get("app/only") != "acknowledged" || r.get("app/k0") != "(none)" || r.get("app/k2") != "new" ||
						r.get("app/u7") != "new" || r.get("app/k1") != "after the restore" {
						return false
					}
				}
				return true
			}
			eventually(t, "all is as it was, with the new write", want)
			w.converge("eu", "us", "ap")
		})
	}
}

// A region that comes late gets everything at once.
func TestRegionAddedLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "eu", "us")
	w.ca = newAuthority(t)
	late := w.add("ap")
	eu, us := w.regions["eu"], w.regions["us"]
	w.meet("eu", "us")
	const keys = lateKeys
	fill(t, eu, keys)
	w.converge("eu", "us")
	late.put("app/own", "of ap")
	late.startAgent()
	began := time.Now()
	us.introduce(late)
	eventually(t, "the new region has everything", func() bool { return late.store.View().Len() == keys+4 })
	t.Logf("%d keys caught up in %v", keys, time.Since(began).Round(time.Millisecond))
	w.converge("eu", "us", "ap")
	for _, r := range w.regions {
		if got := r.get("app/own"); got != "of ap" {
			t.Errorf("%s has %q", r.name, got)
		}
		if got := len(r.store.Regions().List()); got != 3 {
			t.Errorf("%s knows %d regions", r.name, got)
		}
	}
}

// fill puts records, many at a time.
func fill(tb testing.TB, r *region, n int) {
	tb.Helper()
	errs := make(chan error, n)
	slots := make(chan struct{}, 256)
	for i := range n {
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			for {
				_, err := r.store.Put(tb.Context(), fmt.Sprintf("fill/k%d", i), []byte(fmt.Sprintf(`{"value":%d,"of":%q}`, i, r.name)))
				if !errors.Is(err, context.DeadlineExceeded) {
					errs <- err
					return
				}
			}
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			tb.Fatal(err)
		}
	}
}

// What is removed or damaged behind the agents' backs is found by comparing, and put right.
func TestDigestsRepair(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "eu", "us", "ap")
	w.meet("eu", "us", "ap")
	eu, us := w.regions["eu"], w.regions["us"]
	fill(t, eu, 500)
	w.converge("eu", "us", "ap")
	eventually(t, "the digests are equal", func() bool { return eu.peer("us").DigestEqual && us.peer("eu").DigestEqual })
	eventually(t, "nothing is pending", func() bool { return eu.peer("us").Pending == 0 })
	must(us.client.Delete(t.Context(), "replica/records/fill/k7"))(t)
	must(us.client.Put(t.Context(), "replica/records/fill/k8", "not an entry"))(t)
	must(eu.client.Delete(t.Context(), "replica/records/fill/k9"))(t) // the region that wrote it
	eventually(t, "us has lost them", func() bool {
		return us.get("fill/k7") == "(none)" || us.origin("eu").Repairs > 0 || us.origin("ap").Repairs > 0
	})
	eventually(t, "all is put right", func() bool {
		return us.get("fill/k7") != "(none)" && us.get("fill/k8") != "(none)" && eu.get("fill/k9") != "(none)"
	})
	w.converge("eu", "us", "ap")
	repairs := us.origin("eu").Repairs + us.origin("ap").Repairs
	if repairs < 2 {
		t.Errorf("%d repairs in us, want 2", repairs)
	}
	eventually(t, "the digests are equal again", func() bool {
		return eu.peer("us").DigestEqual && eu.peer("ap").DigestEqual && us.peer("eu").DigestEqual
	})
}

// A peer that does not read does not keep the others waiting.
func TestSlowPeerDelaysNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "eu", "us", "ap")
	w.tune = func(_ string, opts *replication.AgentOptions) { opts.InFlight = 16 << 10 }
	w.meet("eu", "us", "ap")
	eu, us, ap := w.regions["eu"], w.regions["us"], w.regions["ap"]
	w.link("eu", "ap").setHold(true)
	for i := range 200 {
		eu.put(fmt.Sprintf("app/k%d", i), string(make([]byte, 1000)))
	}
	eu.put("app/last", "1")
	began := time.Now()
	eventually(t, "us has it", func() bool { return us.get("app/last") == "1" })
	if took := time.Since(began); took > 20*heartbeat {
		t.Errorf("it took %v", took)
	}
	if got := ap.get("app/last"); got != "(none)" {
		t.Error("the held link lets something through")
	}
	if got := eu.peer("ap").BytesInFlight; got > 32<<10 {
		t.Errorf("%d bytes in flight", got)
	}
	eventually(t, "the lag of the slow one grows", func() bool {
		return eu.peer("ap").Lag > 20*heartbeat && eu.peer("us").Lag < 10*heartbeat
	})
	w.link("eu", "ap").setHold(false)
	w.converge("eu", "us", "ap")
}

// A retired region gets nothing and may not push; the others collect without it. When it comes
// back it has to be synced, and what was deleted meanwhile stays deleted.
func TestRetireAndReturn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "eu", "us", "ap")
	w.tune = func(_ string, opts *replication.AgentOptions) { opts.Retain = 2 * time.Second }
	w.meet("eu", "us", "ap")
	eu, us, ap := w.regions["eu"], w.regions["us"], w.regions["ap"]
	eu.put("app/a", "1")
	eu.put("app/b", "1")
	w.converge("eu", "us", "ap")
	eventually(t, "ap has them", func() bool { return ap.get("app/b") == "1" })
	must(0, eu.store.Regions().Retire(t.Context(), "ap"))(t)
	eventually(t, "no links to it are left", func() bool {
		return eu.peer("ap").To == "" && us.peer("ap").To == "" && !eu.origin("ap").Connected && !us.origin("ap").Connected
	})
	ap.put("app/mine", "written while retired")
	us.delete("app/a")
	eventually(t, "the tombstone is collected in both", func() bool {
		for _, r := range []*region{eu, us} {
			if got := must(r.client.Get(t.Context(), "replica/records/app/a"))(t); len(got.Kvs) > 0 {
				return false
			}
		}
		return true
	})
	if got := ap.get("app/a"); got != "1" {
		t.Errorf("the retired region learned of the deletion: %s", got)
	}
	if got := eu.get("app/mine"); got != "(none)" {
		t.Errorf("a retired region pushed: %s", got)
	}
	eu.introduce(ap)
	eventually(t, "the region that came back has forgotten as well", func() bool { return ap.get("app/a") == "(none)" })
	eventually(t, "what it wrote meanwhile reached the others", func() bool {
		return eu.get("app/mine") == "written while retired" && us.get("app/mine") == "written while retired"
	})
	w.converge("eu", "us", "ap")
	for _, r := range w.regions {
		if r.get("app/a") != "(none)" || r.get("app/b") != "1" {
			t.Errorf("%s: a is %s, b is %s", r.name, r.get("app/a"), r.get("app/b"))
		}
	}
	if ap.origin("eu").Swept+ap.origin("us").Swept == 0 {
		t.Error("nothing was swept")
	}
	// A key whose tombstone was collected can be written again, anywhere.
	us.put("app/a", "2")
	for _, r := range w.regions {
		eventually(t, r.name+" has it", func() bool { return r.get("app/a") == "2" })
	}
}

// Agents that die at any moment, while regions are cut off from each other and written to, lose
// nothing and bring nothing back.
func TestCrashesAndPartitions(t *testing.T) { //nolint:tparallel // a hundred seeds of three stores each are run one after the other
	t.Parallel()
	seed, seeds := uint64(time.Now().UnixNano()), 1
	if text := os.Getenv("SEED"); text != "" {
		seed = must(strconv.ParseUint(text, 10, 64))(t)
	}
	if os.Getenv("ROSTER_SOAK") != "" {
		seeds = 100
	}
	for n := range seeds {
		t.Run(fmt.Sprintf("SEED=%d", seed+uint64(n)), func(t *testing.T) { crashesAndPartitions(t, seed+uint64(n)) })
	}
}

func crashesAndPartitions(t *testing.T, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	names := []string{"ap", "eu", "us"}
	w := newWorld(t, names...)
	w.meet(names...)
	acknowledged := make(map[string]map[string]bool) // every value of keys that all regions write, by key
	once := make(map[string]string)                  // keys that are written once; empty when deleted again
	for n := range 80 {
		r := w.regions[names[rng.IntN(3)]]
		key := fmt.Sprintf("app/k%d", rng.IntN(12))
		switch rng.IntN(12) {
		case 0:
			a, b := rng.IntN(3), rng.IntN(3)
			if a != b {
				w.partition(names[a], names[b], rng.IntN(2) == 0)
			}
		case 1:
			if r.agent == nil {
				r.startAgent()
			} else if rng.IntN(2) == 0 {
				r.crashAgent()
			} else {
				r.stopAgent()
			}
		case 2, 3:
			r.delete(key)
			for key, value := range once { // one that this region has
				if r.get(key) == value {
					r.delete(key)
					once[key] = ""
					break
				}
			}
		default:
			value := fmt.Sprintf("%s-%d", r.name, n)
			r.put(key, value)
			if acknowledged[key] == nil {
				acknowledged[key] = make(map[string]bool)
			}
			acknowledged[key][value] = true
			key = fmt.Sprintf("once/k%d", n)
			r.put(key, value)
			once[key] = value
		}
		time.Sleep(time.Duration(rng.IntN(30)) * time.Millisecond) // no state to wait for: the faults fall where they may
	}
	for i, a := range names {
		if w.regions[a].agent == nil {
			w.regions[a].startAgent()
		}
		for _, b := range names[i+1:] {
			w.partition(a, b, false)
		}
	}
	// A last write everywhere shows that everything before it has arrived.
	for _, name := range names {
		w.regions[name].put("last/"+name, "1")
	}
	eventually(t, "the last writes are everywhere", func() bool {
		for _, r := range w.regions {
			for _, name := range names {
				if r.get("last/"+name) != "1" {
					return false
				}
			}
		}
		return true
	})
	w.converge(names...)
	for key, record := range w.regions["eu"].store.All() {
		if acknowledged[key] != nil && !acknowledged[key][string(record.Value)] {
			t.Errorf("%s is %q, which nobody wrote", key, record.Value)
		}
	}
	for key, value := range once {
		if value == "" {
			value = "(none)"
		}
		if got := w.regions["eu"].get(key); got != value {
			t.Errorf("%s is %q, want %q", key, got, value)
		}
	}
}

func must[T any](v T, err error) func(tb testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}
