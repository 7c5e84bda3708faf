package discoverytest

import (
	"context"
	"errors"
	"time"

	"github.com/roster-go/roster/discovery"
)

func announcedIsSeen(h *harness) {
	before := instance("mail", "a", "10.0.0.1:80")
	h.announce(before)
	view := h.view()
	h.sees(view, before)
	after := instance("mail", "b", "10.0.0.2:80")
	other := instance("mailer", "a", "10.0.0.1:81") // a name that starts like the other one
	h.announce(after, other)
	h.sees(view, before, after, other)
	if got := view.Get("mail"); len(got) != 2 || got[0].ID != "a" || got[1].ID != "b" {
		h.Fatalf("Get(mail) = %v, want a and b in order", got)
	}
}

func emptyStoreIsReady(h *harness) {
	view := h.view()
	if status := view.Status(); !status.Ready || status.Stale || status.Instances != 0 {
		h.Fatalf("status of a view of an empty store: %+v", status)
	}
}

func everythingSurvives(h *harness) {
	want := discovery.Instance{
		Service: "bild.größe", ID: `host "7" 100%`, Address: "https://[::1]:8443/a?b=c&d=<e>",
		Region: "eu-west/1", Zone: "b", Version: "v1.2.3+x",
		Metadata: map[string]string{"weight": "3", "line\nbreak": "tab\there", "empty": ""},
	}
	view := h.view()
	h.announce(want)
	h.sees(view, want)
}

func invalidIsRefused(h *harness) {
	view := h.view()
	for _, bad := range [][]discovery.Instance{
		{instance("a/b", "1", "x:1")},
		{instance("a", "", "x:1")},
		{instance("a", "1", "")},
		{instance("a", "1", "x:1"), instance("a", "1", "y:1")},
	} {
		announcement, err := h.backend.Announce(context.Background(), bad)
		if !errors.Is(err, discovery.ErrInvalidInstance) {
			h.Fatalf("Announce(%v) = %v, %v, want an InstanceError", bad, announcement, err)
		}
	}
	good := instance("a", "1", "x:1")
	announcement := h.announce(good)
	if err := announcement.Update(context.Background(), []discovery.Instance{instance("a", "1/2", "x:1")}); !errors.Is(err, discovery.ErrInvalidInstance) {
		h.Fatalf("Update with an invalid instance = %v, want an InstanceError", err)
	}
	h.sees(view, good)
}

func closeRemoves(h *harness) {
	view := h.view()
	stays := instance("mail", "b", "10.0.0.2:80")
	leaves := h.announce(instance("mail", "a", "10.0.0.1:80"), instance("sms", "a", "10.0.0.1:80"))
	h.announce(stays)
	h.eventually("all three are seen", func() bool { return view.Status().Instances == 3 })
	h.close(leaves)
	h.sees(view, stays)
	if status := leaves.Status(); status.Registered {
		h.Fatalf("a closed announcement counts as registered: %+v", status)
	}
}

func closeTwice(h *harness) {
	announcement := h.announce(instance("mail", "a", "10.0.0.1:80"))
	h.close(announcement)
	h.close(announcement)
	if err := announcement.Update(context.Background(), nil); !errors.Is(err, discovery.ErrClosed) {
		h.Fatalf("Update after Close = %v, want ErrClosed", err)
	}
}

func crashExpires(h *harness) {
	view := h.view()
	stays := instance("mail", "b", "10.0.0.2:80")
	h.announce(stays)
	crashed := h.announce(instance("mail", "a", "10.0.0.1:80"))
	h.eventually("both are seen", func() bool { return view.Status().Instances == 2 })
	h.backend.Crash(crashed)
	h.sees(view, stays)
}

func renewalHolds(h *harness) {
	view := h.view()
	announcement := h.announce(instance("mail", "a", "10.0.0.1:80"))
	h.eventually("it is seen", func() bool { return view.Status().Instances == 1 })
	// A second announcement that is not renewed shows when a lease time has passed.
	crashed := h.announce(instance("clock", "a", "10.0.0.1:80"))
	h.eventually("the clock is seen", func() bool { return view.Get("clock") != nil })
	h.backend.Crash(crashed)
	h.eventually("the clock has run out", func() bool { return view.Get("clock") == nil })
	if len(view.Get("mail")) != 1 {
		h.Fatal("an instance that is renewed expired")
	}
	if status := announcement.Status(); !status.Registered || status.Registrations != 1 {
		h.Fatalf("status after a lease time: %+v", status)
	}
}

func updateReplaces(h *harness) {
	view := h.view()
	a, b, c := instance("s", "a", "1:1"), instance("s", "b", "2:1"), instance("t", "c", "3:1")
	announcement := h.announce(a, b)
	h.sees(view, a, b)
	b.Address = "2:2"
	h.update(announcement, b, c)
	h.sees(view, b, c)
	h.update(announcement)
	h.sees(view)
	h.update(announcement, a)
	h.sees(view, a)
	if status := announcement.Status(); !status.Registered || status.Instances != 1 {
		h.Fatalf("status after updates: %+v", status)
	}
}

func lostLeaseReturns(h *harness) {
	view := h.view()
	want := instance("mail", "a", "10.0.0.1:80")
	announcement := h.announce(want)
	h.sees(view, want)
	const losses = 2
	for n := range uint64(losses) {
		h.backend.LoseLease(announcement)
		h.eventually("the lease was replaced", func() bool { return announcement.Status().Registrations == n+2 })
		h.registered(announcement)
		h.sees(view, want)
	}
}

func successorStays(h *harness) {
	view := h.view()
	first := h.announce(instance("mail", "a", "10.0.0.1:80"))
	h.eventually("the first is seen", func() bool { return view.Status().Instances == 1 })
	successor := instance("mail", "a", "10.0.0.9:80")
	h.announce(successor)
	h.sees(view, successor)
	h.close(first)
	// What is announced now is seen after any effect of the Close.
	marker := instance("marker", "a", "10.0.0.1:80")
	h.announce(marker)
	h.sees(view, successor, marker)
}

func successorIsNotOverwritten(h *harness) {
	view := h.view()
	first := h.announce(instance("mail", "a", "10.0.0.1:80"))
	successor := instance("mail", "a", "10.0.0.9:80")
	second := h.announce(successor)
	h.sees(view, successor)
	h.backend.LoseLease(first)
	h.eventually("the first says that it lost its key", func() bool {
		status := first.Status()
		return errors.Is(status.Err, discovery.ErrOwned) && !status.Registered && status.Registrations > 1
	})
	h.sees(view, successor)
	h.close(second)
	h.sees(view, instance("mail", "a", "10.0.0.1:80"))
	h.registered(first)
}

func disconnectTurnsStale(h *harness) {
	view := h.view()
	want := instance("mail", "a", "10.0.0.1:80")
	announcement := h.announce(want)
	h.sees(view, want)
	cut := time.Now()
	h.backend.Disconnect()
	h.eventually("the view is stale", func() bool { return view.Status().Stale })
	status := view.Status()
	if status.Err == nil || !status.Ready || status.StaleSince.Before(cut) {
		h.Fatalf("status of a stale view: %+v", status)
	}
	h.sees(view, want)
	h.eventually("the announcement reports the failure", func() bool { return announcement.Status().Err != nil })
	h.backend.Reconnect()
	h.eventually("the view is fresh", func() bool { return !view.Status().Stale })
	h.registered(announcement)
	h.sees(view, want)
	if status := view.Status(); status.Resyncs == 0 || status.Err != nil || !status.StaleSince.IsZero() {
		h.Fatalf("status of a recovered view: %+v", status)
	}
}

func noLossNoPhantom(h *harness) {
	view := h.view()
	stays, appears := instance("mail", "a", "10.0.0.1:80"), instance("mail", "c", "10.0.0.3:80")
	steady := h.announce(stays)
	gone := h.announce(instance("mail", "b", "10.0.0.2:80"), instance("sms", "b", "10.0.0.2:80"))
	h.eventually("all three are seen", func() bool { return view.Status().Instances == 3 })
	h.backend.Disconnect()
	h.eventually("the view is stale", func() bool { return view.Status().Stale })
	h.backend.Crash(gone)
	h.announce(appears)
	h.backend.Reconnect()
	h.registered(steady)
	h.sees(view, stays, appears)
	if status := view.Status(); status.Stale {
		h.Fatalf("the view is complete and stale: %+v", status)
	}
}

func announceWhileDown(h *harness) {
	view := h.view()
	h.backend.Disconnect()
	want := instance("mail", "a", "10.0.0.1:80")
	announcement := h.announce(want)
	h.eventually("the announcement says why it is not registered", func() bool {
		status := announcement.Status()
		return !status.Registered && status.Err != nil
	})
	h.backend.Reconnect()
	h.registered(announcement)
	h.sees(view, want)
}

func twoWatches(h *harness) {
	one, two := h.view(), h.view()
	want := instance("mail", "a", "10.0.0.1:80")
	announcement := h.announce(want)
	h.sees(one, want)
	h.sees(two, want)
	h.close(announcement)
	h.sees(one)
	h.sees(two)
}
