package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/roster-go/roster/replica"
)

// A Replication exports how the links between a region and the others stand. Both ends of a
// link have metrics, on their own clocks:
//
//	replication_lag_seconds{from,to}              gauge, by from: between a write and its acknowledgement; grows while there is none
//	replication_link_up{from,to}                  gauge, by from: 1 while connected
//	replication_pending_keys{from,to}             gauge, by from: keys that are not acknowledged
//	replication_in_flight_bytes{from,to}          gauge, by from: bytes that are not acknowledged
//	replication_sent_keys_total{from,to}          counter, by from: keys acknowledged
//	replication_full_syncs_total{from,to}         counter, by from
//	replication_digests_total{from,to}            counter, by from: comparisons of everything
//	replication_digest_equal{from,to}             gauge, by from: 1 if the latest of them found no difference
//	replication_heartbeat_age_seconds{from,to}    gauge, by to: since the latest heartbeat came
//	replication_applied_keys_total{from,to}       counter, by to: keys changed
//	replication_conflicts_total{from,to}          counter, by to: concurrent writes that lost
//	replication_repairs_total{from,to}            counter, by to: keys that a comparison put right
//	replication_refused_total{from,to}            counter, by to: streams ended because of what came
//
// A source that is dead exports nothing, so an alert needs the heartbeats' age beside the lag. A
// process that leaves replication to another one of its region exports nothing either.
type Replication struct {
	source replica.Linked

	lag, up, pending, inFlight, sent, full, digests, equal *prometheus.Desc
	age, applied, conflicts, repairs, refused              *prometheus.Desc
}

var _ prometheus.Collector = (*Replication)(nil)

// NewReplication makes a collector over an agent. Register it with a [prometheus.Registerer].
func NewReplication(source replica.Linked) *Replication {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, []string{"from", "to"}, nil)
	}
	return &Replication{
		source:    source,
		lag:       desc("replication_lag_seconds", "Between a write and its acknowledgement by the other region; grows while there is none."),
		up:        desc("replication_link_up", "1 while the link is connected, else 0."),
		pending:   desc("replication_pending_keys", "Keys that the other region has not acknowledged."),
		inFlight:  desc("replication_in_flight_bytes", "Bytes that the other region has not acknowledged."),
		sent:      desc("replication_sent_keys_total", "Keys that the other region has acknowledged."),
		full:      desc("replication_full_syncs_total", "Times that everything was sent."),
		digests:   desc("replication_digests_total", "Comparisons of everything with the other region."),
		equal:     desc("replication_digest_equal", "1 if the latest comparison found no difference, else 0."),
		age:       desc("replication_heartbeat_age_seconds", "Since the latest heartbeat of the other region came."),
		applied:   desc("replication_applied_keys_total", "Keys changed by what the other region sent."),
		conflicts: desc("replication_conflicts_total", "Concurrent writes that lost and were kept as conflicts."),
		repairs:   desc("replication_repairs_total", "Keys that a comparison put right."),
		refused:   desc("replication_refused_total", "Streams that were ended because of what came."),
	}
}

// Describe implements [prometheus.Collector].
func (r *Replication) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		r.lag, r.up, r.pending, r.inFlight, r.sent, r.full, r.digests, r.equal,
		r.age, r.applied, r.conflicts, r.repairs, r.refused,
	} {
		descs <- desc
	}
}

// Collect implements [prometheus.Collector].
func (r *Replication) Collect(metrics chan<- prometheus.Metric) {
	for _, link := range r.source.Links() {
		gauge := func(desc *prometheus.Desc, value float64) {
			metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, label(link.From), label(link.To))
		}
		count := func(desc *prometheus.Desc, n uint64) {
			metrics <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), label(link.From), label(link.To))
		}
		if link.Incoming {
			gauge(r.age, link.HeartbeatAge.Seconds())
			count(r.applied, link.Applied)
			count(r.conflicts, link.Conflicts)
			count(r.repairs, link.Repairs)
			count(r.refused, link.Refused)
			continue
		}
		gauge(r.lag, link.Lag.Seconds())
		gauge(r.up, truth(link.Connected))
		gauge(r.pending, float64(link.Pending))
		gauge(r.inFlight, float64(link.InFlight))
		count(r.sent, link.Sent)
		count(r.full, link.FullSyncs)
		count(r.digests, link.Digests)
		gauge(r.equal, truth(link.Equal))
	}
}
