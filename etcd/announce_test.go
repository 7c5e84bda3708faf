package etcd_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd"
)

func TestAnnouncementLayout(t *testing.T) {
	s := newStore(t)
	backend := etcd.New(s.client(), etcd.Options{})
	announcement := announce(t, backend, discovery.Instance{
		Service: "image.thumbnail", ID: "host-a", Address: "10.0.0.7:7070", Region: "eu", Zone: "a",
		Version: "v1.4.0", Metadata: map[string]string{"weight": "3"},
	})
	client := s.client()
	got := must(client.Get(t.Context(), "services/image.thumbnail/host-a"))(t)
	if len(got.Kvs) != 1 {
		t.Fatal("there is no key services/image.thumbnail/host-a")
	}
	const want = `{"v":1,"address":"10.0.0.7:7070","region":"eu","zone":"a","version":"v1.4.0","metadata":{"weight":"3"}}`
	if value := string(got.Kvs[0].GetValue()); value != want {
		t.Errorf("the value is %s, want %s", value, want)
	}
	lease := must(client.TimeToLive(t.Context(), clientv3.LeaseID(got.Kvs[0].GetLease())))(t)
	if lease.GrantedTTL != 30 {
		t.Errorf("the lease lives %d s, want 30", lease.GrantedTTL)
	}
	if status := announcement.Status(); !status.Registered || status.Registrations != 1 || status.Err != nil {
		t.Errorf("status: %+v", status)
	}
}

func TestUpdateWritesOnlyDifferences(t *testing.T) {
	s := newStore(t)
	client := s.client()
	modified := func(id string) int64 {
		t.Helper()
		kvs := must(client.Get(t.Context(), "services/mail/"+id))(t).Kvs
		if len(kvs) == 0 {
			return 0
		}
		return kvs[0].GetModRevision()
	}
	announcement := announce(t, s.backend(), instance("mail", 1), instance("mail", 2), instance("mail", 3))
	one, two := modified("i1"), modified("i2")
	if one == 0 || one != two {
		t.Fatalf("one announcement took revisions %d and %d, want one", one, two)
	}
	changed := instance("mail", 2)
	changed.Zone = "b"
	if err := announcement.Update(t.Context(), []discovery.Instance{instance("mail", 1), changed, instance("mail", 4)}); err != nil {
		t.Fatal(err)
	}
	if got := modified("i1"); got != one {
		t.Errorf("an equal instance was written again, in revision %d after %d", got, one)
	}
	if modified("i2") == two || modified("i3") != 0 || modified("i4") == 0 {
		t.Errorf("i2, i3, i4 are at %d, %d, %d", modified("i2"), modified("i3"), modified("i4"))
	}
}

func TestDeletedKeyReturns(t *testing.T) {
	s := newStore(t)
	client := s.client()
	announcement := announce(t, s.backend(), instance("mail", 1), instance("mail", 2))
	must(client.Delete(t.Context(), "services/mail/i1"))(t)
	eventually(t, "the key is back", func() bool {
		return must(client.Get(t.Context(), "services/mail/i1", clientv3.WithCountOnly()))(t).Count == 1
	})
	if got := announcement.Status(); got.Registrations != 1 {
		t.Errorf("a deleted key cost the lease: %+v", got)
	}
}

func TestOverwrittenByStrangerIsNotDeleted(t *testing.T) {
	s := newStore(t)
	client := s.client()
	announcement := announce(t, s.backend(), instance("mail", 1))
	const strange = `{"v":1,"address":"stranger:1"}`
	must(client.Put(t.Context(), "services/mail/i1", strange))(t) // under no lease at all
	if err := announcement.Update(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := announcement.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := truth(t, client)["services/mail/i1"]; got != strange {
		t.Errorf("the stranger's value is now %q", got)
	}
}

func TestCrashIsGoneWithinTTL(t *testing.T) {
	s := newStore(t)
	view := runView(t, s.backend())
	announcement := announce(t, s.backend(), instance("mail", 1))
	eventually(t, "it is seen", func() bool { return len(view.Get("mail")) == 1 })
	etcd.Abandon(announcement)
	began := time.Now()
	eventually(t, "it is gone", func() bool { return len(view.Get("mail")) == 0 })
	// etcd looks for leases that ran out every half second.
	if took, limit := time.Since(began), ttl+2*time.Second; took > limit {
		t.Errorf("it was gone after %v, want at most %v", took, limit)
	} else {
		t.Logf("gone %v after the crash, with leases of %v", took, ttl)
	}
}

func TestCloseIsSeenAtOnce(t *testing.T) {
	s := newStore(t)
	backend := etcd.New(s.client(), etcd.Options{TTL: time.Hour})
	view := runView(t, backend)
	announcement := announce(t, backend, instance("mail", 1))
	eventually(t, "it is seen", func() bool { return len(view.Get("mail")) == 1 })
	began := time.Now()
	if err := announcement.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is gone", func() bool { return len(view.Get("mail")) == 0 })
	t.Logf("gone %v after Close began", time.Since(began))
	if left := must(s.client().Leases(t.Context()))(t).Leases; len(left) != 0 {
		t.Errorf("leases are left behind: %v", left)
	}
}

func TestStatusOutlivesAnOutageByTheLease(t *testing.T) {
	s := newStore(t)
	announcement := announce(t, s.backend(), instance("mail", 1))
	cut := time.Now()
	s.stop()
	eventually(t, "it counts as no longer registered", func() bool { return !announcement.Status().Registered })
	status := announcement.Status()
	if lived := status.Since.Sub(cut); status.Err == nil || lived > ttl {
		t.Errorf("it counted as registered for %v after the last renewal could have happened: %+v", lived, status)
	}
	s.start()
	eventually(t, "it is registered", func() bool { return announcement.Status().Registered })
	if err := announcement.Update(t.Context(), []discovery.Instance{instance("mail", 2)}); err != nil {
		t.Fatal(err)
	}
	s.stop()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := announcement.Update(ctx, []discovery.Instance{instance("mail", 3)}); err == nil {
		t.Error("an update without a store succeeded")
	}
	eventually(t, "a set that was never stored does not count", func() bool { return !announcement.Status().Registered })
	s.start()
	view := runView(t, s.backend())
	eventually(t, "the set is stored in the end", func() bool {
		got := view.Get("mail")
		return len(got) == 1 && got[0].ID == "i3" && announcement.Status().Registered
	})
}

func TestCloseReportsAStoreThatIsAway(t *testing.T) {
	s := newStore(t)
	announcement := announce(t, s.backend(), instance("mail", 1))
	s.stop()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := announcement.Close(ctx); err == nil {
		t.Error("Close without a store succeeded")
	} else {
		t.Log(err)
	}
}

func TestAnnounceGivesUpWithItsContext(t *testing.T) {
	client := must(etcd.Dial(t.Context(), []string{freeAddress(t)}, etcd.DialOptions{Timeout: -1}))(t)
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	announcement, err := etcd.New(client, etcd.Options{}).Announce(ctx, []discovery.Instance{instance("mail", 1)})
	if err == nil {
		t.Fatalf("got %v, want the end of the context", announcement)
	}
}

func TestAnnounceReturnsWithoutAStore(t *testing.T) {
	client := must(etcd.Dial(t.Context(), []string{freeAddress(t)}, etcd.DialOptions{Timeout: -1}))(t)
	defer client.Close()
	announcement := announce(t, etcd.New(client, etcd.Options{}), instance("mail", 1))
	if status := announcement.Status(); status.Registered || status.Err == nil {
		t.Errorf("the status does not say that the store is away: %+v", status)
	}
}

// An update that removes instances is no mass expiry.
func TestUpdateIsNoMassExpiry(t *testing.T) {
	s := newStore(t)
	view := runView(t, s.backend(), discovery.Protect(discovery.Protection{}))
	var all []discovery.Instance
	for n := range 40 { // more than one transaction
		all = append(all, instance("mail", n))
	}
	announcement := announce(t, s.backend(), all...)
	eventually(t, "all are seen", func() bool { return len(view.Get("mail")) == len(all) })
	if err := announcement.Update(t.Context(), all[:2]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "those that were removed are gone", func() bool { return len(view.Get("mail")) == 2 })
	if status := view.Status(); status.Held != 0 || !status.Protecting.IsZero() {
		t.Errorf("held back: %+v", status)
	}
}

// A store that is restored from a backup has the lease of an announcement, and under it what
// was removed and what was changed since.
func TestAnnouncementOutlivesARestore(t *testing.T) {
	s := newStore(t)
	client := s.client()
	announcement := announce(t, s.backend(), instance("mail", 1), instance("mail", 2))
	s.stop()
	backup := filepath.Join(t.TempDir(), "backup")
	if err := os.CopyFS(backup, os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
	s.start()
	changed := instance("mail", 2)
	changed.Address = "10.0.0.9:9"
	eventually(t, "the update is stored", func() bool {
		return announcement.Update(t.Context(), []discovery.Instance{changed}) == nil
	})
	s.stop()
	if err := os.RemoveAll(s.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(backup, s.dir); err != nil {
		t.Fatal(err)
	}
	s.start()
	eventually(t, "the store has what is wanted", func() bool {
		all := truth(t, client)
		return len(all) == 1 && strings.Contains(all["services/mail/i2"], changed.Address)
	})
	if got := announcement.Status(); got.Registrations != 1 {
		t.Errorf("it took another lease, so nothing is shown: %+v", got)
	}
}
