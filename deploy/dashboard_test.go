package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// expressionsOf are those of a dashboard, by the titles of their panels.
func expressionsOf(t *testing.T, text []byte) map[string][]string {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title, Type string
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	expressions := make(map[string][]string)
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			expressions[p.Title] = append(expressions[p.Title], target.Expr)
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %q shows nothing", p.Title)
		}
	}
	return expressions
}

// The dashboard in the repository is what the list of metrics makes of it, shows every metric that a daemon
// exports and no other, and Prometheus can read every expression.
func TestDashboardShowsEveryMetric(t *testing.T) {
	t.Parallel()
	metrics, err := ReadMetrics(filepath.Join(repository(t), MetricsList))
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile(DashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	if made, err := Dashboard(metrics); err != nil || !bytes.Equal(made, committed) {
		t.Errorf("%s is stale, run go generate in deploy (%v)", DashboardFile, err)
	}
	known, shown := exported(t), make(map[string]bool)
	expressions := expressionsOf(t, committed)
	for title, list := range expressions {
		for _, expression := range list {
			for _, name := range metricsOf(expression) {
				shown[name] = true
				if !slices.Contains(known, name) {
					t.Errorf("the panel %q shows %s, which no daemon exports", title, name)
				}
			}
		}
	}
	for _, m := range metrics {
		if !slices.ContainsFunc(seriesOf(m), func(series string) bool { return shown[series] }) {
			t.Errorf("no panel shows %s", m.Name)
		}
	}
	checkExpressions(t, expressions)
}

// checkExpressions has promtool read expressions, as those of recording rules.
func checkExpressions(t *testing.T, expressions map[string][]string) {
	t.Helper()
	if out, err := readByPromtool(t, expressions); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func readByPromtool(t *testing.T, expressions map[string][]string) ([]byte, error) {
	t.Helper()
	type rule struct {
		Record, Expr string
		Labels       map[string]string
	}
	var rules []rule
	variables := strings.NewReplacer("$__rate_interval", "5m", "$job", "roster", "$instance", ".*")
	for title, list := range expressions {
		for _, expression := range list {
			rules = append(rules, rule{fmt.Sprintf("panel:%d", len(rules)), variables.Replace(expression), map[string]string{"panel": title}})
		}
	}
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return exec.CommandContext(t.Context(), program(t, "promtool", "prometheus"), "check", "rules", path).CombinedOutput()
}

func TestExpressionsThatDoNotParseAreFound(t *testing.T) {
	t.Parallel()
	if out, err := readByPromtool(t, map[string][]string{"good": {`rate(up[5m])`}, "bad": {`rate(up)`}}); err == nil {
		t.Errorf("promtool reads rate(up): %s", out)
	}
}

// A metric that is new is shown without anybody's doing.
func TestNewMetricsGetAPanel(t *testing.T) {
	t.Parallel()
	text, err := Dashboard([]Metric{
		{"new_gauge_bytes", "gauge", nil, "Bytes."},
		{"new_total", "counter", []string{"reason"}, "Things."},
		{"new_duration_seconds", "histogram, native and classic", []string{"method"}, "Time."},
	})
	if err != nil {
		t.Fatal(err)
	}
	expressions := expressionsOf(t, text)
	for title, want := range map[string]string{
		"new_gauge_bytes":                       `new_gauge_bytes{job="$job",instance=~"$instance"}`,
		"new_total":                             `sum by (instance, reason) (increase(new_total{job="$job",instance=~"$instance"}[$__rate_interval]))`,
		"new_duration_seconds, 99th percentile": `histogram_quantile(0.99, sum by (instance, method, le) (rate(new_duration_seconds_bucket{job="$job",instance=~"$instance"}[$__rate_interval])))`,
	} {
		if !slices.Equal(expressions[title], []string{want}) {
			t.Errorf("%s: %q", title, expressions[title])
		}
	}
	checkExpressions(t, expressions)
}
