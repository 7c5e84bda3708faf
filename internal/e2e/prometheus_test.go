package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// prometheusProgram is a program of Debian's package prometheus. CI has it; elsewhere a test that needs it is left out
// without it.
func prometheusProgram(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%v: install Debian's package prometheus", err)
		}
		t.Skipf("%v: install Debian's package prometheus", err)
	}
	return path
}

// A prometheus is a running server.
type prometheus struct{ url string }

// startPrometheus runs a server that scrapes a daemon every second, with its data in a folder of
// the test's.
func startPrometheus(t *testing.T, target *daemon) *prometheus {
	t.Helper()
	program, dir := prometheusProgram(t, "prometheus"), t.TempDir()
	at, err := url.Parse(target.url)
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs: [{job_name: roster, static_configs: [{targets: [%q]}]}]
`, at.Host)
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freePort(t, "127.0.0.1")
	cmd := exec.Command(program, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--enable-feature=native-histograms", "--log.level=warn")
	cmd.Dir = dir
	log := new(logBuffer)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("log of prometheus:\n%s", log)
		}
	})
	p := &prometheus{url: "http://" + address}
	eventually(t, startLimit, "prometheus is ready", func() bool {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return false
		}
		_ = conn.Close()
		status, _, err := p.ask(t, "/-/ready", nil)
		return err == nil && status == http.StatusOK
	})
	return p
}

func (p *prometheus) ask(t *testing.T, path string, query url.Values) (status int, body []byte, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path+"?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	var buffer bytes.Buffer
	_, err = buffer.ReadFrom(res.Body)
	return res.StatusCode, buffer.Bytes(), err
}

// query evaluates an expression, and returns the value of each series as Prometheus writes it,
// by the series' labels but its name, job and instance.
func (p *prometheus) query(t *testing.T, expression string) map[string]string {
	t.Helper()
	status, body, err := p.ask(t, "/api/v1/query", url.Values{"query": {expression}})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric    map[string]string
				Value     []any
				Histogram []any
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d %v %s", expression, status, err, body)
	}
	values := make(map[string]string)
	for _, r := range answer.Data.Result {
		for _, name := range []string{"__name__", "job", "instance"} {
			delete(r.Metric, name)
		}
		labels, err := json.Marshal(r.Metric) // sorted
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case len(r.Value) == 2:
			values[string(labels)] = fmt.Sprint(r.Value[1])
		case len(r.Histogram) == 2:
			histogram, _ := r.Histogram[1].(map[string]any)
			values[string(labels)] = fmt.Sprint("histogram of ", histogram["count"])
		}
	}
	return values
}

// A Prometheus that scrapes a daemon has the values that the daemon has.
func TestPrometheusScrapesADaemon(t *testing.T) {
	t.Parallel()
	eu := startObserved(t)
	const calls = 9 // and one of startObserved
	for range calls {
		if _, code, message, err := eu.call(t.Context(), "text.stats", `{"text": "a"}`); err != nil || code != "" {
			t.Fatal(code, message, err)
		}
	}
	p := startPrometheus(t, eu.daemon)
	for _, c := range []struct{ expression, labels, value string }{
		{`up`, `{}`, "1"},
		{`registry_size{registry_name="plugins"}`, `{"registry_name":"plugins"}`, "3"},
		{`registry_size{registry_name="linked"}`, `{"registry_name":"linked"}`, "1"},
		{`registry_register_total{registry_name="linked"}`, `{"name":"process.describe","outcome":"success","registry_name":"linked"}`, "1"},
		{`registry_lookup_total{registry_name="capabilities",name="text.stats"}`, `{"name":"text.stats","outcome":"hit","registry_name":"capabilities"}`, "10"},
		{`registry_lookup_total{registry_name="capabilities",outcome="miss"}`, `{"name":"text.stat","outcome":"miss","registry_name":"capabilities"}`, "1"},
		{`histogram_count(plugin_rpc_duration_seconds{method="text.stats"})`, `{"code":"OK","method":"text.stats","plugin_name":"builtin"}`, "10"},
		{`plugin_rpc_duration_seconds{method="text.stats"}`, `{"code":"OK","method":"text.stats","plugin_name":"builtin"}`, "histogram of 10"},
		{`histogram_quantile(0.99, plugin_rpc_duration_seconds{method="text.stats"}) < bool 30`, `{"code":"OK","method":"text.stats","plugin_name":"builtin"}`, "1"},
		{`plugin_restart_total`, `{"plugin_name":"builtin","reason":"exit"}`, "1"},
		{`histogram_count(registry_reload_duration_seconds{registry_name="config.plugins"}) > bool 0`, `{"registry_name":"config.plugins"}`, "1"},
		{`sum(registry_reload_total{registry_name="config.plugins"}) == bool sum(histogram_count(registry_reload_duration_seconds{registry_name="config.plugins"}))`, `{}`, "1"},
		{`instances_by_service{service="text.stats"}`, `{"service":"text.stats"}`, "2"},
		{`watch_lag_seconds < bool 30`, `{}`, "1"},
		{`reconnect_count`, `{}`, "0"},
		{`replication_lag_seconds < bool 30`, `{"from":"eu","to":"us"}`, "1"},
		{`kill_peer_reachable`, `{"region":"us"}`, "1"},
		{`kill_runtimes{state="acked"}`, `{"state":"acked"}`, "1"},
		{`discovery_announcement_registered`, `{}`, "1"},
	} {
		var got map[string]string
		eventually(t, time.Minute, fmt.Sprintf("%s has %s of %s", c.expression, c.value, c.labels), func() bool {
			got = p.query(t, c.expression)
			return got[c.labels] == c.value
		})
		if len(got) != 1 {
			t.Errorf("%s has the series %v, want one", c.expression, got)
		}
	}
}

// Prometheus' own checker finds nothing to complain of but a name that is given.
func TestMetricsOfADaemonAreClean(t *testing.T) {
	t.Parallel()
	eu := startObserved(t)
	status, metrics := eu.get(t, "/metrics")
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, metrics)
	}
	check := exec.CommandContext(t.Context(), prometheusProgram(t, "promtool"), "check", "metrics")
	check.Stdin = strings.NewReader(metrics)
	text, err := check.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	// Dashboards know the metric by the name that it has always had.
	const given = `reconnect_count counter metrics should have "_total" suffix` + "\n" +
		`reconnect_count non-histogram and non-summary metrics should not have "_count" suffix` + "\n"
	if string(text) != given {
		t.Errorf("promtool says\n%s\nwant only\n%s", text, given)
	}
}
