package doctor

import (
	"errors"
	"strings"
	"time"

	"github.com/roster-go/roster/cmd/roster/internal/doctor/live"
	"github.com/roster-go/roster/initwatch/hang"
)

const (
	// sampling is how long the live view looks for an init: between two there is none for a moment.
	sampling = 300 * time.Millisecond

	// pause is how long it waits before it looks again.
	pause = 10 * time.Millisecond
)

// A view is what can be seen of a process while it runs.
type view struct {
	verdict hang.Verdict
	hang    hang.Hang
	missing []string
}

// see looks at a process and leaves it running.
func see(pid int) view {
	process, err := live.Open(pid)
	if err != nil {
		return view{missing: []string{missing(err)}}
	}
	defer func() { _ = process.Close() }() // it was only read
	for deadline := time.Now().Add(sampling); ; time.Sleep(pause) {
		v, moving := look(process)
		if !moving || time.Now().After(deadline) {
			return v
		}
	}
}

// look looks once; moving says that another look may see more.
func look(process *live.Process) (v view, moving bool) {
	tasks, err := process.Tasks()
	if err != nil {
		return view{missing: []string{missing(err)}}, false
	}
	current, done := -1, 0
	for i, t := range tasks {
		switch t.State {
		case live.Runs:
			current = i
		case live.Done:
			done++
		case live.Waits:
		}
	}
	switch {
	case len(tasks) > 0 && done == len(tasks):
		return view{verdict: hang.InMain}, false
	case current < 0:
		return view{missing: []string{"an init that runs: the program is between two of them, or has not begun"}}, true
	}
	task := tasks[current]
	all, err := process.Goroutines()
	if err == nil {
		if h, verdict := hang.Find(all); verdict == hang.InInit && h.Init.Package() == task.Package {
			return view{verdict: hang.InInit, hang: h}, false
		}
		moving = true
		err = &live.MissingError{What: "the calls of goroutine 1: it was moving, or its stack could not be read"}
	}
	// The package is known all the same.
	v = view{verdict: hang.InInit, missing: []string{missing(err)}}
	v.hang = hang.Hang{Init: hang.Frame{Function: task.Package + ".init"}, Cause: hang.Other, State: "unknown"}
	if len(task.Funcs) == 1 {
		v.hang.Init = task.Funcs[0]
	} else {
		v.missing = append(v.missing, "which of the package's inits it is; they begin at "+places(task.Funcs))
	}
	v.hang.Chain = []hang.Frame{v.hang.Init}
	return v, moving
}

func places(frames []hang.Frame) string {
	all := make([]string, len(frames))
	for i, f := range frames {
		all[i] = f.At()
	}
	return strings.Join(all, ", ")
}

// missing says what an error keeps from being known.
func missing(err error) string {
	if m, ok := errors.AsType[*live.MissingError](err); ok {
		return m.What
	}
	return "the live view: " + err.Error()
}
