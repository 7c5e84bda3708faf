package telemetry_test

import (
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/kill"
	"github.com/roster-go/roster/telemetry"
)

// histogram returns the only series of a histogram.
func histogram(t *testing.T, gatherer prometheus.Gatherer, name string) *dto.Histogram {
	t.Helper()
	families, err := gatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name && len(f.GetMetric()) == 1 {
			return f.GetMetric()[0].GetHistogram()
		}
	}
	t.Fatalf("there is not one %s", name)
	return nil
}

func TestReloadTimesAreANativeAndAClassicHistogram(t *testing.T) {
	t.Parallel()
	gatherer := prometheus.NewPedanticRegistry()
	synctest.Test(t, func(*testing.T) {
		d := roster.NewDirectory()
		routes := roster.NewHot[int](roster.Named("routes"), roster.In(d))
		gatherer.MustRegister(telemetry.NewCollector(d))
		for _, took := range []time.Duration{0, 10 * time.Millisecond, time.Second, time.Second, 20 * time.Second, 5 * time.Minute} {
			_ = routes.Update(func(*roster.Draft[int]) error { time.Sleep(took); return errors.New("given up") })
		}
		// Twice, because a scrape must not change the next one.
		histogram(t, gatherer, "registry_reload_duration_seconds")
		h := histogram(t, gatherer, "registry_reload_duration_seconds")
		if h.GetSampleCount() != 6 || h.GetSampleSum() != 322.01 || h.GetZeroCount() != 1 || h.GetSchema() != 2 {
			t.Errorf("count %v, sum %v, zero count %v, schema %v", h.GetSampleCount(), h.GetSampleSum(), h.GetZeroCount(), h.GetSchema())
		}
		native, delta := 0, 0
		for _, d := range h.GetPositiveDelta() {
			delta += int(d)
			native += delta
		}
		if native != 5 {
			t.Errorf("%d durations in native buckets, want 5", native)
		}
		// The third of five minutes is beyond the last bucket.
		want := map[float64]uint64{1.0 / 16384: 1, 1.0 / 256: 1, 1.0 / 64: 2, 0.25: 2, 1: 4, 16: 4, 64: 5}
		for _, b := range h.GetBucket() {
			if n, ok := want[b.GetUpperBound()]; ok && n != b.GetCumulativeCount() {
				t.Errorf("%d up to %v s, want %d", b.GetCumulativeCount(), b.GetUpperBound(), n)
			}
			delete(want, b.GetUpperBound())
		}
		if len(want) > 0 {
			t.Errorf("no buckets up to %v", want)
		}
	})
}

func TestEveryMetricIsClean(t *testing.T) {
	t.Parallel()
	gatherer := prometheus.NewPedanticRegistry()
	d := roster.NewDirectory()
	routes := roster.NewHot[int](roster.Named("routes"), roster.In(d))
	if err := routes.Reload(map[string]int{"a": 1}); err != nil {
		t.Fatal(err)
	}
	_ = routes.TryRegister("", 1)
	routes.Get("a")
	routes.Get("b")
	plugins := telemetry.NewPlugins(nil)
	_, done := plugins.Call(t.Context(), "p", "method")
	done("OK", nil)
	plugins.Restarted("p", "exit")

	store := &watched{Memory: discovery.NewMemory(time.Minute)}
	view := discovery.NewView(discovery.In(roster.NewDirectory()))
	announcement, err := store.Announce(t.Context(), []discovery.Instance{{Service: "s", ID: "i", Address: "a:1"}})
	if err != nil {
		t.Fatal(err)
	}
	gatherer.MustRegister(
		telemetry.NewCollector(d), plugins, telemetry.NewDiscovery(view, store), telemetry.NewAnnouncement(announcement),
		telemetry.NewKill(killing{Peers: []kill.PeerStatus{{Region: "us"}}}),
		telemetry.NewReplication(links{{From: "eu", To: "us"}, {From: "us", To: "eu", Incoming: true}}),
	)
	problems, err := testutil.GatherAndLint(gatherer)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if p.Metric != "reconnect_count" { // the name is given
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	runtime.KeepAlive(routes)
}
