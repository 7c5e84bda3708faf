package doctor

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/roster-go/roster/initwatch/hang"
)

// A Verdict says how far a program came.
type Verdict string

// The verdicts.
const (
	Hangs   Verdict = "hangs"   // an init does not return
	Reached Verdict = "reached" // main was reached, and the program still ran
	Ended   Verdict = "ended"   // the program ended by itself
	Unknown Verdict = "unknown" // nothing could be learned
)

// A Report is what was found out about a program.
type Report struct {
	Verdict Verdict       `json:"verdict"`
	After   time.Duration `json:"after_ns"` // since the start, 0 if it is unknown
	// ExitCode is that of a program that ended by itself; 128 and the signal's number if one ended it.
	ExitCode int      `json:"exit_code"`
	Hang     *Hang    `json:"hang,omitempty"`
	Inits    []Init   `json:"inits"`   // the slowest first
	Ways     []string `json:"ways"`    // how it was found out: "live", "dump"
	Missing  []string `json:"missing"` // what could not be learned, and why
}

// A Hang is an init that does not return.
type Hang struct {
	Package     string       `json:"package"`
	Function    string       `json:"function"`    // init.0, or init for a variable initialiser
	Initialiser bool         `json:"initialiser"` // of a variable
	File        string       `json:"file"`
	Line        int          `json:"line"`
	State       string       `json:"state"` // in the words of the runtime
	Cause       hang.Cause   `json:"cause"`
	Means       string       `json:"means"`
	Details     []string     `json:"details"` // addresses, paths, processes
	Cure        string       `json:"cure"`
	Chain       []hang.Frame `json:"chain"` // of the user's code, the innermost first
	Started     []Goroutine  `json:"started"`

	text string
}

// A Goroutine was started by an init and has not ended.
type Goroutine struct {
	ID        int64      `json:"id"`
	State     string     `json:"state"`
	Cause     hang.Cause `json:"cause"`
	StartedAt hang.Frame `json:"started_at"`
	At        hang.Frame `json:"at"`
}

func newHang(h hang.Hang, details []string) *Hang {
	r := &Hang{
		Package: h.Init.Package(), Function: h.Init.Name(), Initialiser: h.Init.Initialiser(),
		File: h.Init.File, Line: h.Init.Line,
		State: h.State, Cause: h.Cause, Means: h.Cause.Means(), Details: details, Cure: h.Cause.Cure(),
		Chain: h.Chain, text: h.Text(details...),
	}
	for _, s := range h.Started {
		r.Started = append(r.Started, Goroutine{ID: s.ID, State: s.State, Cause: s.Cause, StartedAt: s.By, At: s.At})
	}
	return r
}

// shown is how many of the slowest inits the text has.
const shown = 10

// Text is the report for people.
func (r *Report) Text() string {
	var b strings.Builder
	switch r.Verdict {
	case Hangs:
		b.WriteString("doctor: main is not reached" + r.after() + "\n" + r.Hang.text)
	case Reached:
		b.WriteString("doctor: main was reached; the program was still running" + r.after() + "\n")
	case Ended:
		fmt.Fprintf(&b, "doctor: the program ended by itself%s, exit code %d\n", r.after(), r.ExitCode)
	case Unknown:
		b.WriteString("doctor: nothing was learned\n")
	}
	if r.Verdict != Hangs && len(r.Inits) > 0 {
		b.WriteString(r.slowest())
	}
	for _, m := range r.Missing {
		b.WriteString("  missing   " + m + "\n")
	}
	return b.String()
}

func (r *Report) after() string {
	if r.After == 0 {
		return ""
	}
	return " after " + r.After.Round(time.Millisecond).String()
}

func (r *Report) slowest() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "  the slowest of %d inits:\n", len(r.Inits))
	const minWidth, tabWidth, padding = 0, 8, 2
	t := tabwriter.NewWriter(&b, minWidth, tabWidth, padding, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "  TIME\tAT\tBYTES\tALLOCS\t  PACKAGE")
	for _, i := range r.Inits[:min(shown, len(r.Inits))] {
		_, _ = fmt.Fprintf(t, "  %v\t%v\t%d\t%d\t  %s\n", i.Took, i.At, i.Bytes, i.Allocs, i.Package)
	}
	_ = t.Flush() // a buffer takes everything
	return b.String()
}

func slowestFirst(inits []Init) []Init {
	sorted := slices.Clone(inits)
	slices.SortStableFunc(sorted, func(a, b Init) int { return int(b.Took - a.Took) })
	return sorted
}
