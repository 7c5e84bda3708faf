package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-kit/kit/sd/etcdv3"
	kitlog "github.com/go-kit/log"
	"github.com/zeromicro/go-zero/core/discov"
	"github.com/zeromicro/go-zero/core/logx"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/naming/endpoints"
	"go.uber.org/zap"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd"
	"github.com/roster-go/roster/etcd/embedded"
)

// startStore runs an etcd that forces nothing to disk, and returns a client of it.
func startStore(b *testing.B) (*clientv3.Client, string) {
	b.Helper()
	server, err := embedded.Start(b.Context(), embedded.Config{Dir: b.TempDir(), ClientListen: "127.0.0.1:0", Fast: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = server.Close(context.Background()) })
	return storeClient(b, server.Endpoint()), server.Endpoint()
}

func storeClient(b *testing.B, endpoint string) *clientv3.Client {
	b.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, Logger: zap.NewNop()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = client.Close() })
	return client
}

// fill puts n keys, a hundred in a transaction.
func fill(b *testing.B, client *clientv3.Client, n int, key, value func(i int) string) {
	b.Helper()
	const batch = 100
	for from := 0; from < n; from += batch {
		var ops []clientv3.Op
		for i := from; i < min(n, from+batch); i++ {
			ops = append(ops, clientv3.OpPut(key(i), value(i)))
		}
		if _, err := client.Txn(b.Context()).Then(ops...).Commit(); err != nil {
			b.Fatal(err)
		}
	}
}

func native(i int) string { return fmt.Sprintf("services/s%d/i%d", i%1000, i) }

func nativeValue(i int) string { return fmt.Sprintf(`{"v":1,"address":"10.0.0.1:%d"}`, i) }

// runView runs a view of a store until the benchmark ends, and waits until it is ready.
func runView(b *testing.B, source discovery.Source) *discovery.View {
	b.Helper()
	view := discovery.NewView(discovery.In(roster.NewDirectory()))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = view.Run(ctx, source) }()
	b.Cleanup(func() { cancel(); <-ended })
	<-view.Ready()
	return view
}

// pages reads everything in pages at one revision.
func pages(b *testing.B, client *clientv3.Client, each func(key, value []byte)) {
	b.Helper()
	from, revision := "services/", int64(0)
	for {
		page, err := client.Get(b.Context(), from, clientv3.WithRange("services0"), clientv3.WithLimit(1000), clientv3.WithRev(revision))
		if err != nil {
			b.Fatal(err)
		}
		for _, kv := range page.Kvs {
			each(kv.GetKey(), kv.GetValue())
		}
		if !page.More {
			return
		}
		revision = page.Header.GetRevision()
		from = string(page.Kvs[len(page.Kvs)-1].GetKey()) + "\x00"
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkDiscoveryFirstSync reads 100,000 instances of 1,000 services: bare pages, pages
// decoded into a slice, a view, and the peers, which have one service each time, with
// 10,000 instances. bytes/instance is what stays on the heap.
func BenchmarkDiscoveryFirstSync(b *testing.B) {
	logx.Disable()
	n, peers := 100_000, 10_000
	if testing.Short() {
		n, peers = 10_000, 1_000
	}
	client, endpoint := startStore(b)
	fill(b, client, n, native, nativeValue)
	fill(b, client, peers, func(i int) string { return fmt.Sprintf("zero/%d", i) }, func(i int) string { return fmt.Sprintf("10.0.0.1:%d", i) })
	fill(b, client, peers, func(i int) string { return fmt.Sprintf("naming/pay/%d", i) },
		func(i int) string { return fmt.Sprintf(`{"Op":0,"Addr":"10.0.0.1:%d","Metadata":null}`, i) })

	measure := func(name string, size int, read func(b *testing.B) (keep any)) {
		b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
			var bytes int64
			for b.Loop() {
				b.StopTimer()
				before := heap()
				b.StartTimer()
				kept := read(b)
				b.StopTimer()
				bytes = heap() - before
				runtime.KeepAlive(kept)
				b.StartTimer()
			}
			b.ReportMetric(float64(bytes)/float64(size), "bytes/instance")
		})
	}
	measure("bare", n, func(b *testing.B) any {
		b.Helper()
		pages(b, client, func([]byte, []byte) {})
		return nil
	})
	measure("decoded", n, func(b *testing.B) any {
		b.Helper()
		var all []discovery.Instance
		pages(b, client, func(key, value []byte) {
			var v struct{ Address string }
			if err := json.Unmarshal(value, &v); err != nil {
				b.Fatal(err)
			}
			all = append(all, discovery.Instance{ID: string(key), Address: v.Address})
		})
		return all
	})
	measure("roster", n, func(b *testing.B) any {
		b.Helper()
		return runView(b, etcd.New(client, etcd.Options{}))
	})
	measure("go-zero", peers, func(b *testing.B) any {
		b.Helper()
		s, err := discov.NewSubscriber([]string{endpoint[len("http://"):]}, "zero")
		if err != nil {
			b.Fatal(err)
		}
		for len(s.Values()) < peers {
			time.Sleep(time.Millisecond)
		}
		b.Cleanup(s.Close)
		return s
	})
	measure("etcd naming", peers, func(b *testing.B) any {
		b.Helper()
		manager, err := endpoints.NewManager(client, "naming/pay")
		if err != nil {
			b.Fatal(err)
		}
		all, err := manager.List(b.Context())
		if err != nil || len(all) != peers {
			b.Fatal(len(all), err)
		}
		return all
	})
	measure("go-kit", peers, func(b *testing.B) any {
		b.Helper()
		c, err := etcdv3.NewClient(b.Context(), []string{endpoint}, etcdv3.ClientOptions{})
		if err != nil {
			b.Fatal(err)
		}
		i, err := etcdv3.NewInstancer(c, "zero/", kitlog.NewNopLogger())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(i.Stop)
		return i
	})
}

// BenchmarkDiscoveryVisible puts a value and takes the time until one of the views, or one of
// the bare watches, has it, drawn anew each time.
func BenchmarkDiscoveryVisible(b *testing.B) {
	for _, watchers := range []int{1, 100, 1000} {
		client, endpoint := startStore(b)
		reader := storeClient(b, endpoint)
		puts := 1000
		if watchers > 100 || testing.Short() {
			puts = 200
		}
		run := func(name string, start func(b *testing.B, ctx context.Context, visible []func() int64)) {
			b.Run(fmt.Sprintf("%s/%d", name, watchers), func(b *testing.B) {
				ctx, cancel := context.WithCancel(b.Context())
				defer cancel()
				visible := make([]func() int64, watchers)
				start(b, ctx, visible)
				var times []time.Duration
				count := int64(0)
				for b.Loop() {
					for range puts {
						count++
						number := visible[int(count*7919)%watchers]
						began := time.Now()
						if _, err := client.Put(ctx, "services/pay/a", nativeValue(int(count))); err != nil {
							b.Fatal(err)
						}
						for number() < count {
							runtime.Gosched()
						}
						times = append(times, time.Since(began))
					}
				}
				slices.Sort(times)
				b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "p50-ms")
				b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
				b.ReportMetric(0, "ns/op")
			})
		}
		number := func(address string) int64 {
			var n int64
			_, _ = fmt.Sscanf(address, "10.0.0.1:%d", &n) // 0 if it is not there
			return n
		}
		run("bare", func(b *testing.B, ctx context.Context, visible []func() int64) {
			b.Helper()
			for i := range visible {
				latest := new(atomic.Int64)
				visible[i] = latest.Load
				responses := reader.Watch(ctx, "services/", clientv3.WithPrefix(), clientv3.WithCreatedNotify())
				<-responses
				go func() {
					for response := range responses {
						for _, event := range response.Events {
							var v struct{ Address string }
							if json.Unmarshal(event.GetKv().GetValue(), &v) == nil {
								latest.Store(number(v.Address))
							}
						}
					}
				}()
			}
		})
		run("roster", func(b *testing.B, ctx context.Context, visible []func() int64) {
			b.Helper()
			if _, err := client.Put(ctx, "services/pay/a", nativeValue(0)); err != nil {
				b.Fatal(err)
			}
			backend := etcd.New(reader, etcd.Options{})
			for i := range visible {
				view := runView(b, backend)
				visible[i] = func() int64 { return number(view.Get("pay")[0].Address) }
			}
		})
	}
}

// BenchmarkDiscoveryChurn writes 1,000 changes a second and takes the processor time that
// they cost, the store's own included: subtract "nobody".
func BenchmarkDiscoveryChurn(b *testing.B) {
	const size, batch = 1000, 10
	for _, name := range []string{"nobody", "bare", "roster", "go-zero", "go-kit"} {
		b.Run(name, func(b *testing.B) {
			client, endpoint := startStore(b)
			key, value := func(i int) string { return fmt.Sprintf("services/pay/%d", i%size) }, nativeValue
			fill(b, client, size, key, value)
			stop := follow(b, name, endpoint)
			defer stop()
			before, began, changes := cpu(), time.Now(), 0
			for b.Loop() {
				for range size / batch { // a second's worth
					var wg sync.WaitGroup
					for range batch {
						changes++
						i := changes
						wg.Go(func() {
							if _, err := client.Put(context.Background(), key(i), value(i)); err != nil {
								b.Error(err)
							}
						})
					}
					wg.Wait()
					time.Sleep(time.Until(began.Add(time.Duration(changes) * time.Millisecond)))
				}
			}
			b.ReportMetric(float64((cpu()-before).Microseconds())/float64(changes), "cpu-us/change")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// follow makes one kind of reader follow services/pay.
func follow(b *testing.B, name, endpoint string) (stop func()) {
	b.Helper()
	client := storeClient(b, endpoint)
	switch name {
	case "bare":
		ctx, cancel := context.WithCancel(b.Context())
		responses := client.Watch(ctx, "services/", clientv3.WithPrefix())
		go func() {
			for range responses {
			}
		}()
		return cancel
	case "roster":
		runView(b, etcd.New(client, etcd.Options{}))
	case "go-zero":
		s, err := discov.NewSubscriber([]string{endpoint[len("http://"):]}, "services/pay")
		if err != nil {
			b.Fatal(err)
		}
		return s.Close
	case "go-kit":
		c, err := etcdv3.NewClient(b.Context(), []string{endpoint}, etcdv3.ClientOptions{})
		if err != nil {
			b.Fatal(err)
		}
		i, err := etcdv3.NewInstancer(c, "services/pay/", kitlog.NewNopLogger())
		if err != nil {
			b.Fatal(err)
		}
		return i.Stop
	}
	return func() {}
}

func cpu() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // it cannot fail for oneself
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
