package top_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster/cmd/roster/internal/top"
)

// A daemon that answers what a test wants.
type answers struct {
	metrics   string
	plugins   string
	instances string
	err       error
}

func (a *answers) get(_ context.Context, path string) ([]byte, error) {
	if a.err != nil {
		return nil, a.err
	}
	return []byte(map[string]string{"/metrics": a.metrics, "/v1/plugins": a.plugins, "/v1/instances": a.instances}[path]), nil
}

func metrics(hits, misses, ok, failed int) string {
	return fmt.Sprintf(`# TYPE registry_size gauge
registry_size{registry_name="capabilities"} 7
registry_size{registry_name="idle"} 1
# TYPE registry_lookup_total counter
registry_lookup_total{registry_name="capabilities",name="a",outcome="hit"} %d
registry_lookup_total{registry_name="capabilities",name="b",outcome="miss"} %d
# TYPE plugin_rpc_duration_seconds histogram
plugin_rpc_duration_seconds_bucket{plugin_name="p",method="m",code="OK",le="0.001"} 0
plugin_rpc_duration_seconds_bucket{plugin_name="p",method="m",code="OK",le="0.002"} %[3]d
plugin_rpc_duration_seconds_bucket{plugin_name="p",method="m",code="OK",le="+Inf"} %[3]d
plugin_rpc_duration_seconds_sum{plugin_name="p",method="m",code="OK"} 1
plugin_rpc_duration_seconds_count{plugin_name="p",method="m",code="OK"} %[3]d
plugin_rpc_duration_seconds_bucket{plugin_name="p",method="m",code="Internal",le="0.001"} 0
plugin_rpc_duration_seconds_bucket{plugin_name="p",method="m",code="Internal",le="0.002"} 0
plugin_rpc_duration_seconds_bucket{plugin_name="p",method="m",code="Internal",le="+Inf"} %[4]d
plugin_rpc_duration_seconds_sum{plugin_name="p",method="m",code="Internal"} 1
plugin_rpc_duration_seconds_count{plugin_name="p",method="m",code="Internal"} %[4]d
# TYPE watch_lag_seconds gauge
watch_lag_seconds 0.25
# TYPE replication_lag_seconds gauge
replication_lag_seconds{from="eu",to="us"} 1.5
# TYPE replication_link_up gauge
replication_link_up{from="eu",to="us"} 0
# TYPE kill_targets gauge
kill_targets 2
# TYPE kill_runtimes gauge
kill_runtimes{state="acked"} 1
kill_runtimes{state="pending"} 3
`, hits, misses, ok, failed)
}

func begun(t *testing.T) (*top.Watch, *answers) {
	t.Helper()
	a := &answers{
		metrics:   metrics(100, 10, 50, 0),
		plugins:   `{"plugins": [{"name": "p", "version": "1.0.0", "state": "ready", "pid": 7, "restarts": 2}]}`,
		instances: `{"instances": [{"service": "mail", "id": "a"}, {"service": "mail", "id": "b"}]}`,
	}
	w := &top.Watch{Get: a.get, From: "http://here", Every: time.Second, By: top.ByRate}
	if err := w.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w, a
}

func TestRatesAreThoseBetweenTwoLooks(t *testing.T) {
	t.Parallel()
	w, a := begun(t)
	a.metrics = metrics(300, 30, 150, 100)
	r := w.Next(t.Context())
	r.Sort(top.ByRate)
	near := func(what string, got, times float64) {
		t.Helper()
		if want := times / r.Seconds; got < want*0.999 || got > want*1.001 {
			t.Errorf("%s is %v, want %v in %v s", what, got, times, r.Seconds)
		}
	}
	if len(r.Registries) != 2 || r.Registries[0].Name != "capabilities" || r.Registries[0].Size != 7 || r.Registries[0].Missed != 30 {
		t.Fatalf("registries %+v", r.Registries)
	}
	near("lookups", r.Registries[0].Lookups, 220)
	near("misses", r.Registries[0].Misses, 20)
	if len(r.Calls) != 1 || r.Calls[0].Total != 250 {
		t.Fatalf("calls %+v", r.Calls)
	}
	c := r.Calls[0]
	near("calls", c.Calls, 200)
	near("errors", c.Errors, 100)
	// Half of the 200 calls took from 1 to 2 ms, the others more than the last bucket says.
	if c.P50 != 0.002 || c.P99 != 0.002 {
		t.Errorf("p50 %v, p99 %v", c.P50, c.P99)
	}
	if len(r.Plugins) != 1 || r.Plugins[0].Restarts != 2 || len(r.Services) != 1 || r.Services[0].Instances != 2 {
		t.Errorf("plugins %+v, services %+v", r.Plugins, r.Services)
	}
	if r.View.Lag != 0.25 || len(r.Links) != 1 || r.Links[0].Lag != 1.5 || r.Links[0].Up || r.Kills.Targets != 2 || r.Kills.Runtimes["pending"] != 3 {
		t.Errorf("%+v %+v %+v", r.View, r.Links, r.Kills)
	}

	// Nothing was called: the latencies are those of all calls, and the daemon was started anew.
	a.metrics = metrics(5, 0, 0, 0)
	r = w.Next(t.Context())
	r.Sort(top.ByRate)
	near("lookups of a new daemon", r.Registries[0].Lookups, 5)
}

func TestQuantilesAreThoseOfPrometheus(t *testing.T) {
	t.Parallel()
	w, a := begun(t)
	a.metrics = metrics(0, 0, 50+200, 0)
	c := w.Next(t.Context()).Calls[0]
	if c.P50 != 0.0015 || c.P99 < 0.00198 || c.P99 > 0.0020 {
		t.Errorf("p50 %v, p99 %v, want 1.5 and 1.99 ms", c.P50, c.P99)
	}
}

func TestAWatchSaysWhenItIsStale(t *testing.T) {
	t.Parallel()
	w, a := begun(t)
	a.err = errors.New("nobody\nthere")
	if r := w.Next(t.Context()); r != nil {
		t.Errorf("there is a report of one look: %+v", r)
	}
	a.err = nil
	w.Next(t.Context())
	a.err = errors.New("nobody\nthere")
	first := w.Next(t.Context())
	since := first.StaleSince
	if r := w.Next(t.Context()); since == nil || !r.StaleSince.Equal(*since) || r.Stale != "nobody there" || r.Registries[0].Size != 7 {
		t.Errorf("stale since %v: %+v", since, r)
	}
	a.err = nil
	if r := w.Next(t.Context()); r.StaleSince != nil || r.Stale != "" {
		t.Errorf("it stays stale: %+v", r)
	}
}

func TestSortKeys(t *testing.T) {
	t.Parallel()
	a := &answers{plugins: `{}`, instances: `{}`}
	say := func(b, c, misses int) {
		a.metrics = fmt.Sprintf(`# TYPE registry_size gauge
registry_size{registry_name="c"} 1
registry_size{registry_name="b"} 1
registry_size{registry_name="a"} 1
# TYPE registry_lookup_total counter
registry_lookup_total{registry_name="b",name="x",outcome="hit"} %d
registry_lookup_total{registry_name="c",name="x",outcome="hit"} %d
registry_lookup_total{registry_name="a",name="x",outcome="miss"} %d
`, b, c, misses)
	}
	for by, want := range map[top.Key]string{top.ByName: "a b c", top.ByRate: "c b a", top.ByErrors: "a b c"} {
		say(0, 0, 0)
		w := &top.Watch{Get: a.get, By: by}
		if err := w.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		say(20, 30, 10)
		var names []string
		report := w.Next(t.Context())
		report.Sort(by)
		for _, r := range report.Registries {
			names = append(names, r.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("by %s: %s, want %s", by, got, want)
		}
	}
}

// What callers make up cannot steer the terminal.
func TestPrintedTextIsPlain(t *testing.T) {
	t.Parallel()
	w, a := begun(t)
	a.plugins = `{"plugins": [{"name": "evil\u001b[2J\r\n\u0007", "state": "ready"}]}`
	a.metrics = strings.ReplaceAll(a.metrics, `method="m"`, "method=\"m\x1b]0;title\x07\"")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.Every = time.Millisecond
	var out strings.Builder
	if err := w.Print(ctx, &out, false, true); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, r := range text {
		if r < ' ' && r != '\n' || r == 0x7f {
			t.Errorf("%q is in %q", r, text)
		}
	}
	for _, part := range []string{"evil�[2J", "REGISTRY", "LOOKUPS/S", "eu→us 1.5s behind (DOWN)", "2 killed, 3 pending", "mail", "view fresh, 250ms behind"} {
		if !strings.Contains(text, part) {
			t.Errorf("without %q:\n%s", part, text)
		}
	}
	if strings.Count(text, "roster top") != 1 {
		t.Errorf("not one table:\n%s", text)
	}
}
