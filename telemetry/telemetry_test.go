package telemetry_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/telemetry"
)

func TestCollectorExportsTheCounts(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	codecs := roster.New[int](roster.Named("codecs"), roster.In(d))
	routes := roster.NewHot[int](roster.Named("routes"), roster.In(d))
	codecs.Register("json", 1)
	_ = codecs.TryRegister("json", 2)
	_ = codecs.TryRegister("", 3)
	for range 3 {
		codecs.Get("json")
	}
	codecs.Get("yaml")
	codecs.Get("\xff")
	if err := routes.Reload(map[string]int{"a": 1, "b": 2}); err != nil {
		t.Fatal(err)
	}
	if err := routes.Reload(map[string]int{"": 1}); err == nil {
		t.Fatal("a reload with an empty name was accepted")
	}
	want := `
# HELP registry_lookup_total Lookups by name and outcome: hit, miss, refused.
# TYPE registry_lookup_total counter
registry_lookup_total{name="json",outcome="hit",registry_name="codecs"} 3
registry_lookup_total{name="yaml",outcome="miss",registry_name="codecs"} 1
registry_lookup_total{name="�",outcome="miss",registry_name="codecs"} 1
# HELP registry_register_total Registrations by name and outcome: success, duplicate, invalid.
# TYPE registry_register_total counter
registry_register_total{name="",outcome="invalid",registry_name="codecs"} 1
registry_register_total{name="",outcome="invalid",registry_name="routes"} 1
registry_register_total{name="a",outcome="success",registry_name="routes"} 1
registry_register_total{name="b",outcome="success",registry_name="routes"} 1
registry_register_total{name="json",outcome="duplicate",registry_name="codecs"} 1
registry_register_total{name="json",outcome="success",registry_name="codecs"} 1
# HELP registry_reload_total Reloads of the whole registry by outcome: success, invalid.
# TYPE registry_reload_total counter
registry_reload_total{outcome="invalid",registry_name="routes"} 1
registry_reload_total{outcome="success",registry_name="routes"} 1
# HELP registry_size Entries in the registry now.
# TYPE registry_size gauge
registry_size{registry_name="codecs"} 1
registry_size{registry_name="routes"} 2
`
	collector := telemetry.NewCollector(d)
	if err := testutil.CollectAndCompare(collector, strings.NewReader(want), // without durations, which differ
		"registry_lookup_total", "registry_register_total", "registry_reload_total", "registry_size"); err != nil {
		t.Error(err)
	}
	problems, err := testutil.CollectAndLint(collector)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	runtime.KeepAlive(codecs) // a registry that nobody holds leaves the directory
	runtime.KeepAlive(routes)
}

func TestSeriesOfALargeRegistryAreBounded(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	r := roster.New[int](roster.Named("large"), roster.In(d))
	const names = 5_000
	for i := range names {
		r.Register(fmt.Sprint("n", i), i)
	}
	gatherer := prometheus.NewPedanticRegistry()
	gatherer.MustRegister(telemetry.NewCollector(d))
	families, err := gatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "registry_register_total" {
			continue
		}
		sum := 0.0
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue()
		}
		if n := len(f.GetMetric()); n != 1_001 || sum != names {
			t.Errorf("%d series that add up to %v, want 1001 and %d", n, sum, names)
		}
		runtime.KeepAlive(r)
		return
	}
	t.Error("registry_register_total is missing")
}

func ExampleNewCollector() {
	codecs := roster.New[string](roster.Named("codecs"))
	codecs.Register("json", "application/json")
	codecs.Get("json")

	registry := prometheus.NewRegistry()
	registry.MustRegister(telemetry.NewCollector(nil))

	n, _ := testutil.GatherAndCount(registry, "registry_lookup_total")
	fmt.Println(n, "series")
	// Output: 1 series
}
