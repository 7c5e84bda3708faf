package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd"
)

// throughRelay returns a backend that reaches the store through a relay.
func throughRelay(t *testing.T, s *store) (*etcd.Backend, *relay) {
	t.Helper()
	r := newRelay(t, s.listen)
	client := must(etcd.Dial(t.Context(), []string{r.address()}, etcd.DialOptions{}))(t)
	t.Cleanup(func() { client.Close() })
	return etcd.New(client, etcd.Options{TTL: ttl, Heartbeat: heartbeat}), r
}

// truth is what the store holds, key by key.
func truth(t *testing.T, client *clientv3.Client) map[string]string {
	t.Helper()
	held := make(map[string]string)
	for _, kv := range must(client.Get(t.Context(), "services/", clientv3.WithPrefix()))(t).Kvs {
		held[string(kv.GetKey())] = string(kv.GetValue())
	}
	return held
}

// agrees tells whether a view shows what the store holds.
func agrees(view *discovery.View, held map[string]string) bool {
	n := 0
	for service, instances := range view.All() {
		for _, instance := range instances {
			n++
			value := held["services/"+service+"/"+instance.ID]
			if !strings.Contains(value, strconv.Quote(instance.Address)) {
				return false
			}
		}
	}
	return n == len(held)
}

func TestWatchNeitherLosesNorInventsOverACompaction(t *testing.T) {
	s := newStore(t)
	reader, r := throughRelay(t, s)
	client := s.client()
	value := func(n int) string { return fmt.Sprintf(`{"v":1,"address":"10.0.0.1:%d"}`, n) }
	write := func(n int) {
		t.Helper()
		must(client.Put(t.Context(), fmt.Sprintf("services/s%d/i%d", n%7, n), value(n)))(t)
	}
	const before = 60
	for n := range before {
		write(n)
	}
	view := runView(t, reader)

	const rounds = 3
	for round := range rounds {
		r.breakOff()
		eventually(t, "the view is stale", func() bool { return view.Status().Stale })
		for n := range before / 2 { // every round changes, removes and adds
			key := fmt.Sprintf("services/s%d/i%d", n%7, n)
			if n%3 == round {
				must(client.Delete(t.Context(), key))(t)
			} else {
				must(client.Put(t.Context(), key, value(n+1000*(round+1))))(t)
			}
			write(before + before*round + n)
		}
		compact(t, must(s.server.Client())(t))
		r.mend()
		eventually(t, "the view agrees with the store", func() bool { return agrees(view, truth(t, client)) })
		eventually(t, "the view is fresh", func() bool { return !view.Status().Stale })
	}
	if got := reader.WatchStatus(); got.Resyncs < rounds || got.Reconnects < rounds {
		t.Errorf("counts after %d disconnects: %+v", rounds, got)
	}
	t.Logf("%d instances after %d disconnects with compactions, %+v", view.Status().Instances, rounds, reader.WatchStatus())
}

func TestWatchNoticesSilence(t *testing.T) {
	s := newStore(t)
	reader, r := throughRelay(t, s)
	view := runView(t, reader)
	announce(t, s.backend(), instance("mail", 1))
	eventually(t, "it is seen", func() bool { return len(view.Get("mail")) == 1 })

	began := time.Now()
	r.hold()
	eventually(t, "the view is stale", func() bool { return view.Status().Stale })
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("silence was noticed after %v, want 3 s at most", took)
	}
	var lost *etcd.ContactError
	if err := view.Status().Err; !errors.As(err, &lost) || !strings.Contains(err.Error(), r.address()) {
		t.Errorf("the reason is %v, want a ContactError that names the endpoint", err)
	}
	announce(t, s.backend(), instance("mail", 2))
	r.flow()
	eventually(t, "the view is fresh and complete", func() bool {
		return !view.Status().Stale && len(view.Get("mail")) == 2
	})
}

func TestWatchStaysFreshWhenIdle(t *testing.T) {
	s := newStore(t)
	view := runView(t, s.backend())
	// Only signs of life move the revision of a view in which nothing happens.
	other := must(s.client().Put(t.Context(), "elsewhere", "x"))(t)
	eventually(t, "the view knows the later revision", func() bool {
		return view.Status().Revision >= other.Header.GetRevision()
	})
	if status := view.Status(); status.Stale || status.Resyncs != 0 {
		t.Errorf("status of an idle view: %+v", status)
	}
}

func TestWatchSkipsGarbage(t *testing.T) {
	s := newStore(t)
	client := s.client()
	put := func(key, value string) { t.Helper(); must(client.Put(t.Context(), key, value))(t) }
	put("services/mail/bad", "{")
	put("services/mail/future", `{"v":2,"address":"x:1"}`)
	put("services/mail/empty", `{"v":1}`)
	put("services/mail", `{"v":1,"address":"x:1"}`)
	put("services/mail/a/b", `{"v":1,"address":"x:1"}`)
	put("services/mail/good", `{"v":1,"address":"x:1","color":"red","more":{"nested":[1]}}`)
	put("servicesX/mail/near", `{"v":1,"address":"x:1"}`)
	backend := s.backend()
	view := runView(t, backend)
	ids := func() string {
		var list []string
		for _, instances := range view.All() {
			for _, instance := range instances {
				list = append(list, instance.Key().String())
			}
		}
		return strings.Join(list, " ")
	}
	if got := ids(); got != "mail/good" {
		t.Fatalf("the view holds %q, want mail/good alone", got)
	}
	const bad = 5
	if got := backend.WatchStatus().Skipped; got != bad {
		t.Errorf("skipped %d, want %d", got, bad)
	}
	put("services/mail/bad", `{"v":1,"address":"x:2"}`)
	eventually(t, "the mended one is seen", func() bool { return ids() == "mail/bad mail/good" })
	put("services/mail/good", "garbage")
	eventually(t, "the broken one is gone", func() bool { return ids() == "mail/bad" })
	must(client.Delete(t.Context(), "services/mail/a/b"))(t)
	put("services/last/one", `{"v":1,"address":"x:1"}`)
	eventually(t, "the watch goes on", func() bool { return ids() == "last/one mail/bad" })
	if status := view.Status(); status.Stale || status.Resyncs != 0 {
		t.Errorf("garbage disturbed the watch: %+v", status)
	}
}

func TestWatchReadsTenThousand(t *testing.T) {
	s := newStore(t)
	const total, services = 10_000, 100
	instances := make([]discovery.Instance, total)
	for n := range instances {
		instances[n] = instance("s"+strconv.Itoa(n%services), n)
	}
	early := runView(t, s.backend())
	began := time.Now()
	announcement := announce(t, s.backend(), instances...)
	eventually(t, "the watching view has all", func() bool { return early.Status().Instances == total })
	t.Logf("announced and watched %d instances in %v", total, time.Since(began))

	began = time.Now()
	late := runView(t, s.backend())
	if got := late.Status(); got.Instances != total || got.Services != services {
		t.Fatalf("a view that starts later holds %+v", got)
	}
	t.Logf("read %d instances in %v", total, time.Since(began))

	eventually(t, "all of it is registered", func() bool { return announcement.Status().Registered })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := announcement.Close(ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both views are empty", func() bool {
		return early.Status().Instances == 0 && late.Status().Instances == 0
	})
}

func TestPrefixesDoNotMix(t *testing.T) {
	s := newStore(t)
	backend := func(prefix string) *etcd.Backend {
		return etcd.New(s.client(), etcd.Options{Prefix: prefix, TTL: ttl, Heartbeat: heartbeat})
	}
	announce(t, backend("eu"), instance("mail", 1))
	announce(t, backend("eu2/"), instance("mail", 2))
	announce(t, backend(""), instance("mail", 3))
	for prefix, want := range map[string]string{"eu": "i1", "eu2/": "i2", "": "i3"} {
		if got := runView(t, backend(prefix)).Get("mail"); len(got) != 1 || got[0].ID != want {
			t.Errorf("prefix %q shows %v, want %s", prefix, got, want)
		}
	}
	if _, stored := prefixed(t, s)["eu/services/mail/i1"]; !stored {
		t.Error("the key is not at {prefix}services/{name}/{instance_id}")
	}
}

func prefixed(t *testing.T, s *store) map[string]struct{} {
	t.Helper()
	keys := make(map[string]struct{})
	for _, kv := range must(s.client().Get(t.Context(), "eu", clientv3.WithPrefix()))(t).Kvs {
		keys[string(kv.GetKey())] = struct{}{}
	}
	return keys
}

// The watch of a busy store overtakes the answers to its questions, which does not make
// the store one that went back.
func TestWatchMayOvertakeAnAnswer(t *testing.T) {
	s := newStore(t)
	other := s.client()
	var view atomic.Pointer[discovery.View]
	var overtaken atomic.Int64
	client := interceptedClient(s, func(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		err := invoke(ctx, method, request, reply, conn, opts...)
		question, ok := request.(*etcdserverpb.RangeRequest)
		v := view.Load()
		if err != nil || !ok || !question.GetCountOnly() || v == nil {
			return err
		}
		put, err := other.Put(ctx, "services/mail/i1", `{"v":1,"address":"10.0.0.1:1"}`)
		for err == nil && v.Status().Revision < put.Header.GetRevision() && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		overtaken.Add(1)
		return err
	})
	backend := etcd.New(client, etcd.Options{TTL: ttl, Heartbeat: heartbeat})
	view.Store(runView(t, backend))
	eventually(t, "some answers are overtaken", func() bool { return overtaken.Load() >= 5 })
	if got := backend.WatchStatus(); got.Reconnects != 0 || !got.Contact {
		t.Errorf("contact with a store that is merely busy was lost: %+v", got)
	}
}

// The check against dropped events is due although contact is lost more often than that.
func TestRelistInSpiteOfLostContacts(t *testing.T) {
	s := newStore(t)
	r := newRelay(t, s.listen)
	client := must(etcd.Dial(t.Context(), []string{r.address()}, etcd.DialOptions{Timeout: -1}))(t)
	t.Cleanup(func() { client.Close() })
	backend := etcd.New(client, etcd.Options{Heartbeat: heartbeat, Relist: 5 * time.Second})
	view := runView(t, backend)
	for began := time.Now(); backend.WatchStatus().Relists == 0; {
		if time.Since(began) > patience {
			t.Fatalf("no relist in %v, with one due every 5 s: %+v", patience, backend.WatchStatus())
		}
		r.breakOff()
		eventually(t, "it is stale", func() bool { return view.Status().Stale })
		r.mend()
		fresh := time.Time{}
		eventually(t, "it is fresh for a moment", func() bool {
			if fresh.IsZero() && !view.Status().Stale {
				fresh = time.Now()
			}
			return !fresh.IsZero() && time.Since(fresh) > 200*time.Millisecond
		})
	}
}
