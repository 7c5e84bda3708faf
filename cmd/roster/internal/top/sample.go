package top

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/roster-go/roster/cmd/roster/internal/api"
)

const metricsPath = "/metrics"

// A Getter reads a path of a daemon.
type Getter func(ctx context.Context, path string) ([]byte, error)

// A sample is what a daemon told at one look.
type sample struct {
	at      time.Time
	metrics map[string]*dto.MetricFamily
	plugins []api.Plugin
	view    api.Instances
}

func take(ctx context.Context, get Getter) (sample, error) {
	text, err := get(ctx, metricsPath)
	if err != nil {
		return sample{}, err
	}
	s := sample{at: time.Now()}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	if s.metrics, err = parser.TextToMetricFamilies(bytes.NewReader(text)); err != nil {
		return s, fmt.Errorf("the daemon's metrics: %w", err)
	}
	var plugins api.Plugins
	for path, into := range map[string]any{api.PluginsPath: &plugins, api.InstancesPath: &s.view} {
		answer, err := get(ctx, path)
		if err != nil {
			return s, err
		}
		if err := json.Unmarshal(answer, into); err != nil {
			return s, fmt.Errorf("the daemon's answer from %s: %w", path, err)
		}
	}
	s.plugins = plugins.Plugins
	return s, nil
}

// each calls f with every series of a metric.
func (s *sample) each(name string, f func(labels map[string]string, m *dto.Metric)) {
	for _, m := range s.metrics[name].GetMetric() {
		labels := make(map[string]string, len(m.GetLabel()))
		for _, l := range m.GetLabel() {
			labels[l.GetName()] = l.GetValue()
		}
		f(labels, m)
	}
}

// value is that of the only series of a metric, 0 if there is not exactly one.
func (s *sample) value(name string) float64 {
	series := s.metrics[name].GetMetric()
	if len(series) != 1 {
		return 0
	}
	return number(series[0])
}

func number(m *dto.Metric) float64 {
	switch {
	case m.GetCounter() != nil:
		return m.GetCounter().GetValue()
	case m.GetGauge() != nil:
		return m.GetGauge().GetValue()
	default:
		return m.GetUntyped().GetValue()
	}
}

// key is the identity of a series among those of its metric.
func key(parts ...string) string { return strings.Join(parts, "\x00") }
