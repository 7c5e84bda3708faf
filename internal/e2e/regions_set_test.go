package e2e_test

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/roster-go/roster/internal/e2e/clustertest"
)

// A pair of regions: the one that dials and the one that is dialled.
type pair struct{ from, to string }

// A regionSet is several regions, each one daemon with an etcd of its own, that reach each
// other through links. The links for kills and those for records are different ones.
type regionSet struct {
	regions     map[string]*region
	control     map[pair]*clustertest.Link
	replication map[pair]*clustertest.Link
}

// A region is one daemon.
type region struct {
	*daemon

	name   string
	config string // its file
	data   string
}

// startRegions runs a daemon for each name. Settings are added to the config of each.
func startRegions(t *testing.T, settings map[string]any, names ...string) *regionSet {
	t.Helper()
	return startRegionsWith(t, settings, nil, names...)
}

// startRegionsWith also adds settings to the part of the config that is about regions.
func startRegionsWith(t *testing.T, settings, ofRegions map[string]any, names ...string) *regionSet {
	t.Helper()
	set := &regionSet{
		regions: make(map[string]*region), control: make(map[pair]*clustertest.Link), replication: make(map[pair]*clustertest.Link),
	}
	control, replication := make(map[string]string), make(map[string]string)
	for i, name := range names {
		host := fmt.Sprintf("127.0.%d.1", i+1)
		control[name], replication[name] = freePort(t, host), freePort(t, host)
	}
	for _, name := range names {
		others := make(map[string]any)
		for _, other := range names {
			if other == name {
				continue
			}
			p := pair{name, other}
			set.control[p] = clustertest.NewLink(t, control[other])
			set.replication[p] = clustertest.NewLink(t, replication[other])
			others[other] = map[string]any{
				"control": []string{set.control[p].Address()}, "replication": []string{set.replication[p].Address()},
			}
		}
		about := map[string]any{"control": control[name], "replication": replication[name], "others": others}
		maps.Copy(about, ofRegions)
		config := map[string]any{"region": name, "host": name + "-1", "regions": about}
		maps.Copy(config, settings)
		text, err := yaml.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		r := &region{name: name, config: filepath.Join(t.TempDir(), name+".yaml"), data: t.TempDir()}
		if err := os.WriteFile(r.config, text, 0o600); err != nil {
			t.Fatal(err)
		}
		set.regions[name] = r
	}
	for _, name := range names {
		set.regions[name].start(t)
	}
	return set
}

// start runs the region's daemon, again after it was killed.
func (r *region) start(t *testing.T, args ...string) {
	t.Helper()
	r.daemon = startDaemon(t, append([]string{"--config", r.config, "--data", r.data}, args...)...)
}

// freePort is an address whose port nobody listens on at the moment.
func freePort(t *testing.T, host string) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// names of the regions, sorted.
func (s *regionSet) names() []string { return slices.Sorted(maps.Keys(s.regions)) }

// cut breaks links of a kind between a region and all others, in both directions.
func cut(links map[pair]*clustertest.Link, region string) {
	for p, link := range links {
		if p.from == region || p.to == region {
			link.Cut()
		}
	}
}

func mend(links map[pair]*clustertest.Link) {
	for _, link := range links {
		link.Mend()
	}
}

// killed tells what a daemon's switch has, as target → epoch.
func (r *region) killed(t *testing.T) string {
	t.Helper()
	res := r.roster(t, "ls", "kills")
	var list []string
	for line := range strings.Lines(res.stdout) {
		if fields := strings.Fields(line); len(fields) > 2 && fields[1] == "killed" {
			list = append(list, fields[0]+"@"+fields[2])
		}
	}
	return strings.Join(list, " ")
}

// atMost is a limit of time, wider if the programs watch for races.
func atMost(d time.Duration) time.Duration {
	if len(buildFlags) > 0 {
		return 5 * d
	}
	return d
}
