package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/telemetry"
)

// watched is a memory that tells how it stands.
type watched struct {
	*discovery.Memory

	status discovery.WatchStatus
}

func (w *watched) WatchStatus() discovery.WatchStatus { return w.status }

func TestDiscoveryMetrics(t *testing.T) {
	t.Parallel()
	store := &watched{Memory: discovery.NewMemory(time.Minute), status: discovery.WatchStatus{
		Lag: 1500 * time.Millisecond, Reconnects: 4, Resumes: 3, Resyncs: 7, Relists: 6, Restores: 1, Skipped: 2,
	}}
	if _, err := store.Announce(t.Context(), []discovery.Instance{
		{Service: "mail", ID: "a", Address: "a:1"}, {Service: "mail", ID: "b", Address: "b:1"}, {Service: "news", ID: "a", Address: "a:1"},
	}); err != nil {
		t.Fatal(err)
	}
	view := discovery.NewView(discovery.In(roster.NewDirectory()))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = view.Run(ctx, store) }()
	defer func() { cancel(); <-ended }()
	<-view.Ready()

	collector := telemetry.NewDiscovery(view, store)
	if err := testutil.CollectAndCompare(collector, strings.NewReader(`
# HELP instances_by_service Instances that the view shows.
# TYPE instances_by_service gauge
instances_by_service{service="mail"} 2
instances_by_service{service="news"} 1
# HELP watch_lag_seconds How far the view is behind the store, measured on this process's clock.
# TYPE watch_lag_seconds gauge
watch_lag_seconds 1.5
# HELP reconnect_count Contacts with the store that were lost and found again.
# TYPE reconnect_count counter
reconnect_count 4
# HELP discovery_view_stale 1 while the view may be outdated, else 0.
# TYPE discovery_view_stale gauge
discovery_view_stale 0
`), "instances_by_service", "watch_lag_seconds", "reconnect_count", "discovery_view_stale"); err != nil {
		t.Error(err)
	}
	problems, err := testutil.CollectAndLint(collector)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if p.Metric != "reconnect_count" { // the name is given
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}

	store.Interrupt(errors.New("away"))
	for !view.Status().Stale {
		time.Sleep(time.Millisecond)
	}
	if n := testutil.CollectAndCount(collector, "discovery_view_stale_seconds"); n != 1 {
		t.Errorf("%d series of discovery_view_stale_seconds", n)
	}
	if err := testutil.CollectAndCompare(collector, strings.NewReader(`
# HELP discovery_view_stale 1 while the view may be outdated, else 0.
# TYPE discovery_view_stale gauge
discovery_view_stale 1
`), "discovery_view_stale"); err != nil {
		t.Error(err)
	}
}

// A source that tells nothing about itself costs the metrics of the watch, not the scrape;
// a great many services cost a bounded number of series.
func TestDiscoveryMetricsAreBounded(t *testing.T) {
	t.Parallel()
	store := discovery.NewMemory(time.Minute)
	var many []discovery.Instance
	for n := range 1_005 {
		many = append(many, discovery.Instance{Service: fmt.Sprintf("s%04d", n), ID: "a", Address: "a:1"})
	}
	if _, err := store.Announce(t.Context(), many); err != nil {
		t.Fatal(err)
	}
	view := discovery.NewView(discovery.In(roster.NewDirectory()))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = view.Run(ctx, store) }()
	defer func() { cancel(); <-ended }()
	<-view.Ready()
	collector := telemetry.NewDiscovery(view, store)
	if n := testutil.CollectAndCount(collector, "instances_by_service"); n != 1_001 {
		t.Errorf("%d series for 1,005 services, want 1,001", n)
	}
	if n := testutil.CollectAndCount(collector, "watch_lag_seconds"); n != 0 {
		t.Errorf("%d series of a lag that nobody measures", n)
	}
}

// A service may have the name that stands for all others.
func TestDiscoveryMetricsOfAServiceNamedOther(t *testing.T) {
	t.Parallel()
	for _, services := range []int{0, 1_005} {
		view := discovery.NewView(discovery.In(roster.NewDirectory()))
		all := []discovery.Instance{{Service: roster.OtherName, ID: "a", Address: "a:1"}}
		for n := range services {
			all = append(all, discovery.Instance{Service: fmt.Sprintf("s%04d", n), ID: "a", Address: "a:1"})
		}
		view.Sync(1, all)
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(telemetry.NewDiscovery(view, discovery.NewMemory(time.Minute)))
		if _, err := registry.Gather(); err != nil {
			t.Errorf("with %d services beside it: %v", services, err)
		}
	}
}

// reregistering is a source that is a registrar as well.
type reregistering struct{ *discovery.Memory }

func (reregistering) Reregistrations() uint64 { return 3 }

// An operator can raise an alarm when something is announced in vain, or kept in vain.
func TestAnnouncementMetrics(t *testing.T) {
	t.Parallel()
	store := discovery.NewMemory(time.Minute)
	announcement, err := store.Announce(t.Context(), []discovery.Instance{{Service: "mail", ID: "a", Address: "a:1"}})
	if err != nil {
		t.Fatal(err)
	}
	collector := telemetry.NewAnnouncement(announcement)
	expect := func(registered, failing int) {
		t.Helper()
		if err := testutil.CollectAndCompare(collector, strings.NewReader(fmt.Sprintf(`
# HELP discovery_announcement_registered 1 while the store holds the whole set under a lease, as far as is known, else 0.
# TYPE discovery_announcement_registered gauge
discovery_announcement_registered %d
# HELP discovery_announcement_failing 1 if the latest attempt to register or to renew failed, else 0.
# TYPE discovery_announcement_failing gauge
discovery_announcement_failing %d
# HELP discovery_announcement_instances Instances that are announced.
# TYPE discovery_announcement_instances gauge
discovery_announcement_instances 1
# HELP discovery_announcement_registrations_total Leases that were taken; all but the first replaced a lost one.
# TYPE discovery_announcement_registrations_total counter
discovery_announcement_registrations_total 1
`, registered, failing)), "discovery_announcement_registered", "discovery_announcement_failing",
			"discovery_announcement_instances", "discovery_announcement_registrations_total"); err != nil {
			t.Error(err)
		}
	}
	expect(1, 0)
	store.Interrupt(nil)
	_ = announcement.Update(t.Context(), []discovery.Instance{{Service: "mail", ID: "b", Address: "a:1"}}) // which fails
	expect(1, 1)
	if err := announcement.Close(t.Context()); err == nil {
		t.Error("closed without a store")
	}
	expect(0, 0)
	if problems, err := testutil.CollectAndLint(collector); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}

	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	view := discovery.NewView(discovery.In(roster.NewDirectory()), discovery.KeepCopy(filepath.Join(path, "view")))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = view.Run(ctx, discovery.NewMemory(time.Minute)) }()
	<-view.Ready()
	view.Sync(9, []discovery.Instance{{Service: "mail", ID: "a"}}) // without an address
	cancel()
	<-ended
	if err := testutil.CollectAndCompare(telemetry.NewDiscovery(view, reregistering{store}), strings.NewReader(`
# HELP discovery_view_copy_failed 1 while the copy of the view on disk cannot be read or written, else 0.
# TYPE discovery_view_copy_failed gauge
discovery_view_copy_failed 1
# HELP discovery_view_invalid_total Instances that the view left out because they are invalid, each time they were read.
# TYPE discovery_view_invalid_total counter
discovery_view_invalid_total 1
# HELP discovery_reregistrations_total Leases that announcements took to replace a lost one.
# TYPE discovery_reregistrations_total counter
discovery_reregistrations_total 3
`), "discovery_view_copy_failed", "discovery_view_invalid_total", "discovery_reregistrations_total"); err != nil {
		t.Error(err)
	}
}
