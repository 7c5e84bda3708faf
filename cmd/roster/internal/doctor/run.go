package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/roster-go/roster/initwatch/hang"
)

const (
	// DefaultPatience is how long no init may end before the program is looked at.
	DefaultPatience = 5 * time.Second

	// swallowed is how long a program may be silent after SIGQUIT before it gets SIGABRT.
	swallowed = 2 * time.Second

	// dumping is how long a program may take to write its dump and end.
	dumping = 20 * time.Second

	// drained is how long what holds the program's output open is listened to after its end.
	drained = time.Second
)

// Options say what to run and how.
type Options struct {
	Command        []string      // the program and its arguments
	Patience       time.Duration // for the program to reach main, counted from the latest init that ended; more than 0
	Stdin          io.Reader
	Stdout, Stderr io.Writer // what the program writes goes there
}

// Run starts a program, waits until it ends or the patience is over, looks at it, and ends it with
// everything it started. When ctx ends, so does the program, and ctx's error is returned.
func Run(ctx context.Context, o Options) (Report, error) {
	release, err := adopt()
	if err != nil {
		return Report{}, err
	}
	defer release()
	p := &patient{listener: &listener{out: o.Stderr}, ended: make(chan struct{}), start: time.Now()}
	p.cmd = exec.Command(o.Command[0], o.Command[1:]...) //nolint:noctx // it is ended with all it started, below
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = o.Stdin, o.Stdout, p.listener
	p.cmd.Env = environment(os.Environ())
	p.cmd.WaitDelay = drained
	bind(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return Report{}, fmt.Errorf("cannot start the program: %w", err)
	}
	defer p.end()
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	if err := p.wait(ctx, o.Patience); err != nil {
		return Report{}, err
	}
	return p.examine(), nil
}

// environment asks the runtime to trace inits and, unless told otherwise, to show all goroutines.
func environment(env []string) []string {
	debug, traceback := "inittrace=1", "GOTRACEBACK=all"
	var rest []string
	for _, setting := range env {
		switch name, value, _ := strings.Cut(setting, "="); name {
		case "GODEBUG":
			if value != "" {
				debug = value + "," + debug
			}
		case "GOTRACEBACK":
			if value == "system" || value == "crash" {
				traceback = "GOTRACEBACK=system" // more than all; a core file helps nobody here
			}
		default:
			rest = append(rest, setting)
		}
	}
	return append(rest, "GODEBUG="+debug, traceback)
}

// A patient is a program that is looked at.
type patient struct {
	*listener

	cmd   *exec.Cmd
	start time.Time
	ended chan struct{} // closed when the program has ended and err is set
	err   error
}

// wait returns when the program has ended or the patience is over.
func (p *patient) wait(ctx context.Context, patience time.Duration) error {
	since := p.start
	for {
		timer := time.NewTimer(time.Until(since.Add(patience)))
		select {
		case <-p.ended:
			timer.Stop()
			return nil
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.C:
		}
		_, _, latest := p.heard()
		if !latest.After(since) {
			return nil
		}
		since = latest
	}
}

// examine says how the program does, and ends it if it still runs.
func (p *patient) examine() Report {
	report := Report{Verdict: Unknown, After: time.Since(p.start)}
	select {
	case <-p.ended:
		report.Verdict, report.ExitCode = Ended, exitCode(p.err)
		dump, inits, _ := p.heard()
		report.Inits = slowestFirst(inits)
		// A program that panics has ended by itself; a deadlock is an init that hangs.
		if strings.Contains(dump, "all goroutines are asleep - deadlock!") {
			if h, verdict := hang.Find(hang.Parse(dump)); verdict == hang.InInit {
				report.Verdict, report.Hang, report.Ways = Hangs, newHang(h, nil), []string{byDump}
			}
		}
		return report
	default:
	}
	p.look(&report)
	_, inits, _ := p.heard()
	report.Inits = slowestFirst(inits)
	return report
}

// look looks at a program that runs: first from outside, then, unless main was reached, by its dump.
func (p *patient) look(report *Report) {
	pid := p.cmd.Process.Pid
	seen := see(pid)
	if seen.verdict == hang.InMain {
		report.Verdict, report.Ways = Reached, []string{byLive}
		return
	}
	kernel := askKernel(pid)
	h, verdict := hang.Find(hang.Parse(p.quit()))
	switch {
	case verdict == hang.InInit:
		report.Ways = []string{byDump}
		if seen.verdict == hang.InInit && len(seen.missing) == 0 && seen.hang.Init.Function == h.Init.Function {
			report.Ways = append(report.Ways, byLive)
		}
	case verdict == hang.InMain:
		report.Verdict, report.Ways = Reached, []string{byDump}
		return
	case seen.verdict == hang.InInit:
		report.Ways, h = []string{byLive}, seen.hang
		report.Missing = append(slices.Clip(seen.missing), noDump)
	default:
		report.Missing = append(slices.Clip(seen.missing), noDump)
		return
	}
	report.accuse(h, kernel)
}

// The ways to find out.
const (
	byDump = "dump"
	byLive = "live"
)

const noDump = "a goroutine dump: the program wrote none at SIGQUIT nor at SIGABRT"

// accuse fills in the hang.
func (r *Report) accuse(h hang.Hang, kernel kernelView) {
	if h.Cause == hang.Other {
		h.Cause = kernel.cause()
	}
	r.Verdict = Hangs
	r.Hang = newHang(h, kernel.details(h.Cause))
}

// quit has the program write a dump, which ends it.
func (p *patient) quit() string {
	p.mute()
	for _, signal := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGABRT} {
		sendToMain(p.cmd, signal)
		silence, end := time.NewTicker(swallowed), time.NewTimer(dumping)
		for waiting := true; waiting; {
			select {
			case <-p.ended:
				silence.Stop()
				end.Stop()
				dump, _, _ := p.heard()
				return dump
			case <-silence.C:
				dump, _, _ := p.heard()
				waiting = dump != ""
			case <-end.C:
				waiting = false
			}
		}
		silence.Stop()
		end.Stop()
	}
	dump, _, _ := p.heard()
	return dump
}

// end ends the program and all that it started.
func (p *patient) end() {
	killGroup(p.cmd)
	<-p.ended
	endRest()
}

// exitCode is in the way of shells.
func exitCode(err error) int {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0 // output that was held open is not the program's failure
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		const signalled = 128
		return signalled + int(status.Signal())
	}
	return exit.ExitCode()
}
