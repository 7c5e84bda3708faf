package deploy

// A row of the dashboard is a question that an operator has, and the panels that answer it.
type row struct {
	title  string
	panels []panel
}

// A panel draws expressions. In them $s stands for the labels of a selector that every series has.
type panel struct {
	title   string
	unit    string // of Grafana; "short" for a plain number
	queries []query
}

type query struct{ expr, legend string }

const (
	short, seconds, bytesUnit, perSecond, truth = "short", "s", "bytes", "ops", "bool_yes_no"

	byInstance = "{{instance}}"
	byLink     = "{{from}} → {{to}}"
)

// one is a panel of a single query.
func one(title, unit, expr, legend string) panel { return panel{title, unit, []query{{expr, legend}}} }

// rows are the curated part of the dashboard. What a daemon exports and none of these shows gets a panel in
// a last row by itself.
var rows = []row{
	{"Is it well?", []panel{
		one("Alerts", short, `sum by (alertname, severity) (ALERTS{alertname=~"Roster.*",alertstate="firing"})`, "{{alertname}}"),
		one("Daemons that answer", short, `sum(up{job="$job"})`, "up"),
		one("View is stale for", seconds, `discovery_view_stale_seconds{$s}`, byInstance),
		one("Not announced for", seconds, `discovery_announcement_unregistered_seconds{$s}`, byInstance),
		one("Replication lag", seconds, `max by (from, to) (replication_lag_seconds{$s})`, byLink),
		one("Age of the latest canary", seconds, `kill_canary_age_seconds{$s}`, byInstance),
	}},
	{"Registries: what is there, and who asks for what is not?", []panel{
		one("Entries", short, `max by (registry_name) (registry_size{$s})`, "{{registry_name}}"),
		one("Lookups", perSecond, `sum by (registry_name, outcome) (rate(registry_lookup_total{$s}[$__rate_interval]))`, "{{registry_name}} {{outcome}}"),
		one("Names asked for in vain", perSecond, `topk(10, sum by (registry_name, name) (rate(registry_lookup_total{$s,outcome="miss"}[$__rate_interval])))`, "{{registry_name}}: {{name}}"),
		one("Registrations", perSecond, `sum by (registry_name, outcome) (rate(registry_register_total{$s}[$__rate_interval]))`, "{{registry_name}} {{outcome}}"),
		one("Reloads", short, `sum by (registry_name, outcome) (increase(registry_reload_total{$s}[$__rate_interval]))`, "{{registry_name}} {{outcome}}"),
		one("Reloads, 99th percentile", seconds, `histogram_quantile(0.99, sum by (registry_name, le) (rate(registry_reload_duration_seconds_bucket{$s}[$__rate_interval])))`, "{{registry_name}}"),
	}},
	{"Plugins: do they serve?", []panel{
		one("Calls", perSecond, `sum by (plugin_name, code) (rate(plugin_rpc_duration_seconds_count{$s}[$__rate_interval]))`, "{{plugin_name}} {{code}}"),
		{"Duration of calls", seconds, []query{
			{`histogram_quantile(0.5, sum by (plugin_name, le) (rate(plugin_rpc_duration_seconds_bucket{$s}[$__rate_interval])))`, "{{plugin_name}} median"},
			{`histogram_quantile(0.99, sum by (plugin_name, le) (rate(plugin_rpc_duration_seconds_bucket{$s}[$__rate_interval])))`, "{{plugin_name}} 99 %"},
		}},
		one("Slowest methods, 99th percentile", seconds, `topk(10, histogram_quantile(0.99, sum by (plugin_name, method, le) (rate(plugin_rpc_duration_seconds_bucket{$s}[$__rate_interval]))))`, "{{plugin_name}} {{method}}"),
		one("Restarts", short, `sum by (plugin_name, reason) (increase(plugin_restart_total{$s}[$__rate_interval]))`, "{{plugin_name}} {{reason}}"),
	}},
	{"The fleet: do hosts find each other?", []panel{
		one("Instances by service", short, `max by (service) (instances_by_service{$s})`, "{{service}}"),
		one("Lag of the watch", seconds, `watch_lag_seconds{$s}`, byInstance),
		one("Contacts lost and found", short, `increase(reconnect_count{$s}[$__rate_interval])`, byInstance),
		{"How contact was found again", short, []query{
			{`sum(increase(watch_resumes_total{$s}[$__rate_interval]))`, "the watch went on"},
			{`sum(increase(watch_resyncs_total{$s}[$__rate_interval]))`, "all was read"},
			{`sum(increase(watch_relists_total{$s}[$__rate_interval]))`, "all was read, to make sure"},
			{`sum(increase(watch_repairs_total{$s}[$__rate_interval]))`, "instances that differed"},
			{`sum(increase(watch_restores_total{$s}[$__rate_interval]))`, "the store was replaced"},
		}},
		{"Left out", short, []query{
			{`sum by (instance) (increase(watch_skipped_values_total{$s}[$__rate_interval]))`, "{{instance}} no instances"},
			{`sum by (instance) (increase(discovery_view_invalid_total{$s}[$__rate_interval]))`, "{{instance}} invalid"},
		}},
		{"The view", truth, []query{
			{`discovery_view_stale{$s}`, "{{instance}} stale"},
			{`discovery_view_from_copy{$s}`, "{{instance}} from disk"},
			{`discovery_view_protected{$s}`, "{{instance}} protected"},
			{`discovery_view_copy_failed{$s}`, "{{instance}} copy failed"},
		}},
		one("Expired and held back", short, `discovery_view_held_instances{$s}`, byInstance),
		{"Announcements", short, []query{
			{`discovery_announcement_instances{$s}`, "{{instance}} instances"},
			{`discovery_announcement_registered{$s}`, "{{instance}} registered"},
			{`discovery_announcement_failing{$s}`, "{{instance}} failing"},
		}},
		{"Leases taken", short, []query{
			{`increase(discovery_announcement_registrations_total{$s}[$__rate_interval])`, byInstance},
			{`increase(discovery_reregistrations_total{$s}[$__rate_interval])`, "{{instance}} for a lost one"},
		}},
	}},
	{"The kill switch: would a kill reach everybody?", []panel{
		one("Runtimes", short, `sum by (state) (kill_runtimes{$s})`, "{{state}}"),
		{"Targets", short, []query{
			{`max(kill_targets{$s})`, "killed"},
			{`max(kill_revived_targets{$s})`, "revived"},
		}},
		one("Time of a canary, 99th percentile", seconds, `kill_canary_latency_p99_seconds{$s}`, byInstance),
		{"Canaries", short, []query{
			{`increase(kill_canary_total{$s}[$__rate_interval])`, "{{instance}} sent"},
			{`increase(kill_canary_failed_total{$s}[$__rate_interval])`, "{{instance}} failed"},
		}},
		{"Hubs", truth, []query{
			{`kill_durable{$s}`, "{{instance}} has all on disk"},
			{`kill_peer_reachable{$s}`, "{{instance}} reaches {{region}}"},
			{`kill_peer_equal{$s}`, "{{instance}} agrees with {{region}}"},
		}},
	}},
	{"Regions: is everything everywhere?", []panel{
		one("Since the latest heartbeat", seconds, `max by (from, to) (replication_heartbeat_age_seconds{$s})`, byLink),
		{"Links", truth, []query{
			{`max by (from, to) (replication_link_up{$s})`, byLink + " up"},
			{`max by (from, to) (replication_digest_equal{$s})`, byLink + " equal"},
		}},
		one("Keys not acknowledged", short, `max by (from, to) (replication_pending_keys{$s})`, byLink),
		one("On the way", bytesUnit, `max by (from, to) (replication_in_flight_bytes{$s})`, byLink),
		{"Keys", perSecond, []query{
			{`sum by (from, to) (rate(replication_sent_keys_total{$s}[$__rate_interval]))`, byLink + " sent"},
			{`sum by (from, to) (rate(replication_applied_keys_total{$s}[$__rate_interval]))`, byLink + " applied"},
		}},
		{"What went wrong", short, []query{
			{`sum by (from, to) (increase(replication_conflicts_total{$s}[$__rate_interval]))`, byLink + " conflicts"},
			{`sum by (from, to) (increase(replication_repairs_total{$s}[$__rate_interval]))`, byLink + " repairs"},
			{`sum by (from, to) (increase(replication_refused_total{$s}[$__rate_interval]))`, byLink + " refused"},
		}},
		{"Comparisons and full syncs", short, []query{
			{`sum by (from, to) (increase(replication_digests_total{$s}[$__rate_interval]))`, byLink + " compared"},
			{`sum by (from, to) (increase(replication_full_syncs_total{$s}[$__rate_interval]))`, byLink + " sent all"},
		}},
	}},
	{"The processes", []panel{
		one("Started", "dateTimeFromNow", `process_start_time_seconds{$s} * 1000`, byInstance),
		one("Processor time", short, `rate(process_cpu_seconds_total{$s}[$__rate_interval])`, byInstance),
		one("Memory", bytesUnit, `process_resident_memory_bytes{$s}`, byInstance),
		one("Goroutines", short, `go_goroutines{$s}`, byInstance),
		one("File descriptors in use", "percentunit", `process_open_fds{$s} / process_max_fds{$s}`, byInstance),
	}},
}
