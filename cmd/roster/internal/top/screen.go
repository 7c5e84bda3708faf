package top

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A screen is what is shown of a report.
type screen struct {
	report *Report
	from   string // the daemon's URL
	every  time.Duration
	by     Key
	keys   bool // that can be pressed are told
	height int  // lines at most; 0 for any number
}

// A section is a table with a head.
type section struct {
	head []string
	rows [][]string
}

// text is the screen as lines.
func (s *screen) text() []string {
	r := s.report
	at := r.At.Local().Format(time.TimeOnly) //nolint:gosmopolitan // the reader's own clock
	lines := []string{
		fmt.Sprintf("roster top - %s  every %v  sorted by %s  %s", s.from, s.every, s.by, at),
		s.state(),
	}
	if r.StaleSince != nil {
		lines = append(lines, "STALE since "+r.StaleSince.Local().Format(time.TimeOnly)+": "+r.Stale) //nolint:gosmopolitan // likewise
	}
	sections := s.sections()
	room := s.height - len(lines)
	if s.keys {
		room--
	}
	for i, t := range sections {
		rows := len(t.rows)
		if s.height > 0 {
			// What a section does not need, the later ones may have.
			rows = max(min(rows, room/(len(sections)-i)-2), 0) //nolint:mnd // an empty line and the head
		}
		shown := columns(append([][]string{t.head}, t.rows[:rows]...))
		if left := len(t.rows) - rows; left > 0 && rows > 0 {
			shown[rows] = fmt.Sprintf("… and %d more", left+1)
		}
		lines = append(append(lines, ""), shown...)
		room -= len(shown) + 1
	}
	if s.height > 0 && len(lines) > s.height {
		lines = lines[:s.height]
	}
	if s.keys {
		if len(lines) == s.height {
			lines = lines[:s.height-1]
		}
		lines = append(lines, "q quit  r by rate  e by errors  l by latency  n by name")
	}
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return lines
}

// state is one line about everything that is no table.
func (s *screen) state() string {
	r := s.report
	parts := []string{"view fresh, " + seconds(r.View.Lag) + " behind"}
	if r.View.Stale {
		parts[0] = "view STALE: " + r.View.Reason
	}
	for _, l := range r.Links {
		link := fmt.Sprintf("%s→%s %s behind", l.From, l.To, seconds(l.Lag))
		if !l.Up {
			link += " (DOWN)"
		}
		parts = append(parts, link)
	}
	var kills strings.Builder
	fmt.Fprintf(&kills, "%.0f killed", r.Kills.Targets)
	for _, state := range []string{"pending", "unreachable", "expired"} {
		if n := r.Kills.Runtimes[state]; n > 0 {
			fmt.Fprintf(&kills, ", %.0f %s", n, state)
		}
	}
	return strings.Join(append(parts, kills.String()), "  |  ")
}

func (s *screen) sections() []section {
	r := s.report
	registries := section{head: []string{"REGISTRY", "SIZE", "LOOKUPS/S", "MISSES/S", "MISSES"}}
	for _, x := range r.Registries {
		registries.rows = append(registries.rows, []string{x.Name, whole(x.Size), perSecond(x.Lookups), perSecond(x.Misses), whole(x.Missed)})
	}
	calls := section{head: []string{"PLUGIN METHOD", "CALLS/S", "ERRORS/S", "P50", "P99", "CALLS"}}
	for _, x := range r.Calls {
		calls.rows = append(calls.rows, []string{x.Plugin + " " + x.Method, perSecond(x.Calls), perSecond(x.Errors), seconds(x.P50), seconds(x.P99), whole(x.Total)})
	}
	plugins := section{head: []string{"PLUGIN", "VERSION", "STATE", "PID", "RESTARTS"}}
	for i := range r.Plugins {
		x := &r.Plugins[i]
		plugins.rows = append(plugins.rows, []string{x.Name, x.Version, x.State, strconv.Itoa(x.PID), strconv.Itoa(x.Restarts)})
	}
	services := section{head: []string{"SERVICE", "INSTANCES"}}
	for _, x := range r.Services {
		services.rows = append(services.rows, []string{x.Name, strconv.Itoa(x.Instances)})
	}
	return []section{registries, calls, plugins, services}
}

// columns puts cells under each other: the first to the left, the others to the right.
func columns(rows [][]string) []string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	lines := make([]string, len(rows))
	for n, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			gap := strings.Repeat(" ", widths[i]-len([]rune(cell)))
			if i == 0 {
				b.WriteString(cell + gap)
			} else {
				b.WriteString("  " + gap + cell)
			}
		}
		lines[n] = b.String()
	}
	return lines
}

// printable keeps what callers and plugins made up from steering the terminal.
func printable(line string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, line)
}

// cut shortens a line to a width, in characters of one column.
func cut(line string, width int) string {
	if runes := []rune(line); width > 0 && len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return line
}

func whole(n float64) string { return strconv.FormatFloat(n, 'f', 0, 64) }

func perSecond(n float64) string { return strconv.FormatFloat(n, 'f', 1, 64) }

// seconds is a duration with three digits.
func seconds(s float64) string {
	switch {
	case s <= 0:
		return "0"
	case s < 1e-3:
		return strconv.FormatFloat(s*1e6, 'f', 0, 64) + "µs"
	case s < 1:
		return strconv.FormatFloat(s*1e3, 'g', 3, 64) + "ms"
	default:
		return strconv.FormatFloat(s, 'f', 1, 64) + "s"
	}
}
