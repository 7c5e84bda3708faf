package replication_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd"
)

// runView runs a ready view of a region's instances, those of the others among them.
func runView(t *testing.T, r *region) *discovery.View {
	t.Helper()
	view := discovery.NewView(discovery.In(roster.NewDirectory()))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	backend := etcd.New(r.client, etcd.Options{Heartbeat: heartbeat, Regions: true})
	go func() { ended <- view.Run(ctx, backend) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
	})
	select {
	case <-view.Ready():
	case <-time.After(patience):
		t.Fatalf("the view is not ready: %v", view.Status().Err)
	}
	return view
}

func announce(t *testing.T, r *region, instances ...discovery.Instance) discovery.Announcement {
	t.Helper()
	backend := etcd.New(r.client, etcd.Options{TTL: 2 * time.Second, Heartbeat: heartbeat})
	announcement := must(backend.Announce(t.Context(), instances))(t)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = announcement.Close(ctx)
	})
	return announcement
}

func text(view *discovery.View, service string) string {
	var text strings.Builder
	for _, i := range view.Get(service) {
		fmt.Fprintf(&text, "%s=%s %s %s", i.ID, i.Address, i.Region, i.Metadata[etcd.Unconfirmed])
		if i.Draining {
			text.WriteString(" draining")
		}
		text.WriteString("; ")
	}
	return text.String()
}

// Instances are seen in the other regions, with their region, and go when they go.
func TestInstancesAreMirrored(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "eu", "us", "ap")
	w.meet("eu", "us", "ap")
	eu, us := w.regions["eu"], w.regions["us"]
	announce(t, eu, discovery.Instance{Service: "mail", ID: "i1", Address: "10.0.0.1:1", Region: "somewhere"})
	theirs := announce(t, us, discovery.Instance{Service: "mail", ID: "i1", Address: "10.1.0.1:1"}, discovery.Instance{Service: "mail", ID: "i2", Address: "10.1.0.2:1"})
	view := runView(t, eu)
	want := "i1=10.0.0.1:1 somewhere ; i1@us=10.1.0.1:1 us ; i2@us=10.1.0.2:1 us ; "
	eventually(t, "eu sees its own and those of us", func() bool { return text(view, "mail") == want })
	in := runView(t, w.regions["ap"])
	eventually(t, "ap sees both, once", func() bool {
		return text(in, "mail") == "i1@eu=10.0.0.1:1 eu ; i1@us=10.1.0.1:1 us ; i2@us=10.1.0.2:1 us ; "
	})
	must(0, theirs.Update(t.Context(), []discovery.Instance{{Service: "mail", ID: "i2", Address: "10.1.0.2:1", Draining: true}}))(t)
	eventually(t, "draining and removal pass through", func() bool {
		return text(view, "mail") == "i1=10.0.0.1:1 somewhere ; i2@us=10.1.0.2:1 us  draining; "
	})
	got := must(us.client.Get(t.Context(), "r/us/services/mail/i2"))(t)
	if len(got.Kvs) != 0 {
		t.Error("instances were mirrored back to where they come from")
	}

	// While nothing is heard of a region its instances stay, marked.
	w.partition("eu", "us", true)
	eventually(t, "they are marked", func() bool {
		return text(view, "mail") == "i1=10.0.0.1:1 somewhere ; i2@us=10.1.0.2:1 us true draining; "
	})
	must(0, theirs.Update(t.Context(), []discovery.Instance{{Service: "mail", ID: "i3", Address: "10.1.0.3:1"}}))(t)
	w.partition("eu", "us", false)
	eventually(t, "what changed meanwhile is seen, unmarked", func() bool {
		return text(view, "mail") == "i1=10.0.0.1:1 somewhere ; i3@us=10.1.0.3:1 us ; "
	})
	// A new agent does not know what was removed before: it sends everything, and what it does
	// not name is swept.
	us.stopAgent()
	must(0, theirs.Update(t.Context(), []discovery.Instance{{Service: "mail", ID: "i4", Address: "10.1.0.4:1"}}))(t)
	us.startAgent()
	eventually(t, "the removed one is swept", func() bool {
		return text(view, "mail") == "i1=10.0.0.1:1 somewhere ; i4@us=10.1.0.4:1 us ; "
	})
	// A retired region's instances go.
	must(0, eu.store.Regions().Retire(t.Context(), "us"))(t)
	eventually(t, "they are gone", func() bool { return text(view, "mail") == "i1=10.0.0.1:1 somewhere ; " })
}
