package bench_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/collector"
)

// BenchmarkGather gathers one number from each of a thousand collectors. A
// Prometheus registry makes a protobuf message of each as well.
func BenchmarkGather(b *testing.B) {
	const collectors = 1_000
	b.Run("roster", func(b *testing.B) {
		r := collector.New[float64](collector.With(roster.Unlisted()))
		for i := range collectors {
			r.MustRegister(collector.Func(fmt.Sprintf("gauge_%04d", i), "a number", func(context.Context) (float64, error) {
				return float64(i), nil
			}))
		}
		b.ReportAllocs()
		for b.Loop() {
			results, err := r.Gather(b.Context())
			if err != nil || len(results) != collectors {
				b.Fatal(len(results), err)
			}
		}
	})
	b.Run("prometheus", func(b *testing.B) {
		r := prometheus.NewRegistry()
		for i := range collectors {
			r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: fmt.Sprintf("gauge_%04d", i), Help: "a number",
			}, func() float64 { return float64(i) }))
		}
		b.ReportAllocs()
		for b.Loop() {
			families, err := r.Gather()
			if err != nil || len(families) != collectors {
				b.Fatal(len(families), err)
			}
		}
	})
}
