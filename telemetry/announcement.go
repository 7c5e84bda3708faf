package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/roster-go/roster/discovery"
)

// An Announcement exports how an announcement stands, so that a program which serves and
// cannot be found raises an alarm:
//
//	discovery_announcement_registered            gauge, 1 while the store holds the whole set under a lease, as far as is known
//	discovery_announcement_unregistered_seconds  gauge, for how long it has not; 0 if it does
//	discovery_announcement_failing               gauge, 1 if the latest attempt to register or to renew failed
//	discovery_announcement_instances             gauge, size of the set
//	discovery_announcement_registrations_total   counter, leases taken; all but the first replaced a lost one
type Announcement struct {
	announcement discovery.Announcement

	registered, unregisteredSeconds, failing, instances, registrations *prometheus.Desc
}

var _ prometheus.Collector = (*Announcement)(nil)

// NewAnnouncement makes a collector over an announcement. A program with several gives each
// collector labels of its own by [prometheus.WrapRegistererWith].
func NewAnnouncement(a discovery.Announcement) *Announcement {
	desc := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }
	return &Announcement{
		announcement:        a,
		registered:          desc("discovery_announcement_registered", "1 while the store holds the whole set under a lease, as far as is known, else 0."),
		unregisteredSeconds: desc("discovery_announcement_unregistered_seconds", "For how long the announcement has not been registered, 0 if it is."),
		failing:             desc("discovery_announcement_failing", "1 if the latest attempt to register or to renew failed, else 0."),
		instances:           desc("discovery_announcement_instances", "Instances that are announced."),
		registrations:       desc("discovery_announcement_registrations_total", "Leases that were taken; all but the first replaced a lost one."),
	}
}

// Describe implements [prometheus.Collector].
func (a *Announcement) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{a.registered, a.unregisteredSeconds, a.failing, a.instances, a.registrations} {
		descs <- desc
	}
}

// Collect implements [prometheus.Collector].
func (a *Announcement) Collect(metrics chan<- prometheus.Metric) {
	status := a.announcement.Status()
	gone := 0.0
	if !status.Registered {
		gone = time.Since(status.Since).Seconds()
	}
	for desc, value := range map[*prometheus.Desc]float64{
		a.registered: truth(status.Registered), a.unregisteredSeconds: gone,
		a.failing: truth(status.Err != nil), a.instances: float64(status.Instances),
	} {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
	metrics <- prometheus.MustNewConstMetric(a.registrations, prometheus.CounterValue, float64(status.Registrations))
}
