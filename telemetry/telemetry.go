// Package telemetry exports the counts of registries to Prometheus. The
// registries count by themselves; a [Collector] reads the counts when it is
// scraped, so that no lookup pays for it.
//
// # Concurrency properties
//
// A Collector is safe for concurrent use; scrapes take turns. A scrape takes
// the lock of the directory, never one that a lookup takes.
package telemetry

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/roster-go/roster"
)

// The series of one registry and metric are bounded: those of names that it has, and those of
// names that were asked for or registered in vain. Counts of further names are added up under
// [roster.OtherName].
const (
	maxNames   = 1_000
	maxStrange = 100 // for each outcome
)

// A Collector exports the registries of a directory:
//
//	registry_size{registry_name}                          gauge, entries now
//	registry_register_total{registry_name,name,outcome}   counter; outcome success, duplicate or invalid
//	registry_lookup_total{registry_name,name,outcome}     counter; outcome hit, miss or refused
//	registry_reload_total{registry_name,outcome}          counter; outcome success or invalid
//	registry_reload_duration_seconds{registry_name}       histogram, native and classic; whatever the outcome
//
// Registries of one name are added up. Names that a registry has, or had, are told
// apart up to a thousand, those with the highest counts at the first scrape that
// shows them; names that were missed, refused or invalid up to a hundred for each
// of these outcomes, however many others there are. The rest counts under the
// name "_other".
type Collector struct {
	directory                                      *roster.Directory
	size, registered, looked, reloads, reloadTimes *prometheus.Desc

	mu    sync.Mutex                    // guards shown
	shown map[group]map[string]struct{} // names with a series of their own
}

// A group of names is bounded together, whatever other groups there are.
type group struct {
	registry string
	strange  roster.Outcome // miss, refused or invalid; empty for names that the registry has
}

func (g group) limit() int {
	if g.strange != "" {
		return maxStrange
	}
	return maxNames
}

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector makes a collector over d, or over the process-wide directory if
// d is nil. Register it with a [prometheus.Registerer].
func NewCollector(d *roster.Directory) *Collector {
	if d == nil {
		d = roster.DefaultDirectory()
	}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append([]string{"registry_name"}, labels...), nil)
	}
	return &Collector{
		directory:   d,
		shown:       make(map[group]map[string]struct{}),
		size:        desc("registry_size", "Entries in the registry now."),
		registered:  desc("registry_register_total", "Registrations by name and outcome: success, duplicate, invalid.", "name", "outcome"),
		looked:      desc("registry_lookup_total", "Lookups by name and outcome: hit, miss, refused.", "name", "outcome"),
		reloads:     desc("registry_reload_total", "Reloads of the whole registry by outcome: success, invalid.", "outcome"),
		reloadTimes: desc("registry_reload_duration_seconds", "Time of reloads of the whole registry, without the wait for their turn."),
	}
}

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.size, c.registered, c.looked, c.reloads, c.reloadTimes} {
		descs <- d
	}
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(metrics chan<- prometheus.Metric) {
	counter := func(desc *prometheus.Desc, n uint64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), labels...)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.directory.Totals() {
		registry := label(t.Registry)
		metrics <- prometheus.MustNewConstMetric(c.size, prometheus.GaugeValue, float64(t.Size), registry)
		for _, n := range c.bounded(registry, t.Registrations) {
			counter(c.registered, n.N, registry, n.Name, string(n.Outcome))
		}
		for _, n := range c.bounded(registry, t.Lookups) {
			counter(c.looked, n.N, registry, n.Name, string(n.Outcome))
		}
		for _, n := range t.Reloads {
			counter(c.reloads, n.N, registry, string(n.Outcome))
		}
		if t.ReloadTimes.Count > 0 {
			if m, err := newDurations(c.reloadTimes, t.ReloadTimes, registry); err != nil {
				metrics <- prometheus.NewInvalidMetric(c.reloadTimes, err)
			} else {
				metrics <- m
			}
		}
	}
}

// bounded makes names valid labels and keeps a bounded number of a registry apart. A
// name keeps its own series once it has one: moving it to OtherName and back would
// make counters run backwards. Names that become equal as labels are added up. The
// caller holds c.mu.
func (c *Collector) bounded(registry string, counts []roster.Count) []roster.Count {
	slices.SortStableFunc(counts, func(a, b roster.Count) int { return cmp.Compare(b.N, a.N) })
	sums := make(map[roster.Count]uint64, min(len(counts), maxNames))
	for _, n := range counts {
		sums[roster.Count{Name: c.series(registry, n), Outcome: n.Outcome}] += n.N
	}
	list := make([]roster.Count, 0, len(sums))
	for n, sum := range sums {
		n.N = sum
		list = append(list, n)
	}
	return list
}

// series is the name under which n is exported. The caller holds c.mu.
func (c *Collector) series(registry string, n roster.Count) string {
	g := group{registry: registry}
	switch n.Outcome {
	case roster.Miss, roster.Refused, roster.Invalid:
		g.strange = n.Outcome
	case roster.Success, roster.Duplicate, roster.Hit:
	}
	name := label(n.Name)
	if name == roster.OtherName {
		return name
	}
	shown := c.shown[g]
	if _, ok := shown[name]; ok {
		return name
	}
	if len(shown) >= g.limit() {
		return roster.OtherName
	}
	if shown == nil {
		shown = make(map[string]struct{})
		c.shown[g] = shown
	}
	shown[name] = struct{}{}
	return name
}

// label makes s a label value: Prometheus refuses invalid UTF-8, and callers
// may look up anything.
func label(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
