package consolepage

import (
	"fmt"

	"github.com/roster-go/roster/cmd/roster/internal/api"
)

// A notice is something that an operator should look at.
type notice struct {
	Level string // bad or warn
	Text  string
	Link  string // where more is said
}

// attention lists what is not as it should be, the worst first.
func attention(s *snapshot) []notice {
	var bad, warn []notice
	add := func(level, link, format string, args ...any) {
		n := notice{Level: level, Text: fmt.Sprintf(format, args...), Link: Path + link}
		if level == levelBad {
			bad = append(bad, n)
		} else {
			warn = append(warn, n)
		}
	}
	if !s.Ready.Ready {
		add(levelBad, "", "This daemon does not serve: %s", s.Ready.Problem)
	} else if s.Ready.Degraded != "" {
		add(levelWarn, "/services", "Degraded: %s", s.Ready.Degraded)
	}
	for i := range s.Plugins {
		p := &s.Plugins[i]
		switch {
		case p.State == "ready":
		case p.State == "starting":
			add(levelWarn, "/plugins/"+p.Name, "Plugin %s is starting", p.Name)
		case p.LastError != "":
			add(levelBad, "/plugins/"+p.Name, "Plugin %s is in state %s: %s", p.Name, p.State, kept(p.LastError))
		default:
			add(levelBad, "/plugins/"+p.Name, "Plugin %s is in state %s", p.Name, p.State)
		}
		if missing := NotEnforced(p); len(missing) > 0 {
			add(levelWarn, "/plugins/"+p.Name, "Plugin %s: %d of its sandbox's layers not enforced (%s)", p.Name, len(missing), missing[0].Name)
		}
	}
	if at := s.Instances.StaleSince; s.Instances.Stale && at != nil {
		add(levelBad, "/services", "The view of the fleet is stale since %s: %s", clock(*at), s.Instances.Reason)
	}
	for _, l := range s.Lags {
		switch l.Level() {
		case levelBad, "warn":
			add(l.Level(), "/regions", "Region %s is behind %s: %s", l.To, l.From, l.Words())
		}
	}
	if n := len(s.Standing()); n > 0 {
		add(levelWarn, "/kills", "%s in force", counted(n, "kill is", "kills are"))
	}
	if s.Kills.Problem != "" {
		add(levelWarn, "/kills", "Kill switch: %s", s.Kills.Problem)
	}
	if s.Lately > 0 {
		add(levelWarn, "/misses", "%s found nothing in the last minute", counted(int(s.Lately), "lookup", "lookups"))
	}
	return append(bad, warn...)
}

// NotEnforced are the layers of a plugin's sandbox that were asked for and do not hold, or
// not wholly.
func NotEnforced(p *api.Plugin) []api.Control {
	var missing []api.Control
	for _, c := range p.Sandbox {
		if c.State == "degraded" || c.State == "unavailable" {
			missing = append(missing, c)
		}
	}
	return missing
}
