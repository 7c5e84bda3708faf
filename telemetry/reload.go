package telemetry

import (
	"fmt"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/roster-go/roster"
)

// durationsSchema is the schema of native histograms whose buckets [roster.Durations] has:
// so many buckets in an octave, as a power of two.
const durationsSchema = 2

// The classic buckets end at powers of four, from 61 µs to 64 s. Native buckets end there
// as well, so that both forms are exact.
const firstClassic, lastClassic, classicStep = -14, 6, 2 // as powers of two

// durations is a histogram in both forms, native and classic. Prometheus stores the one that
// it is set up for.
type durations struct {
	prometheus.Metric // native

	of roster.Durations
}

func newDurations(desc *prometheus.Desc, d roster.Durations, labels ...string) (prometheus.Metric, error) {
	buckets := make(map[int]int64, len(d.Buckets))
	for _, b := range d.Buckets {
		buckets[b.Index] = int64(min(b.N, math.MaxInt64))
	}
	native, err := prometheus.NewConstNativeHistogram(desc, d.Count, d.Sum.Seconds(), buckets, nil,
		d.Zero, durationsSchema, roster.DurationsZero.Seconds(), time.Time{}, labels...)
	if err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	return durations{native, d}, nil
}

// Write implements [prometheus.Metric].
func (d durations) Write(m *dto.Metric) error {
	if err := d.Metric.Write(m); err != nil {
		return fmt.Errorf("telemetry: %w", err)
	}
	m.Histogram.CreatedTimestamp = nil // nobody knows it
	m.Histogram.Bucket = nil
	sum, rest := d.of.Zero, d.of.Buckets
	for power := firstClassic; power <= lastClassic; power += classicStep {
		end := roster.DurationBucket{Index: power << durationsSchema}
		for ; len(rest) > 0 && rest[0].Index <= end.Index; rest = rest[1:] {
			sum += rest[0].N
		}
		upTo, cumulative := end.Seconds(), sum
		m.Histogram.Bucket = append(m.Histogram.Bucket, &dto.Bucket{UpperBound: &upTo, CumulativeCount: &cumulative})
	}
	return nil
}
