package top

import (
	"maps"
	"math"
	"slices"

	dto "github.com/prometheus/client_model/go"
)

// A distribution is a classic histogram: how many values are at most so large.
type distribution struct {
	count float64
	upTo  map[float64]float64
}

func (d *distribution) add(h *dto.Histogram) {
	if d.upTo == nil {
		d.upTo = make(map[float64]float64)
	}
	d.count += float64(h.GetSampleCount())
	for _, b := range h.GetBucket() {
		d.upTo[b.GetUpperBound()] += float64(b.GetCumulativeCount())
	}
}

// since is what came after before: everything, if nothing came or if before is of another life.
func (d *distribution) since(before *distribution) *distribution {
	if d.count <= before.count {
		return d
	}
	diff := &distribution{count: d.count - before.count, upTo: maps.Clone(d.upTo)}
	for bound, n := range before.upTo {
		diff.upTo[bound] -= n
	}
	return diff
}

// quantile estimates a quantile as Prometheus does, by a straight line within a bucket. What is
// beyond the last bucket counts as its end.
func (d *distribution) quantile(q float64) float64 {
	rank, start, below := q*d.count, 0.0, 0.0
	last := 0.0
	for _, bound := range slices.Sorted(maps.Keys(d.upTo)) {
		if math.IsInf(bound, 1) {
			break
		}
		n := d.upTo[bound]
		if n >= rank && n > below {
			return start + (bound-start)*(rank-below)/(n-below)
		}
		start, below, last = bound, n, bound
	}
	return last
}
