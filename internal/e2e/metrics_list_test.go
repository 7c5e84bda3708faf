package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// metricsList is the list of metrics that dashboards and alert rules are checked against.
const metricsList = "docs/metrics.md"

const metricsHead = `# The metrics of a daemon

What ` + "`roster up`" + ` exports at ` + "`/metrics`" + ` with plugins, etcd, the kill switch and replication, beside
the metrics of the Go runtime and the process (` + "`go_…`, `process_…`" + `). A test compares this list with a
running daemon. The [guide](guide/metrics.md) says what they are good for, and the [runbooks](runbook/README.md)
what to do about them.

| Metric | Type | Labels | Help |
| --- | --- | --- | --- |
`

// startObserved runs a region of two that has done everything which leaves a metric: calls,
// misses, reloads, and the restart of a plugin.
func startObserved(t *testing.T) *region {
	t.Helper()
	set := startRegions(t, map[string]any{"plugins": buildPrograms(t).plugins}, "eu", "us")
	eu := set.regions["eu"]
	if _, code, message, err := eu.call(t.Context(), "text.stats", `{"text": "a"}`); err != nil || code != "" {
		t.Fatal(code, message, err)
	}
	if _, code, _, err := eu.call(t.Context(), "text.stat", `{}`); err != nil || code != "not_found" {
		t.Fatal(code, err)
	}
	if err := eu.cmd.Process.Signal(syscall.SIGHUP); err != nil { // configs are read again
		t.Fatal(err)
	}
	if err := syscall.Kill(eu.pidOf(t, "builtin"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "everything has left a metric", func() bool {
		families := eu.families(t)
		for _, name := range []string{"plugin_restart_total", "registry_reload_duration_seconds", "replication_lag_seconds", "replication_heartbeat_age_seconds", "kill_peer_equal"} {
			if families[name] == nil {
				return false
			}
		}
		return true
	})
	return eu
}

// pidOf is the process of a plugin.
func (d *daemon) pidOf(t *testing.T, plugin string) int {
	t.Helper()
	_, body := d.get(t, "/v1/plugins/"+plugin)
	var status struct{ PID int }
	if err := json.Unmarshal([]byte(body), &status); err != nil || status.PID == 0 {
		t.Fatalf("no process of %s: %v in %s", plugin, err, body)
	}
	return status.PID
}

// families scrapes the daemon in the form that has native histograms.
func (d *daemon) families(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", string(expfmt.NewFormat(expfmt.TypeProtoDelim)))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	families := make(map[string]*dto.MetricFamily)
	decoder := expfmt.NewDecoder(res.Body, expfmt.ResponseFormat(res.Header))
	for {
		family := new(dto.MetricFamily)
		switch err := decoder.Decode(family); {
		case errors.Is(err, io.EOF):
			return families
		case err != nil:
			t.Fatal(err)
		}
		families[family.GetName()] = family
	}
}

// row describes a metric as the list does.
func row(family *dto.MetricFamily) string {
	labels := make(map[string]bool)
	kind := strings.ToLower(family.GetType().String())
	for _, m := range family.GetMetric() {
		for _, l := range m.GetLabel() {
			labels[l.GetName()] = true
		}
		if h := m.GetHistogram(); h != nil && h.Schema != nil {
			kind = "histogram, native and classic"
		}
	}
	names := slices.Sorted(maps.Keys(labels))
	for i, name := range names {
		names[i] = quoted(name)
	}
	return fmt.Sprintf("| %s | %s | %s | %s |\n", quoted(family.GetName()), kind, strings.Join(names, ", "), family.GetHelp())
}

func quoted(name string) string { return "`" + name + "`" }

// The list that dashboards and alert rules are checked against is what a daemon exports.
// UPDATE_GOLDEN=1 writes it anew.
func TestTheListOfMetricsIsThatOfADaemon(t *testing.T) {
	t.Parallel()
	families := startObserved(t).families(t)
	var got strings.Builder
	got.WriteString(metricsHead)
	for _, name := range slices.Sorted(maps.Keys(families)) {
		if !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			got.WriteString(row(families[name]))
		}
	}
	path := filepath.Join(docsRoot(t), filepath.FromSlash(metricsList))
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("%s is not what a daemon exports; UPDATE_GOLDEN=1 writes it anew. The daemon has:\n%s", metricsList, got.String())
	}
}
