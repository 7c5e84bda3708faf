package telemetry_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/roster-go/roster/kill"
	"github.com/roster-go/roster/telemetry"
)

type killing kill.Status

func (k killing) Status() kill.Status { return kill.Status(k) }

func TestKillMetrics(t *testing.T) {
	t.Parallel()
	collector := telemetry.NewKill(killing{
		Durable: true,
		Orders: []kill.Order{
			{Target: kill.Plugin("a", ""), Epoch: 1}, {Target: kill.Plugin("b", ""), Epoch: 1}, {Target: kill.Plugin("c", ""), Epoch: 2, Revived: true},
		},
		Runtimes: []kill.RuntimeReport{{State: kill.Acked}, {State: kill.Acked}, {State: kill.Unreachable}},
		Peers:    []kill.PeerStatus{{Region: "us", Equal: true}, {Region: "ap", Err: "gone"}},
		Canary:   kill.CanaryStatus{Sent: 7, Failed: 2, Age: 90 * time.Second, P99: 150 * time.Millisecond},
	})
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector)
	want := `
# HELP kill_canary_age_seconds How long ago the latest canary was sent that everybody acknowledged.
# TYPE kill_canary_age_seconds gauge
kill_canary_age_seconds 90
# HELP kill_canary_failed_total Canaries that not every connected hub and runtime acknowledged in time.
# TYPE kill_canary_failed_total counter
kill_canary_failed_total 2
# HELP kill_canary_latency_p99_seconds The 99th percentile of how long the latest 128 canaries took.
# TYPE kill_canary_latency_p99_seconds gauge
kill_canary_latency_p99_seconds 0.15
# HELP kill_canary_total Canaries that were sent along the way of a kill.
# TYPE kill_canary_total counter
kill_canary_total 7
# HELP kill_durable 1 while all orders are on the hub's disk, else 0.
# TYPE kill_durable gauge
kill_durable 1
# HELP kill_peer_equal 1 if the hub of the region had the same orders when it last answered, else 0.
# TYPE kill_peer_equal gauge
kill_peer_equal{region="ap"} 0
kill_peer_equal{region="us"} 1
# HELP kill_peer_reachable 1 if the hub of the region answers, else 0.
# TYPE kill_peer_reachable gauge
kill_peer_reachable{region="ap"} 0
kill_peer_reachable{region="us"} 1
# HELP kill_revived_targets Targets that were killed and revived.
# TYPE kill_revived_targets gauge
kill_revived_targets 1
# HELP kill_runtimes Runtimes by whether they have all orders of the hub.
# TYPE kill_runtimes gauge
kill_runtimes{state="acked"} 2
kill_runtimes{state="expired"} 0
kill_runtimes{state="left"} 0
kill_runtimes{state="pending"} 0
kill_runtimes{state="unreachable"} 1
# HELP kill_targets Targets that are killed.
# TYPE kill_targets gauge
kill_targets 2
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}
