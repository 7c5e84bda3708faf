package consolepage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/kill"
)

// The tail keeps the latest lines of each plugin, short and without secrets, and passes
// everything on.
func TestTailKeepsNoSecrets(t *testing.T) {
	var passed strings.Builder
	var tail Tail
	log := slog.New(tail.Handler(slog.NewTextHandler(&passed, nil))).With("host", "h", "plugin_name", "p")
	for _, line := range []string{
		"password=hunter2", `config {"api_key": "hunter2", "x": 1}`, "Authorization: Bearer hunter2hunter2", "curl -H 'Bearer hunter2hunter2'",
		"dial postgres://ann:hunter2@db/x", "--client-secret hunter2", "DB_PASSWORD: hunter2", `token="hunter2 with spaces"`,
		"-----BEGIN RSA PRIVATE KEY----- hunter2",
	} {
		log.Info(line) //nolint:sloglint // it is the plugin's message
	}
	log.Warn("it starts", "db_password", "hunter2", "pid", 7, "error", errors.New("a b"))
	log.Debug("not kept")
	slog.New(tail.Handler(slog.DiscardHandler)).Info("of no plugin")
	lines := tail.Lines("p")
	if len(lines) != 10 {
		t.Fatalf("%d lines: %v", len(lines), lines)
	}
	for _, line := range lines {
		if strings.Contains(line.Text, "hunter2") || strings.Contains(line.Text, "with spaces") {
			t.Errorf("kept: %s", line.Text)
		}
	}
	if last := lines[9]; last.Level != "warn" || last.Text != `it starts db_password=[hidden] pid=7 error="a b"` {
		t.Errorf("the last line: %+v", last)
	}
	if !strings.Contains(passed.String(), "it starts") || strings.Contains(passed.String(), "not kept") {
		t.Errorf("passed on: %s", passed.String())
	}
	for i := range 2 * tailLines {
		log.Info(fmt.Sprintf("line %d\x1b[31m %s", i, strings.Repeat("é", tailBytes))) //nolint:sloglint // as above
	}
	lines = tail.Lines("p")
	if len(lines) != tailLines || !strings.HasPrefix(lines[0].Text, fmt.Sprintf("line %d", tailLines)) {
		t.Errorf("%d lines from %s", len(lines), lines[0].Text)
	}
	if text := lines[0].Text; len(text) > tailBytes+len("…") || strings.ContainsRune(text, 0x1b) {
		t.Errorf("a line of %d bytes: %s", len(text), text)
	}
	for i := range 2 * tailPlugins {
		slog.New(tail.Handler(slog.DiscardHandler)).InfoContext(context.Background(), "x", "plugin_name", strconv.Itoa(i))
	}
	if len(tail.plugins) > tailPlugins {
		t.Errorf("lines of %d plugins are kept", len(tail.plugins))
	}
}

// Misses have the time at which their count was seen to grow, and none if that was before; and
// what the caller was told to do.
func TestMissesHaveTimes(t *testing.T) {
	d := roster.NewDirectory()
	codecs := roster.NewHot[string](roster.Named("codecs"), roster.In(d), roster.Known(roster.Catalogue{
		"postgres": {{Import: "example.com/pq", Note: "needs cgo"}},
	}))
	codecs.Register("json", "x")
	codecs.Get("yaml")
	var w missWatch
	begun := time.Unix(1_800_000_000, 0)
	misses, lately := w.report(begun, d.Registries())
	if len(misses) != 1 || !misses[0].Last.IsZero() || lately != 0 {
		t.Fatalf("at first: %+v, %d lately", misses, lately)
	}
	codecs.Get("jsno")
	codecs.Get("jsno")
	w.look(begun.Add(time.Second), d.Registries()) // while no page is open
	misses, lately = w.report(begun.Add(time.Minute), d.Registries())
	if len(misses) != 2 || misses[0].Name != "jsno" || misses[0].Count != 2 || !misses[0].Last.Equal(begun.Add(time.Second)) || misses[0].Near[0] != "json" || lately != 2 {
		t.Errorf("then: %+v, %d lately", misses, lately)
	}
	codecs.Register("jsno", "y")
	codecs.Get("postgrse")
	misses, lately = w.report(begun.Add(2*time.Minute), d.Registries())
	if misses[0].Suggested != "postgres" || misses[0].Imports[0].Import != "example.com/pq" || !misses[1].There || lately != 1 {
		t.Errorf("at last: %+v, %d lately", misses, lately)
	}
	runtime.KeepAlive(codecs)
}

func TestShares(t *testing.T) {
	c := Capability{Shares: []Share{{Plugin: "a", Weight: 9, Calls: 2}, {Plugin: "b", Weight: 1, Calls: 1}, {Plugin: "c", Weight: 5, Standby: true}}}
	for i, want := range [][2]int{{90, 67}, {10, 33}, {0, 0}} {
		if got := [2]int{c.Configured(c.Shares[i]), c.Measured(c.Shares[i])}; got != want {
			t.Errorf("%s: %v, want %v", c.Shares[i].Plugin, got, want)
		}
	}
	alone := Capability{Shares: []Share{{Plugin: "c", Weight: 5, Standby: true}}}
	if got := alone.Configured(alone.Shares[0]); got != 100 {
		t.Errorf("on standby alone: %d", got)
	}
}

// All regions are inside of the drawing, and no two at one place, for every number of them.
func TestMap(t *testing.T) {
	for n := 1; n <= maxMapped+1; n++ {
		regions := api.Regions{Region: "r0"}
		var lags []Lag
		for i := range n {
			name := fmt.Sprintf("r%d", i)
			regions.Regions = append(regions.Regions, api.Region{Name: name})
			for j := range n {
				if i != j {
					lags = append(lags, Lag{From: name, To: fmt.Sprintf("r%d", j), Known: true, Connected: true})
				}
			}
		}
		m := drawMap(regions, lags)
		if n > maxMapped {
			if m.TooMany != n || len(m.Nodes) > 0 {
				t.Errorf("%d regions: %+v", n, m)
			}
			continue
		}
		if len(m.Nodes) != n || len(m.Edges) != n*(n-1) {
			t.Errorf("%d regions: %d nodes, %d edges", n, len(m.Nodes), len(m.Edges))
		}
		places := make(map[string]bool)
		for _, node := range m.Nodes {
			places[fmt.Sprintf("%.0f %.0f", node.X, node.Y)] = true
			if node.X < nodeRadius || node.Y < nodeRadius || node.X > mapWidth-nodeRadius || node.Y > mapHeight-nodeRadius {
				t.Errorf("%d regions: %s is at %v, %v", n, node.Name, node.X, node.Y)
			}
		}
		if len(places) != n {
			t.Errorf("%d regions at %d places", n, len(places))
		}
	}
}

// What is worse comes first, and a daemon without trouble needs no attention.
func TestAttention(t *testing.T) {
	s := &snapshot{State: full(), Lately: 2}
	notices := attention(s)
	if len(notices) < 7 || notices[0].Level != "bad" || notices[len(notices)-1].Level != "warn" {
		t.Errorf("%+v", notices)
	}
	for i := 1; i < len(notices); i++ {
		if notices[i].Level == "bad" && notices[i-1].Level == "warn" {
			t.Errorf("%+v comes after %+v", notices[i], notices[i-1])
		}
	}
	if calm := attention(&snapshot{State: State{Ready: api.Ready{Ready: true}}}); len(calm) != 0 {
		t.Errorf("without trouble: %+v", calm)
	}
}

func TestHappened(t *testing.T) {
	before, after := &snapshot{State: full()}, &snapshot{State: full()}
	if said := happened(before, after); len(said) != 0 {
		t.Errorf("without a change: %q", said)
	}
	after.Plugins = append([]api.Plugin{{Name: "new"}}, after.Plugins[0])
	after.Plugins[1].Restarts++
	after.Instances.Stale = false
	after.Kills.Orders = []kill.Order{{Target: kill.Capability("x"), Reason: "leaks"}}
	said := strings.Join(happened(before, after), "\n")
	for _, part := range []string{"Plugin new was added.", "Plugin markdown was restarted.", "is gone.", "up to date again", "capability/x is killed: leaks.", "more thing"} {
		if !strings.Contains(said, part) {
			t.Errorf("not said: %s in\n%s", part, said)
		}
	}
}
