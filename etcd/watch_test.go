package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

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
	if got := reader.Status(); got.Resyncs < rounds || got.Disconnects < rounds {
		t.Errorf("counts after %d disconnects: %+v", rounds, got)
	}
	t.Logf("%d instances after %d disconnects with compactions, %+v", view.Status().Instances, rounds, reader.Status())
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
	if took := time.Since(began); took > 20*heartbeat {
		t.Errorf("silence was noticed after %v, want some four heartbeats of %v", took, heartbeat)
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
	if got := backend.Status().Skipped; got != bad {
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
