package consolepage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/kill"
)

// A snapshot is all that pages are made of, but for logs. It is not changed.
type snapshot struct {
	State

	At         time.Time
	Registries []registryRow
	Misses     []Miss
	Lately     uint64    // misses in the last minute
	Watched    time.Time // since when misses have times
	Audit      []Audit
	Recorded   bool // there is an audit trail
	Attention  []notice
}

// A registryRow is one registry.
type registryRow struct {
	Name, Type      string
	Lifecycle       roster.Lifecycle
	Size, Suspended int
	Version         uint64
	Hits, Misses    uint64
	Created         roster.Site
	Sealed          bool
}

func registryRows(registries []roster.Inspector) []registryRow {
	rows := make([]registryRow, 0, len(registries))
	for _, r := range registries {
		i := r.Info()
		row := registryRow{
			Name: i.Name, Type: i.Type, Lifecycle: i.Lifecycle, Size: i.Size, Suspended: i.Suspended,
			Version: i.Version, Created: i.Created, Sealed: !i.Sealed.IsZero(),
		}
		if reporter, ok := r.(roster.Reporter); ok {
			traffic := reporter.Traffic()
			row.Hits, row.Misses = traffic.Hits, traffic.Misses
		}
		rows = append(rows, row)
	}
	return rows
}

// Entries is how many there are in all registries.
func (s *snapshot) Entries() int {
	n := 0
	for i := range s.Registries {
		n += s.Registries[i].Size
	}
	return n
}

// ReadyPlugins is how many plugins serve.
func (s *snapshot) ReadyPlugins() int {
	n := 0
	for i := range s.Plugins {
		if s.Plugins[i].State == "ready" {
			n++
		}
	}
	return n
}

// Standing are the orders that keep something from use.
func (s *snapshot) Standing() []kill.Order {
	return slices.DeleteFunc(slices.Clone(s.Kills.Orders), func(o kill.Order) bool { return o.Revived })
}

// Services are the instances by service.
func (s *snapshot) Services() []service {
	var list []service
	instances := slices.SortedFunc(slices.Values(s.Instances.Instances), func(a, b api.Instance) int {
		return cmp.Or(strings.Compare(a.Service, b.Service), strings.Compare(a.Region, b.Region), strings.Compare(a.ID, b.ID))
	})
	for i := range instances {
		if len(list) == 0 || list[len(list)-1].Name != instances[i].Service {
			list = append(list, service{Name: instances[i].Service})
		}
		last := &list[len(list)-1]
		last.Instances = append(last.Instances, instances[i])
	}
	return list
}

// A service is a name with those who serve it.
type service struct {
	Name      string
	Instances []api.Instance
}

// plugin is the one of that name, or nil.
func (s *snapshot) plugin(name string) *api.Plugin {
	for i := range s.Plugins {
		if s.Plugins[i].Name == name {
			return &s.Plugins[i]
		}
	}
	return nil
}

// WorstLag is the longest that a region is behind another, and whether any is known.
func (s *snapshot) WorstLag() (worst Lag, known bool) {
	for _, l := range s.Lags {
		if !l.Known {
			continue
		}
		if !known || rank(l.Level()) > rank(worst.Level()) || rank(l.Level()) == rank(worst.Level()) && l.Lag > worst.Lag {
			worst, known = l, true
		}
	}
	return worst, known
}

// What a lag means. The alert is at the upper one.
const (
	lagWarn = 5 * time.Second
	lagBad  = 30 * time.Second
)

// Level is ok, warn or bad, or quiet if nothing is known.
func (l Lag) Level() string {
	switch {
	case !l.Known:
		return levelQuiet
	case !l.Connected || l.Lag >= lagBad:
		return levelBad
	case l.Lag >= lagWarn:
		return levelWarn
	default:
		return levelOK
	}
}

// Words say how far behind it is.
func (l Lag) Words() string {
	switch {
	case !l.Known:
		return "not known"
	case !l.Connected:
		return "cut off, " + span(l.Lag)
	default:
		return span(l.Lag)
	}
}

func rank(level string) int {
	return slices.Index([]string{levelQuiet, levelOK, levelWarn, levelBad}, level)
}

// Configured is a plugin's share of the calls as its weight says, in percent. Those on standby
// have none while another can serve.
func (c Capability) Configured(s Share) int {
	total := 0
	active := false
	for _, other := range c.Shares {
		if !other.Standby {
			total += other.Weight
			active = true
		}
	}
	switch {
	case !active: // all are on standby
		for _, other := range c.Shares {
			total += other.Weight
		}
	case s.Standby:
		return 0
	}
	if total == 0 {
		return 0
	}
	return (s.Weight*100 + total/2) / total
}

// Measured is a plugin's share of the calls that were made, in percent.
func (c Capability) Measured(s Share) int {
	var total uint64
	for _, other := range c.Shares {
		total += other.Calls
	}
	if total == 0 {
		return 0
	}
	return int((s.Calls*100 + total/2) / total)
}

// Levels are those of lags, for the arrows of the map.
func (s *snapshot) Levels() []string { return []string{levelOK, levelWarn, levelBad, levelQuiet} }

// WorstLevel is the level of the longest lag.
func (s *snapshot) WorstLevel() string {
	worst, _ := s.WorstLag()
	return worst.Level()
}

// WorstWords is the longest lag, and WorstNote what it is.
func (s *snapshot) WorstWords() string {
	if worst, known := s.WorstLag(); known {
		return span(worst.Lag)
	}
	return "?"
}

// WorstNote says what WorstWords is about.
func (s *snapshot) WorstNote() string {
	if worst, known := s.WorstLag(); known && !worst.Connected {
		return "cut off, longest"
	}
	return "longest lag"
}

// briefMisses is how many names the overview has room for.
const briefMisses = 5

// BriefMisses are the latest names that were asked for in vain. A call asks several registries for
// one name, which is one line.
func (s *snapshot) BriefMisses() []Miss {
	var list []Miss
	for _, m := range s.Misses {
		at := slices.IndexFunc(list, func(other Miss) bool { return other.Name == m.Name })
		switch {
		case at < 0 && len(list) < briefMisses:
			list = append(list, m)
		case at >= 0:
			list[at].Registry += ", " + m.Registry
			list[at].Count = max(list[at].Count, m.Count)
		}
	}
	return list
}

// A ShareBar is a plugin's share as it is drawn, in percent.
type ShareBar struct{ Measured, Configured int }

// Bar draws a share.
func (c Capability) Bar(s Share) ShareBar { return ShareBar{c.Measured(s), c.Configured(s)} }
