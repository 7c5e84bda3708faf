package telemetry_test

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/telemetry"
)

// large is a process with much to tell: 10,000 entries that were all looked up, 1,000 names that
// were looked up in vain, and 100 plugins with two methods each, whose callers also made up 300.
func large(tb testing.TB) (gatherer *prometheus.Registry, keep *roster.Registry[int]) {
	tb.Helper()
	d := roster.NewDirectory()
	r := roster.New[int](roster.Named("large"), roster.In(d))
	for i := range 10_000 {
		name := fmt.Sprintf("entry-%05d", i)
		r.Register(name, i)
		r.Get(name)
	}
	for i := range 1_000 {
		r.Get(fmt.Sprintf("missing-%04d", i))
	}
	plugins := telemetry.NewPlugins(nil)
	failure := errors.New("no such method")
	for p := range 100 {
		name := fmt.Sprintf("plugin-%03d", p)
		for _, method := range []string{"one", "two"} {
			_, done := plugins.Call(tb.Context(), name, method)
			done("OK", nil)
		}
		for m := range 300 {
			_, done := plugins.Call(tb.Context(), name, fmt.Sprint("made-up-", m))
			done("Unimplemented", failure)
		}
		plugins.Restarted(name, "exit")
	}
	gatherer = prometheus.NewRegistry()
	gatherer.MustRegister(telemetry.NewCollector(d), plugins)
	return gatherer, r
}

// A scrape of a large process has so many series and no more, and names that are missing are told
// apart however many there are that are not.
func TestAScrapeOfALargeProcessIsBounded(t *testing.T) {
	t.Parallel()
	gatherer, keep := large(t)
	for range 2 { // the second scrape must not differ
		families, err := gatherer.Gather()
		if err != nil {
			t.Fatal(err)
		}
		series := make(map[string]int)
		missed, missing := 0.0, 0
		for _, f := range families {
			series[f.GetName()] = len(f.GetMetric())
			for _, m := range f.GetMetric() {
				labels := make(map[string]string)
				for _, l := range m.GetLabel() {
					labels[l.GetName()] = l.GetValue()
				}
				if f.GetName() == "registry_lookup_total" && labels["outcome"] == "miss" {
					missed += m.GetCounter().GetValue()
					if labels["name"] != roster.OtherName {
						missing++
					}
				}
			}
		}
		want := map[string]int{
			"registry_size":               1,
			"registry_register_total":     1_001,       // a thousand names and the others
			"registry_lookup_total":       1_001 + 101, // hits, and misses of a hundred names and the others
			"plugin_rpc_duration_seconds": 3 * 100,     // two methods, and what was made up
			"plugin_restart_total":        100,
		}
		if !maps.Equal(series, want) {
			t.Errorf("series are %v, want %v", series, want)
		}
		if missed != 1_000 || missing != 100 {
			t.Errorf("%v misses, %d missing names told apart, want 1000 and 100", missed, missing)
		}
	}
	runtime.KeepAlive(keep)
}
