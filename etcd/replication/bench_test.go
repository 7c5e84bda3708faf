//go:build unix

package replication_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/mirror"

	"github.com/roster-go/roster/etcd/replication"
)

// makeMirror is the loop of `etcdctl make-mirror` (etcd v3.7.3, etcdctl/ctlv3/command): a put for
// each key that is there, unless it starts at a revision, then a transaction for each revision.
func makeMirror(ctx context.Context, from, to *clientv3.Client, prefix string, revision int64) error {
	syncer := mirror.NewSyncer(from, prefix, revision)
	if revision == 0 {
		pages, failure := syncer.SyncBase(ctx)
		for page := range pages {
			for _, kv := range page.Kvs {
				if _, err := to.Put(ctx, string(kv.GetKey()), string(kv.GetValue())); err != nil {
					return err
				}
			}
		}
		if err := <-failure; err != nil {
			return err
		}
	}
	for response := range syncer.SyncUpdates(ctx) {
		last := int64(0)
		var ops []clientv3.Op
		commit := func() error {
			if len(ops) == 0 {
				return nil
			}
			_, err := to.Txn(ctx).Then(ops...).Commit()
			ops = nil
			return err
		}
		for _, event := range response.Events {
			const maxTxnOps = 128 // as its flag is by default
			if next := event.GetKv().GetModRevision(); (last != 0 && next > last) || len(ops) == maxTxnOps {
				if err := commit(); err != nil {
					return err
				}
			}
			last = event.GetKv().GetModRevision()
			if event.GetType() == mvccpb.Event_DELETE {
				ops = append(ops, clientv3.OpDelete(string(event.GetKv().GetKey())))
			} else {
				ops = append(ops, clientv3.OpPut(string(event.GetKv().GetKey()), string(event.GetKv().GetValue())))
			}
		}
		if err := commit(); err != nil {
			return err
		}
	}
	return nil
}

// counted waits until an etcd has n keys under a prefix.
func counted(b *testing.B, client *clientv3.Client, prefix string, n int) {
	b.Helper()
	eventually(b, fmt.Sprintf("%d keys have arrived", n), func() bool {
		time.Sleep(10 * time.Millisecond)
		got, err := client.Get(b.Context(), prefix, clientv3.WithPrefix(), clientv3.WithCountOnly())
		return err == nil && got.Count >= int64(n)
	})
}

// BenchmarkThroughput moves records from one etcd to another on the same machine: those that are
// there already, then those of 64 writers while they write, then those that were written one after
// the other while the link was cut. The comparison is with etcd's own make-mirror between such
// stores; it stops and starts again for the last. Time to connect again is not counted: see BenchmarkHeal.
func BenchmarkThroughput(b *testing.B) {
	const there = 10_000
	const live = 10_000
	const behind = 5_000
	type pair struct{ from, to *region }
	setup := func(b *testing.B) (*world, pair) {
		b.Helper()
		w := newWorld(b, "eu", "us")
		return w, pair{w.regions["eu"], w.regions["us"]}
	}
	write := func(b *testing.B, r *region, n int, key string) {
		b.Helper()
		var writers sync.WaitGroup
		for k := range 64 {
			writers.Go(func() {
				for i := k; i < n; i += 64 {
					if _, err := r.store.Put(context.Background(), fmt.Sprintf("%s/k%d", key, i), []byte(strconv.Itoa(i))); err != nil {
						b.Error(err)
					}
				}
			})
		}
		writers.Wait()
	}
	measure := func(b *testing.B, p pair, start func(), pause func() (resume func())) {
		b.Helper()
		write(b, p.from, there, "there")
		began, used := time.Now(), cpu()
		start()
		counted(b, p.to.client, "replica/records/there/", there)
		b.ReportMetric(there/time.Since(began).Seconds(), "there/s")
		b.ReportMetric(float64((cpu()-used).Microseconds())/there, "there-cpu-µs")
		began, used = time.Now(), cpu()
		write(b, p.from, live, "live")
		wrote := time.Since(began)
		counted(b, p.to.client, "replica/records/live/", live)
		b.ReportMetric(live/time.Since(began).Seconds(), "live/s")
		b.ReportMetric(float64((cpu()-used).Microseconds())/live, "live-cpu-µs")
		b.ReportMetric(live/wrote.Seconds(), "written/s")
		resume := pause()
		for i := range behind { // one after the other, a revision each
			p.from.put("behind/k"+strconv.Itoa(i), "x")
		}
		resume()
		began, used = time.Now(), cpu()
		counted(b, p.to.client, "replica/records/behind/", behind)
		b.ReportMetric(behind/time.Since(began).Seconds(), "behind/s")
		b.ReportMetric(float64((cpu()-used).Microseconds())/behind, "behind-cpu-µs")
		b.ReportMetric(0, "ns/op")
	}
	b.Run("roster", func(b *testing.B) {
		for b.Loop() {
			w, p := setup(b)
			p.from.startAgent()
			p.to.startAgent()
			measure(b, p, func() { p.from.introduce(p.to) }, func() func() {
				w.partition("eu", "us", true)
				eventually(b, "eu notices", func() bool { return !p.from.peer("us").Connected })
				return func() {
					w.partition("eu", "us", false)
					eventually(b, "eu is linked", func() bool { return p.from.peer("us").Connected })
				}
			})
		}
	})
	b.Run("make-mirror", func(b *testing.B) {
		for b.Loop() {
			_, p := setup(b)
			p.to.closeStore() // nothing else is to run
			var stop func()
			start := func(revision int64) {
				ctx, cancel := context.WithCancel(context.Background())
				ended := make(chan error, 1)
				go func() { ended <- makeMirror(ctx, p.from.client, p.to.client, "replica/records/", revision) }()
				stop = func() { cancel(); <-ended }
			}
			measure(b, p, func() { start(0) }, func() func() {
				stop()
				at := must(p.from.client.Get(b.Context(), "x"))(b).Header.GetRevision()
				return func() { start(at) }
			})
			stop()
		}
	})
}

// cpu is the processor time that this process has used, the stores in it included.
func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkLag writes 500 records a second with a round trip of 100 ms between the regions, and
// measures on one clock how long each takes until a reader in the other region sees it.
func BenchmarkLag(b *testing.B) {
	for b.Loop() {
		w := newWorld(b, "eu", "us")
		w.meet("eu", "us")
		w.link("eu", "us").setDelay(50 * time.Millisecond)
		w.link("us", "eu").setDelay(50 * time.Millisecond)
		eu, us := w.regions["eu"], w.regions["us"]
		const n = 5_000
		var mu sync.Mutex
		began := make(map[string]time.Time, n)
		var lags []time.Duration
		ctx, cancel := context.WithCancel(b.Context())
		done := make(chan struct{})
		following := make(chan struct{})
		go func() {
			defer close(done)
			changes := us.store.Changes(ctx)
			close(following)
			for change := range changes {
				now := time.Now()
				mu.Lock()
				for _, key := range change.Added {
					if at, ok := began[key]; ok {
						lags = append(lags, now.Sub(at))
					}
				}
				enough := len(lags) == n
				mu.Unlock()
				if enough {
					return
				}
			}
		}()
		<-following
		ticks := time.NewTicker(2 * time.Millisecond)
		var writers sync.WaitGroup
		for i := range n {
			<-ticks.C
			key := "lag/k" + strconv.Itoa(i)
			mu.Lock()
			began[key] = time.Now()
			mu.Unlock()
			writers.Go(func() { eu.put(key, "x") })
		}
		writers.Wait()
		ticks.Stop()
		select {
		case <-done:
		case <-time.After(patience):
			b.Fatalf("%d of %d arrived", len(lags), n)
		}
		cancel()
		slices.Sort(lags)
		b.ReportMetric(float64(lags[n/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(lags[n*99/100].Microseconds())/1000, "p99-ms")
		b.ReportMetric(float64(lags[n-1].Microseconds())/1000, "max-ms")
		b.ReportMetric(float64(eu.peer("us").Lag.Microseconds())/1000, "reported-ms")
		b.ReportMetric(0, "ns/op")
	}
}

// BenchmarkHeal writes 10,000 records while two regions are cut off from each other, and measures
// from the moment the link is back, with its round trip of 100 ms.
func BenchmarkHeal(b *testing.B) {
	for b.Loop() {
		w := newWorld(b, "eu", "us")
		w.tune = func(_ string, opts *replication.AgentOptions) { opts.Digests = 10 * time.Second }
		w.meet("eu", "us")
		eu, us := w.regions["eu"], w.regions["us"]
		w.link("eu", "us").setDelay(50 * time.Millisecond)
		w.partition("eu", "us", true)
		eventually(b, "eu notices", func() bool { return !eu.peer("us").Connected })
		fill(b, eu, 10_000)
		began := time.Now()
		w.partition("eu", "us", false)
		eventually(b, "us has all", func() bool { return us.store.View().Len() == 10_000+2 })
		b.ReportMetric(time.Since(began).Seconds(), "catch-up-s")
		eventually(b, "the digests are equal", func() bool { p := eu.peer("us"); return p.DigestEqual && p.DigestSince.After(began) })
		b.ReportMetric(time.Since(began).Seconds(), "equal-s")
		b.ReportMetric(0, "ns/op")
	}
}

// BenchmarkGet compares a read of the store with one of the Hot registry that it is made of.
func BenchmarkGet(b *testing.B) {
	w := newWorld(b, "eu")
	eu := w.regions["eu"]
	fill(b, eu, 1_000)
	b.Run("store", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := eu.store.Get("fill/k7"); !ok {
				b.Fatal("gone")
			}
		}
	})
	b.Run("hot", func(b *testing.B) {
		view := eu.store.View()
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := view.Get("fill/k7"); !ok {
				b.Fatal("gone")
			}
		}
	})
}
