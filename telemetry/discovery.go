package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
)

// A Discovery exports a view of a fleet and the source that fills it:
//
//	instances_by_service{service}       gauge, instances that the view shows
//	watch_lag_seconds                   gauge, how far the view is behind the store; grows without contact
//	reconnect_count                     counter, contacts lost and found again
//	watch_resumes_total                 counter, of these, continued where the watch was
//	watch_resyncs_total                 counter, full reads after the first one
//	watch_relists_total                 counter, of these, only to make sure
//	watch_repairs_total                 counter, instances that such a read found to differ
//	watch_restores_total                counter, the store was restored or replaced
//	watch_skipped_values_total          counter, values in the store that are no instances
//	discovery_view_stale                gauge, 1 while the view may be outdated
//	discovery_view_stale_seconds        gauge, for how long it has been stale; 0 if it is not
//	discovery_view_from_copy            gauge, 1 while the view shows its copy from disk
//	discovery_view_protected            gauge, 1 while expired instances are held back
//	discovery_view_held_instances       gauge, how many are
//	discovery_view_copy_failed          gauge, 1 while the copy on disk cannot be read or written
//	discovery_view_invalid_total        counter, instances that were left out because they are invalid
//	discovery_reregistrations_total     counter, leases taken to replace a lost one
//
// The metrics of the watch are there if the source is a [discovery.Watched], the last one if
// it has a method Reregistrations, as the backend of package etcd has. Services beyond a
// thousand, by name, are added up under the service "_other".
type Discovery struct {
	view   *discovery.View
	source discovery.Source

	instances                                               *prometheus.Desc
	lag, reconnects, resumes, resyncs, relists              *prometheus.Desc
	repairs, restores, skipped                              *prometheus.Desc
	stale, staleSeconds, fromCopy, protected, heldInstances *prometheus.Desc
	copyFailed, invalid, reregistrations                    *prometheus.Desc
}

// A reregistering source is a registrar as well.
type reregistering interface{ Reregistrations() uint64 }

var _ prometheus.Collector = (*Discovery)(nil)

// NewDiscovery makes a collector over a view and its source. Register it with a
// [prometheus.Registerer]. A program with several views gives each collector labels of its
// own by [prometheus.WrapRegistererWith].
func NewDiscovery(view *discovery.View, source discovery.Source) *Discovery {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &Discovery{
		view: view, source: source,
		instances:     desc("instances_by_service", "Instances that the view shows.", "service"),
		lag:           desc("watch_lag_seconds", "How far the view is behind the store, measured on this process's clock."),
		reconnects:    desc("reconnect_count", "Contacts with the store that were lost and found again."),
		resumes:       desc("watch_resumes_total", "Reconnects after which the watch continued where it was."),
		resyncs:       desc("watch_resyncs_total", "Full reads of the store after the first one."),
		relists:       desc("watch_relists_total", "Full reads only to make sure that the watch missed nothing."),
		repairs:       desc("watch_repairs_total", "Instances that a full read found to differ from the view although contact had not been lost."),
		restores:      desc("watch_restores_total", "How often the store turned out to be restored or replaced."),
		skipped:       desc("watch_skipped_values_total", "Values in the store that are no instances, each time they were read."),
		stale:         desc("discovery_view_stale", "1 while the view may be outdated, else 0."),
		staleSeconds:  desc("discovery_view_stale_seconds", "For how long the view has been stale, 0 if it is not."),
		fromCopy:      desc("discovery_view_from_copy", "1 while the view shows its copy from disk, else 0."),
		protected:     desc("discovery_view_protected", "1 while the view holds back instances that expired in great numbers, else 0."),
		heldInstances: desc("discovery_view_held_instances", "Expired instances that the view holds back."),
		copyFailed:    desc("discovery_view_copy_failed", "1 while the copy of the view on disk cannot be read or written, else 0."),
		invalid:       desc("discovery_view_invalid_total", "Instances that the view left out because they are invalid, each time they were read."),

		reregistrations: desc("discovery_reregistrations_total", "Leases that announcements took to replace a lost one."),
	}
}

// Describe implements [prometheus.Collector].
func (d *Discovery) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		d.instances, d.stale, d.staleSeconds, d.fromCopy, d.protected, d.heldInstances, d.copyFailed, d.invalid,
	} {
		descs <- desc
	}
	if _, ok := d.source.(reregistering); ok {
		descs <- d.reregistrations
	}
	if _, ok := d.source.(discovery.Watched); ok {
		for _, desc := range []*prometheus.Desc{d.lag, d.reconnects, d.resumes, d.resyncs, d.relists, d.repairs, d.restores, d.skipped} {
			descs <- desc
		}
	}
}

// Collect implements [prometheus.Collector].
func (d *Discovery) Collect(metrics chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	count := func(desc *prometheus.Desc, n uint64) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n))
	}
	services, others := 0, -1 // -1 for no series of others
	for service, instances := range d.view.All() {
		services++
		if services > maxNames || service == roster.OtherName { // which may be a service's name
			others = max(others, 0) + len(instances)
			continue
		}
		gauge(d.instances, float64(len(instances)), label(service))
	}
	if others >= 0 {
		gauge(d.instances, float64(others), roster.OtherName)
	}
	status := d.view.Status()
	gauge(d.stale, truth(status.Stale))
	staleFor := 0.0
	if status.Stale {
		staleFor = time.Since(status.StaleSince).Seconds()
	}
	gauge(d.staleSeconds, staleFor)
	gauge(d.fromCopy, truth(status.FromCopy))
	gauge(d.protected, truth(!status.Protecting.IsZero()))
	gauge(d.heldInstances, float64(status.Held))
	gauge(d.copyFailed, truth(status.CopyErr != nil))
	count(d.invalid, status.Invalid)
	if registrar, ok := d.source.(reregistering); ok {
		count(d.reregistrations, registrar.Reregistrations())
	}
	watched, ok := d.source.(discovery.Watched)
	if !ok {
		return
	}
	watch := watched.WatchStatus()
	gauge(d.lag, watch.Lag.Seconds())
	count(d.reconnects, watch.Reconnects)
	count(d.resumes, watch.Resumes)
	count(d.resyncs, watch.Resyncs)
	count(d.relists, watch.Relists)
	count(d.repairs, watch.Repairs)
	count(d.restores, watch.Restores)
	count(d.skipped, watch.Skipped)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
