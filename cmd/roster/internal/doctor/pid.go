package doctor

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/roster-go/roster/initwatch/hang"
)

// LookOptions say how to look at a process.
type LookOptions struct {
	PID      int
	Patience time.Duration // how long no init may end before it is said to hang; more than 0
	Kill     bool          // end the process with SIGQUIT if nothing less tells what there is to tell
}

// again is how long the live view waits before it asks whether anything has moved.
const again = 100 * time.Millisecond

// Look looks at a process that runs, and leaves it running unless it is told to end it.
func Look(ctx context.Context, o LookOptions) (Report, error) {
	process, err := os.FindProcess(o.PID)
	if err == nil {
		err = alive(process)
	}
	if err != nil {
		return Report{}, fmt.Errorf("process %d: %w", o.PID, err)
	}
	defer func() { _ = process.Release() }() // what it holds ends with this process anyway
	seen, kernel, err := follow(ctx, o)
	if err != nil {
		return Report{}, err
	}
	report := Report{Verdict: Unknown, Missing: seen.missing}
	switch {
	case seen.verdict == hang.InMain:
		report.Verdict, report.Ways = Reached, []string{byLive}
		return report, nil
	case seen.verdict == hang.InInit && (len(seen.missing) == 0 || !o.Kill):
		report.Ways = []string{byLive}
		report.accuse(seen.hang, kernel)
		return report, nil
	case !o.Kill:
		report.Missing = append(report.Missing,
			"a goroutine dump, which would tell: SIGQUIT has the program write one to its standard error, and ends it; --kill does so")
		return report, nil
	}
	dump, err := takeDump(ctx, process)
	if err != nil {
		return Report{}, err
	}
	h, verdict := hang.Find(hang.Parse(dump))
	report.Ways = []string{byDump}
	switch verdict {
	case hang.InInit:
		report.Missing = nil
		report.accuse(h, kernel)
	case hang.InMain:
		report.Verdict, report.Missing = Reached, nil
	case hang.Unknown:
		report.Missing = append(report.Missing, noDump)
	}
	return report, nil
}

// follow looks at a process until it has reached main, or no init has ended for the patience.
func follow(ctx context.Context, o LookOptions) (view, kernelView, error) {
	seen, kernel := see(o.PID), askKernel(o.PID)
	for deadline := time.Now().Add(o.Patience); seen.verdict == hang.InInit && time.Now().Before(deadline); {
		select {
		case <-ctx.Done():
			return seen, kernel, context.Cause(ctx)
		case <-time.After(again):
		}
		next := see(o.PID)
		kernel = askKernel(o.PID)
		if next.verdict == hang.InInit && next.hang.Init.Function != seen.hang.Init.Function {
			deadline = time.Now().Add(o.Patience) // it gets on
		}
		seen = next
	}
	return seen, kernel, nil
}
