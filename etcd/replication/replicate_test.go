package replication_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/roster-go/roster/etcd/replication"
)

// A write in one region reaches all others; so do deletes and the table of regions.
func TestReplicates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "eu", "us", "ap")
	w.ca = newAuthority(t)
	w.meet("eu", "us", "ap")
	eu, us, ap := w.regions["eu"], w.regions["us"], w.regions["ap"]
	eu.put("app/greeting", "hello")
	us.put("app/answer", "42")
	ap.put("app/gone", "soon")
	w.converge("eu", "us", "ap")
	for _, r := range w.regions {
		eventually(t, r.name+" has all three", func() bool {
			return r.get("app/greeting") == "hello" && r.get("app/answer") == "42" && r.get("app/gone") == "soon"
		})
	}
	us.delete("app/gone")
	for _, r := range w.regions {
		eventually(t, r.name+" has seen the deletion", func() bool { return r.get("app/gone") == "(none)" })
		if got := len(r.store.Regions().List()); got != 3 {
			t.Errorf("%s knows %d regions", r.name, got)
		}
	}
	if record, _ := ap.store.Get("app/answer"); record.Region != "us" {
		t.Errorf("the record is %+v", record)
	}
	eventually(t, "the digests are equal", func() bool {
		p := eu.peer("us")
		return p.DigestEqual && p.Pending == 0 && p.Lag < 10*heartbeat
	})
	if _, err := ap.store.Put(t.Context(), "app/answer", []byte("43"), replication.IfVersion(1)); !errors.Is(err, replication.ErrVersion) {
		t.Errorf("a write at another version: %v", err)
	}
}

// Regions that are cut off from each other go on, and are equal afterwards.
func TestConvergesAfterPartition(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "eu", "us", "ap")
	w.meet("eu", "us", "ap")
	eu, us, ap := w.regions["eu"], w.regions["us"], w.regions["ap"]
	for i := range 20 {
		eu.put(fmt.Sprintf("app/k%d", i), "before")
	}
	w.converge("eu", "us", "ap")
	w.partition("eu", "us", true)
	w.partition("eu", "ap", true)
	eventually(t, "eu notices", func() bool { return !eu.peer("us").Connected && !us.peer("eu").Connected })
	eu.put("app/k0", "of eu")
	us.put("app/k0", "of us")
	us.put("app/k0", "of us again")
	eu.put("app/k1", "of eu")
	ap.delete("app/k1")
	eu.delete("app/k2")
	us.put("app/new", "of us")
	eventually(t, "the lag grows", func() bool { return eu.peer("us").Lag > time.Second })
	w.partition("eu", "us", false)
	w.partition("eu", "ap", false)
	w.converge("eu", "us", "ap")
	eventually(t, "the writes met", func() bool { return eu.get("app/new") == "of us" && us.get("app/k2") == "(none)" })
	w.converge("eu", "us", "ap")
	if got := eu.get("app/k0"); got != "of us again" { // the higher Lamport time
		t.Errorf("k0 is %q", got)
	}
	if got := eu.get("app/k1"); got != "(none)" { // deletions win
		t.Errorf("k1 is %q", got)
	}
	for _, r := range w.regions {
		eventually(t, r.name+" kept what lost", func() bool {
			conflicts, err := r.store.Conflicts(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			lost := make(map[string]string)
			for _, c := range conflicts {
				for _, l := range c.Lost {
					lost[c.Key] += string(l.Value) + ";"
				}
			}
			return lost["app/k0"] == "of eu;" && lost["app/k1"] == "of eu;"
		})
	}
	eventually(t, "the lag is small again", func() bool { return eu.peer("us").Lag < 10*heartbeat && eu.peer("us").Pending == 0 })
}
