package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/roster-go/roster/kill"
)

// Killing tells how a kill switch and its hub stand; a [kill.Hub] does.
type Killing interface{ Status() kill.Status }

var _ Killing = (*kill.Hub)(nil)

// A Kill exports a hub of the kill switch:
//
//	kill_targets                        gauge, targets that are killed
//	kill_revived_targets                gauge, targets that were revived
//	kill_durable                        gauge, 1 while all orders are on the hub's disk
//	kill_runtimes{state}                gauge, runtimes that are acked, pending, unreachable, expired or left
//	kill_peer_equal{region}             gauge, 1 if the hub of the region had the same orders when it last answered
//	kill_peer_reachable{region}         gauge, 1 if it answers
//	kill_canary_total                   counter, canaries that were sent
//	kill_canary_failed_total            counter, of these, not acknowledged by all who were connected
//	kill_canary_age_seconds             gauge, since the latest one that everybody acknowledged
//	kill_canary_latency_p99_seconds     gauge, the 99th percentile of the latest 128
//
// A canary takes the way of a kill and hits nothing. Alert on its age: the way is needed on the
// day on which nothing else works.
type Kill struct {
	of Killing

	killed, revived, durable, runtimes    *prometheus.Desc
	peerEqual, peerReachable              *prometheus.Desc
	canaries, failed, canaryAge, canaryOf *prometheus.Desc
}

var _ prometheus.Collector = (*Kill)(nil)

// NewKill makes a collector over a hub. Register it with a [prometheus.Registerer].
func NewKill(of Killing) *Kill {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &Kill{
		of:            of,
		killed:        desc("kill_targets", "Targets that are killed."),
		revived:       desc("kill_revived_targets", "Targets that were killed and revived."),
		durable:       desc("kill_durable", "1 while all orders are on the hub's disk, else 0."),
		runtimes:      desc("kill_runtimes", "Runtimes by whether they have all orders of the hub.", "state"),
		peerEqual:     desc("kill_peer_equal", "1 if the hub of the region had the same orders when it last answered, else 0.", "region"),
		peerReachable: desc("kill_peer_reachable", "1 if the hub of the region answers, else 0.", "region"),
		canaries:      desc("kill_canary_total", "Canaries that were sent along the way of a kill."),
		failed:        desc("kill_canary_failed_total", "Canaries that not every connected hub and runtime acknowledged in time."),
		canaryAge:     desc("kill_canary_age_seconds", "How long ago the latest canary was sent that everybody acknowledged."),
		canaryOf:      desc("kill_canary_latency_p99_seconds", "The 99th percentile of how long the latest 128 canaries took."),
	}
}

// Describe implements [prometheus.Collector].
func (k *Kill) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		k.killed, k.revived, k.durable, k.runtimes, k.peerEqual, k.peerReachable, k.canaries, k.failed, k.canaryAge, k.canaryOf,
	} {
		descs <- desc
	}
}

// Collect implements [prometheus.Collector].
func (k *Kill) Collect(metrics chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	count := func(desc *prometheus.Desc, n uint64) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n))
	}
	status := k.of.Status()
	killed, revived := 0, 0
	for i := range status.Orders {
		if status.Orders[i].Killed() {
			killed++
		} else {
			revived++
		}
	}
	gauge(k.killed, float64(killed))
	gauge(k.revived, float64(revived))
	gauge(k.durable, truth(status.Durable))
	states := map[kill.State]int{kill.Acked: 0, kill.Pending: 0, kill.Unreachable: 0, kill.Expired: 0, kill.Left: 0}
	for i := range status.Runtimes {
		states[status.Runtimes[i].State]++
	}
	for state, n := range states {
		gauge(k.runtimes, float64(n), string(state))
	}
	for _, p := range status.Peers {
		gauge(k.peerEqual, truth(p.Equal), label(p.Region))
		gauge(k.peerReachable, truth(p.Err == ""), label(p.Region))
	}
	count(k.canaries, status.Canary.Sent)
	count(k.failed, status.Canary.Failed)
	gauge(k.canaryAge, status.Canary.Age.Seconds())
	gauge(k.canaryOf, status.Canary.P99.Seconds())
}
