package consolepage

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/console"
	"github.com/roster-go/roster/kill"
)

// words are the functions of the templates.
var words = template.FuncMap{
	"clock":       clock,
	"stamp":       stamp,
	"day":         func(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }, //nolint:gosmopolitan // the daemon's own clock
	"span":        span,
	"millis":      func(ms int64) string { return span(time.Duration(ms) * time.Millisecond) },
	"counted":     counted,
	"count":       func(n uint64, one, many string) string { return counted(int(n), one, many) },
	"join":        func(list []string) string { return strings.Join(list, ", ") },
	"add":         func(a, b int) int { return a + b },
	"state":       stateLevel,
	"control":     controlLevel,
	"notEnforced": func(p api.Plugin) []api.Control { return NotEnforced(&p) },
	"killLink":    killLink,
	"reviveLink":  func(t kill.Target) string { return killLink(t) + "&revive=1" },
	"pluginKill":  func(name string) string { return killLink(kill.Plugin(name, "")) },
	"capKill":     func(name string) string { return killLink(kill.Capability(name)) },
	"instKill":    func(i api.Instance) string { return killLink(kill.Instance(i.Service, i.ID)) },
	"registry":    func(name string) string { return console.Path + "/" + pathEscape(name) },
	"hash":        func(text string) string { return text[:min(len(text), 12)] },
	"path":        func() string { return Path },
	"kept":        kept,
}

// clock is the time of the day on the daemon's clock.
func clock(t time.Time) string { return t.Local().Format(time.TimeOnly) } //nolint:gosmopolitan // the daemon's own clock

// stamp is the time of the day, with the day unless it is today.
func stamp(t time.Time) string {
	if time.Since(t) < 12*time.Hour {
		return clock(t)
	}
	return t.Local().Format(time.DateTime) //nolint:gosmopolitan // the daemon's own clock
}

// span is a duration for people.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "not known"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	default:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// How bad something is, as the style names it.
const (
	levelOK    = "ok"
	levelWarn  = "warn"
	levelBad   = "bad"
	levelQuiet = "quiet" // nothing is known, or nothing is to be said
)

// stateLevel is the colour of a plugin's state.
func stateLevel(state string) string {
	switch state {
	case "ready":
		return levelOK
	case "starting", "backoff", "stopping":
		return levelWarn
	case "stopped":
		return levelQuiet
	default:
		return levelBad
	}
}

// controlLevel is the colour of a layer of a sandbox.
func controlLevel(state string) string {
	switch state {
	case "enforced":
		return levelOK
	case "degraded":
		return levelWarn
	case "unavailable":
		return levelBad
	default:
		return levelQuiet
	}
}
