package deploy

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// MetricsList is where the repository lists what a daemon exports. A test of internal/e2e compares
// the list with a running daemon.
const MetricsList = "docs/metrics.md"

// A Metric is one that a daemon exports.
type Metric struct {
	Name, Type string
	Labels     []string
	Help       string
}

// histogram tells whether a metric has buckets.
func (m Metric) histogram() bool { return strings.HasPrefix(m.Type, "histogram") }

var (
	metricRow   = regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)` \\| ([^|]*) \\| ([^|]*) \\| (.*) \\|$")
	metricLabel = regexp.MustCompile("`([^`]+)`")
)

// ReadMetrics reads the list at path.
func ReadMetrics(path string) ([]Metric, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the list of metrics: %w", err)
	}
	var metrics []Metric
	for _, row := range metricRow.FindAllStringSubmatch(string(text), -1) {
		m := Metric{Name: row[1], Type: strings.TrimSpace(row[2]), Help: row[4]}
		for _, label := range metricLabel.FindAllStringSubmatch(row[3], -1) {
			m.Labels = append(m.Labels, label[1])
		}
		metrics = append(metrics, m)
	}
	if len(metrics) == 0 {
		return nil, fmt.Errorf("the list of metrics: %s has none", path)
	}
	return metrics, nil
}

// generalMetrics are those of the rules and the dashboard that are not in the list: what Prometheus
// adds, and what every process in Go has.
var generalMetrics = []string{
	"up", "ALERTS",
	"process_start_time_seconds", "process_open_fds", "process_max_fds", "process_resident_memory_bytes",
	"process_cpu_seconds_total", "go_goroutines", "go_memstats_heap_inuse_bytes", "go_gc_duration_seconds",
}

// seriesOf are the names under which a metric is stored.
func seriesOf(m Metric) []string {
	if !m.histogram() {
		return []string{m.Name}
	}
	return []string{m.Name, m.Name + "_bucket", m.Name + "_sum", m.Name + "_count"}
}
