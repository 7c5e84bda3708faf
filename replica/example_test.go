package replica_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/roster-go/roster/kill"
	"github.com/roster-go/roster/replica"
)

// Two regions write at the same time. Both come to the same winner, and the loser is recorded.
func Example_concurrentWrites() {
	base := replica.Entry{Key: "orders/limit"}.Put("us", []byte("10"))
	us := base.Put("us", []byte("20"))
	eu := base.Put("eu", []byte("30"))

	merged := replica.Merge(us, eu)
	value, _ := merged.Live()
	fmt.Printf("%s, as in the other region: %v\n", value, merged.Equal(replica.Merge(eu, us)))
	for _, lost := range merged.Conflicts() {
		fmt.Printf("lost: %s of %s\n", lost.Value, lost.Dot.Region)
	}
	// Output:
	// 20, as in the other region: true
	// lost: 30 of eu
}

// A deleted entry does not come back by an old copy of it, not even after its tombstone has
// been collected.
func Example_deletedStaysDeleted() {
	us, eu := replica.New("us", "eu"), replica.New("eu", "us")
	send := func(from, to *replica.Node) replica.Batch {
		batch, _ := from.Batch(to.Cursor(from.ID()), 0)
		if err := to.Receive(batch); err != nil {
			fmt.Println(err)
		}
		return batch
	}
	_, _ = us.Put("orders/limit", []byte("10"))
	old := send(us, eu)
	_, _ = eu.Delete("orders/limit")
	fmt.Println("nobody knows yet:", eu.Collect(nil))
	send(eu, us)
	send(us, eu) // tells that us knows
	fmt.Println("everybody knows:", eu.Collect(nil))
	_ = eu.Receive(old)
	_, found, _ := eu.Get("orders/limit")
	fmt.Println("found:", found)
	// Output:
	// nobody knows yet: []
	// everybody knows: [orders/limit]
	// found: false
}

// A killed namespace is not read, whatever is written to it later and elsewhere.
func Example_killDominates() {
	us, eu := replica.New("us", "eu"), replica.New("eu", "us")
	_ = us.Kill(kill.Order{Target: kill.Namespace("orders"), Epoch: 1, Reason: "leaks"})
	_, _ = eu.Put("orders/limit", []byte("10"))
	batch, _ := eu.Batch(0, 0)
	fmt.Println("received:", us.Receive(batch))
	_, _, err := us.Get("orders/limit")
	fmt.Println(err)
	// Output:
	// received: <nil>
	// replica: entry "orders/limit" is killed by the order for namespace/orders at epoch 1 (leaks): revive that with a higher epoch to have it back
}

// A region whose store went back to a backup is told by any peer, and goes on under a new id, so
// that no write of its is ever taken for another.
func Example_restoredFromBackup() {
	us, eu := replica.New("us", "eu"), replica.New("eu", "us")
	backup := us.Clone()
	_, _ = us.Put("orders/limit", []byte("10"))
	batch, _ := us.Batch(0, 0)
	_ = eu.Receive(batch)

	us = backup
	news, _ := eu.Batch(0, 0)
	if _, ok := errors.AsType[*replica.RestoredError](us.Receive(news)); ok {
		us.Restore()
	}
	id := replica.Incarnation("us", "5f3a")
	_ = eu.Admit(id)
	snapshot, _ := eu.Snapshot()
	stranded, err := us.Join(id, snapshot)
	value, _, _ := us.Get("orders/limit")
	fmt.Printf("%s has %s, %d stranded, %v\n", us.ID(), value, len(stranded), err)
	// Output:
	// us~5f3a has 10, 0 stranded, <nil>
}

// Digests find what differs, and snapshots of those buckets repair it.
func Example_antiEntropy() {
	us, eu := replica.New("us", "eu"), replica.New("eu", "us")
	for n := range 1000 {
		_, _ = us.Put(fmt.Sprint("orders/", n), []byte("x"))
	}
	batch, _ := us.Batch(0, 0)
	_ = eu.Receive(batch)
	_, _ = us.Put("orders/7", []byte("y"))

	differ := replica.Compare(replica.Digest(us.All), replica.Digest(eu.All))
	repair, _ := us.Snapshot(differ...)
	fmt.Println("buckets:", len(differ), "entries:", len(repair.Entries) < 20, "repaired:", eu.Adopt(repair))
	fmt.Println("differ:", replica.Compare(replica.Digest(us.All), replica.Digest(eu.All)))
	// Output:
	// buckets: 1 entries: true repaired: <nil>
	// differ: []
}

// A read with a bound is refused when the region may be older.
func Example_boundedStaleness() {
	var fresh replica.Freshness
	fresh.Head("eu", 7, 10*time.Second) // asked at 10 s: eu had written 7
	fresh.Applied("eu", 7)
	fmt.Println(fresh.Check(5*time.Second, 12*time.Second))
	err := fresh.Check(5*time.Second, 40*time.Second)
	if stale, ok := errors.AsType[*replica.StaleError](err); ok {
		fmt.Println(stale.Origin, stale.Age)
	}
	// Output:
	// <nil>
	// eu 30s
}

// The lag of a destination is measured on the source's clock alone, and grows while the link is dead.
func Example_lag() {
	var lag replica.Lag
	lag.Wrote(41, 1*time.Second)
	lag.Wrote(42, 2*time.Second)
	fmt.Println(lag.Lag(4 * time.Second))
	lag.Acked(41)
	fmt.Println(lag.Lag(60 * time.Second))
	lag.Acked(42)
	fmt.Println(lag.Lag(61 * time.Second))
	// Output:
	// 3s
	// 58s
	// 0s
}

// The encoding of an entry is canonical, and hostile text is refused with an error that says why.
func Example_encoding() {
	entry := replica.Entry{Key: "orders/limit"}.Put("us", []byte("10"))
	text, _ := entry.Encode()
	fmt.Println(string(text))
	_, err := replica.Decode([]byte(`{"key":"orders/a/b"}`))
	fmt.Println(err)
	// Output:
	// {"key":"orders/limit","writes":[{"dot":{"region":"us","count":1},"time":1,"value":"MTA="}],"context":{"us":1}}
	// replica: entry "orders/a/b": correct its key: its name: it contains a slash, which separates the parts of a key
}
