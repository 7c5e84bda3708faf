package regions_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/roster-go/roster"
	etcdstrong "github.com/roster-go/roster/etcd/strong"
	"github.com/roster-go/roster/internal/e2e/clustertest"
	"github.com/roster-go/roster/replica/strong"
)

const roundTrip = 100 * time.Millisecond

// quantile of samples, which it sorts.
func quantile(samples []time.Duration, q float64) time.Duration {
	slices.Sort(samples)
	return samples[int(q*float64(len(samples)-1))]
}

// TestStretchedClusterCostsOneRoundTrip has a round trip of 100 ms between the regions.
func TestStretchedClusterCostsOneRoundTrip(t *testing.T) {
	c := clustertest.Start(t, 3)
	stretch(c, 3, roundTrip)
	leader := c.Leader()
	follower := (leader + 1) % 3
	at := func(k int) *strong.Store { return run(t, member(t, c, k, etcdstrong.Options{})) }
	near, far := at(leader), at(follower)

	measure := func(what string, n int, do func(i int) error) (median time.Duration) {
		t.Helper()
		var samples []time.Duration
		for i := range n {
			began := time.Now()
			if err := do(i); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			samples = append(samples, time.Since(began))
		}
		median = quantile(samples, 0.5)
		t.Logf("%s: p50 %v, p90 %v, max %v", what, median, quantile(samples, 0.9), samples[len(samples)-1])
		return median
	}
	put := func(store *strong.Store) func(int) error {
		return func(i int) error {
			_, err := store.Put(t.Context(), fmt.Sprint("key", i%3), []byte("value"))
			return err
		}
	}
	if median := measure("put at the leader", 20, put(near)); median > roundTrip+10*time.Millisecond*slack {
		t.Errorf("a write at the leader takes %v, more than a round trip and 10 ms", median)
	}
	if median := measure("put at a follower", 10, put(far)); median > 2*roundTrip+20*time.Millisecond*slack {
		t.Errorf("a write at a follower takes %v, more than two round trips and 20 ms", median)
	}
	measure("linearizable get at the leader", 10, func(int) error { _, _, err := near.Get(t.Context(), "key1"); return err })
	measure("linearizable get at a follower", 10, func(int) error { _, _, err := far.Get(t.Context(), "key1"); return err })
	measure("barrier at a follower", 10, func(int) error { return far.Barrier(t.Context()) })

	// Cut the leader's region off: the others go on without it, and it says what it cannot do.
	rest := at((leader + 2) % 3)
	eventually(t, patience, "the third region has what was written", func() bool { return rest.View().Len() == 3 })
	began := time.Now()
	c.Isolate(leader)
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 3*roundTrip)
		_, err := far.Put(ctx, "after", []byte("value"))
		cancel()
		if err == nil {
			break
		}
		if time.Since(began) > patience {
			t.Fatal(err)
		}
	}
	gap := time.Since(began)
	t.Logf("writes failed over in %v", gap)
	if gap > 5*time.Second*slack {
		t.Errorf("failover took %v, more than 5 s", gap)
	}
	eventually(t, 5*time.Second*slack, "the region that is cut off says so", func() bool { return near.View().Err() != nil })
	_, err := near.Put(t.Context(), "key1", []byte("minority"))
	if none, ok := errors.AsType[*strong.NoQuorumError](err); !ok || none.Since.IsZero() || none.Have == 0 {
		t.Errorf("a write on the minority side: %v", err)
	} else {
		t.Logf("a write on the minority side: %v", err)
	}
	if _, err := near.Local(2 * time.Second); err == nil {
		t.Error("the minority side claims to be fresh")
	} else {
		t.Logf("a bounded read on the minority side: %v", err)
	}
	if entry, ok := near.View().Get("key1"); !ok || string(entry.Value) != "value" {
		t.Errorf("a stale read on the minority side: %+v", entry)
	}
	c.Heal()
	if err := near.Barrier(within(t, patience)); err != nil {
		t.Fatal(err)
	}
	if _, ok := near.View().Get("after"); !ok {
		t.Error("after healing the region lacks what was written without it")
	}
}

// BenchmarkLocalRead sets a read of the view beside a lookup in a roster.Hot.
func BenchmarkLocalRead(b *testing.B) {
	memory := strong.NewMemory()
	store := strong.New(memory.Member("here"))
	hot := roster.NewHot[[]byte](roster.In(roster.NewDirectory()))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- store.Run(ctx) }()
	defer func() {
		cancel()
		<-ended
	}()
	for i := range 1000 {
		key := fmt.Sprint("key", i)
		if _, err := store.Put(ctx, key, []byte("value")); err != nil {
			b.Fatal(err)
		}
		hot.Register(key, []byte("value"))
	}
	if err := store.Barrier(ctx); err != nil {
		b.Fatal(err)
	}
	b.Run("hot", func(b *testing.B) {
		for b.Loop() {
			if _, ok := hot.Get("key500"); !ok {
				b.Fatal("not there")
			}
		}
	})
	b.Run("view", func(b *testing.B) {
		for b.Loop() {
			if _, ok := store.View().Get("key500"); !ok {
				b.Fatal("not there")
			}
		}
	})
	b.Run("local", func(b *testing.B) {
		for b.Loop() {
			view, err := store.Local(time.Minute)
			if err != nil {
				b.Fatal(err)
			}
			if _, ok := view.Get("key500"); !ok {
				b.Fatal("not there")
			}
		}
	})
}
