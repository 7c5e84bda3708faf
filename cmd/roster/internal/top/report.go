package top

import (
	"cmp"
	"maps"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/roster-go/roster/cmd/roster/internal/api"
)

// A Report is what happened between two looks at a daemon. Rates are for each second of that time.
type Report struct {
	At      time.Time `json:"at"`
	Seconds float64   `json:"seconds"` // between the looks
	// Stale says why the daemon could not be asked since StaleSince; what follows is older.
	Stale      string     `json:"stale,omitempty"`
	StaleSince *time.Time `json:"stale_since,omitempty"`

	Registries []Registry   `json:"registries"`
	Calls      []Call       `json:"calls"`
	Plugins    []api.Plugin `json:"plugins"`
	Services   []Service    `json:"services"`
	View       View         `json:"view"`
	Links      []Link       `json:"replication"`
	Kills      Kills        `json:"kills"`
}

// A Registry is the registries of one name.
type Registry struct {
	Name    string  `json:"name"`
	Size    float64 `json:"size"`
	Lookups float64 `json:"lookups_per_second"`
	Misses  float64 `json:"misses_per_second"`
	Missed  float64 `json:"misses"` // since the daemon started
}

// A Call is a method of a plugin. Its latencies are of the calls between the looks, or of all
// calls if there were none.
type Call struct {
	Plugin string  `json:"plugin"`
	Method string  `json:"method"`
	Calls  float64 `json:"calls_per_second"`
	Errors float64 `json:"errors_per_second"`
	Total  float64 `json:"calls"` // since the daemon started
	P50    float64 `json:"p50_seconds"`
	P99    float64 `json:"p99_seconds"`
}

// A Service is what the daemon's view of the fleet knows of one.
type Service struct {
	Name      string `json:"name"`
	Instances int    `json:"instances"`
}

// A View is how far the daemon's view of the fleet is to be trusted.
type View struct {
	Stale  bool    `json:"stale"`
	Reason string  `json:"reason,omitempty"`
	Lag    float64 `json:"lag_seconds"`
}

// A Link is the way of records from the daemon's region to another one.
type Link struct {
	From string  `json:"from"`
	To   string  `json:"to"`
	Lag  float64 `json:"lag_seconds"`
	Up   bool    `json:"up"`
}

// Kills is what the kill switch holds. It is zero on a daemon that is not its region's hub.
type Kills struct {
	Targets  float64            `json:"targets"`
	Runtimes map[string]float64 `json:"runtimes"`
}

// compare tells what happened between two looks. A counter that is lower than before belongs to a
// daemon that was started anew.
func compare(before, now *sample) *Report {
	elapsed := now.at.Sub(before.at).Seconds()
	r := &Report{
		At: now.at, Seconds: elapsed, Plugins: now.plugins,
		Registries: []Registry{}, Calls: []Call{}, Services: []Service{}, Links: []Link{},
		View:  View{Stale: now.view.Stale, Reason: now.view.Reason},
		Kills: Kills{Runtimes: map[string]float64{}},
	}
	if r.Plugins == nil {
		r.Plugins = []api.Plugin{}
	}
	r.registries(before, now, elapsed)
	r.calls(before, now, elapsed)
	services := make(map[string]int)
	for i := range now.view.Instances {
		services[now.view.Instances[i].Service]++
	}
	for _, name := range slices.Sorted(maps.Keys(services)) {
		r.Services = append(r.Services, Service{name, services[name]})
	}
	r.View.Lag = now.value("watch_lag_seconds")
	up := make(map[string]bool)
	now.each("replication_link_up", func(l map[string]string, m *dto.Metric) { up[key(l["from"], l["to"])] = number(m) == 1 })
	now.each("replication_lag_seconds", func(l map[string]string, m *dto.Metric) {
		r.Links = append(r.Links, Link{l["from"], l["to"], number(m), up[key(l["from"], l["to"])]})
	})
	r.Kills.Targets = now.value("kill_targets")
	now.each("kill_runtimes", func(l map[string]string, m *dto.Metric) { r.Kills.Runtimes[l["state"]] = number(m) })
	return r
}

func (r *Report) registries(before, now *sample, elapsed float64) {
	type counts struct{ lookups, misses float64 }
	of := func(s *sample) map[string]counts {
		sums := make(map[string]counts)
		s.each("registry_lookup_total", func(l map[string]string, m *dto.Metric) {
			sum := sums[l["registry_name"]]
			sum.lookups += number(m)
			if l["outcome"] != "hit" {
				sum.misses += number(m)
			}
			sums[l["registry_name"]] = sum
		})
		return sums
	}
	was, is := of(before), of(now)
	now.each("registry_size", func(l map[string]string, m *dto.Metric) {
		name := l["registry_name"]
		r.Registries = append(r.Registries, Registry{
			Name: name, Size: number(m), Missed: is[name].misses,
			Lookups: rate(was[name].lookups, is[name].lookups, elapsed), Misses: rate(was[name].misses, is[name].misses, elapsed),
		})
	})
}

func (r *Report) calls(before, now *sample, elapsed float64) {
	type method struct {
		Call

		all    distribution
		errors float64
	}
	of := func(s *sample) map[string]*method {
		methods := make(map[string]*method)
		s.each("plugin_rpc_duration_seconds", func(l map[string]string, m *dto.Metric) {
			k := key(l["plugin_name"], l["method"])
			if methods[k] == nil {
				methods[k] = &method{Call: Call{Plugin: l["plugin_name"], Method: l["method"]}}
			}
			methods[k].all.add(m.GetHistogram())
			if l["code"] != "OK" {
				methods[k].errors += float64(m.GetHistogram().GetSampleCount())
			}
		})
		return methods
	}
	was := of(before)
	for k, m := range of(now) {
		old := was[k]
		if old == nil {
			old = new(method)
		}
		c := m.Call
		c.Total = m.all.count
		c.Calls, c.Errors = rate(old.all.count, c.Total, elapsed), rate(old.errors, m.errors, elapsed)
		recent := m.all.since(&old.all)
		c.P50, c.P99 = recent.quantile(0.5), recent.quantile(0.99) //nolint:mnd // as they are called
		r.Calls = append(r.Calls, c)
	}
}

func rate(before, now, elapsed float64) float64 {
	if now < before {
		before = 0
	}
	if elapsed <= 0 {
		return 0
	}
	return (now - before) / elapsed
}

// A Key says by what rows are sorted.
type Key string

// The keys. Rows that are equal by a key are sorted by name.
const (
	ByRate    Key = "rate"    // the most lookups and calls first
	ByErrors  Key = "errors"  // the most misses, errors and restarts first
	ByLatency Key = "latency" // the slowest first
	ByName    Key = "name"
)

// Sort puts the rows in order.
func (r *Report) Sort(by Key) {
	slices.SortFunc(r.Registries, func(a, b Registry) int {
		order := 0
		switch by {
		case ByRate, ByLatency:
			order = cmp.Compare(b.Lookups, a.Lookups)
		case ByErrors:
			order = cmp.Or(cmp.Compare(b.Misses, a.Misses), cmp.Compare(b.Missed, a.Missed))
		case ByName:
		}
		return cmp.Or(order, cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(r.Calls, func(a, b Call) int {
		order := 0
		switch by {
		case ByRate:
			order = cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(b.Total, a.Total))
		case ByErrors:
			order = cmp.Compare(b.Errors, a.Errors)
		case ByLatency:
			order = cmp.Compare(b.P99, a.P99)
		case ByName:
		}
		return cmp.Or(order, cmp.Compare(a.Plugin, b.Plugin), cmp.Compare(a.Method, b.Method))
	})
	slices.SortFunc(r.Plugins, func(a, b api.Plugin) int {
		order := 0
		if by == ByErrors {
			order = cmp.Compare(b.Restarts, a.Restarts)
		}
		return cmp.Or(order, cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(r.Links, func(a, b Link) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
}
