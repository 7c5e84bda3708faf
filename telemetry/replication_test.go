package telemetry_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/roster-go/roster/replica"
	"github.com/roster-go/roster/telemetry"
)

type links []replica.LinkStatus

func (l links) Links() []replica.LinkStatus { return l }

func TestReplication(t *testing.T) {
	t.Parallel()
	collector := telemetry.NewReplication(links{
		{From: "eu", To: "us", Connected: true, Lag: 1500 * time.Millisecond, Pending: 3, InFlight: 70, Sent: 9, FullSyncs: 1, Digests: 4, Equal: true},
		{From: "us", To: "eu", Incoming: true, HeartbeatAge: 2 * time.Second, Applied: 8, Conflicts: 2, Repairs: 1, Refused: 5},
	})
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector)
	want := `
# HELP replication_heartbeat_age_seconds Since the latest heartbeat of the other region came.
# TYPE replication_heartbeat_age_seconds gauge
replication_heartbeat_age_seconds{from="us",to="eu"} 2
# HELP replication_lag_seconds Between a write and its acknowledgement by the other region; grows while there is none.
# TYPE replication_lag_seconds gauge
replication_lag_seconds{from="eu",to="us"} 1.5
# HELP replication_conflicts_total Concurrent writes that lost and were kept as conflicts.
# TYPE replication_conflicts_total counter
replication_conflicts_total{from="us",to="eu"} 2
# HELP replication_digest_equal 1 if the latest comparison found no difference, else 0.
# TYPE replication_digest_equal gauge
replication_digest_equal{from="eu",to="us"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want),
		"replication_lag_seconds", "replication_heartbeat_age_seconds", "replication_conflicts_total", "replication_digest_equal"); err != nil {
		t.Error(err)
	}
	if got := testutil.CollectAndCount(collector); got != 13 {
		t.Errorf("%d metrics, want 13", got)
	}
}
