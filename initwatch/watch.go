package initwatch

import (
	"runtime"
	"syscall"
	"time"

	"github.com/roster-go/roster/initwatch/hang"
)

const (
	// variable is the environment variable that sets the patience.
	variable = "ROSTER_INITWATCH"

	// defaultPatience is how long main may take to be reached.
	defaultPatience = 10 * time.Second

	// secondLook is how long after the first look the same init has to run still: one that
	// was only passing is not accused.
	secondLook = 250 * time.Millisecond
)

func init() { //nolint:gochecknoinits // that is what this package is for
	setting, _ := syscall.Getenv(variable)
	if patience, on := patienceOf(setting); on {
		go watch(patience, time.Now()) //roster:ignore initeffects an init that hangs is seen from beside it alone
	}
}

// patienceOf reads the setting.
func patienceOf(setting string) (patience time.Duration, on bool) {
	switch setting {
	case "":
		return defaultPatience, true
	case "off", "0":
		return 0, false
	}
	patience, err := time.ParseDuration(setting)
	if err != nil || patience <= 0 {
		return defaultPatience, true
	}
	return patience, true
}

// watch looks each time the patience is over until main is reached or the same init is met again.
func watch(patience time.Duration, start time.Time) {
	reported := ""
	for {
		time.Sleep(patience)
		first, ok := culprit()
		if !ok {
			return
		}
		time.Sleep(secondLook)
		second, ok := culprit()
		switch {
		case !ok || second.Init.Function == reported:
			return
		case first.Init.Function == second.Init.Function:
			reported = second.Init.Function
			// Package os is not imported; print writes to standard error without it.
			print(report(second, time.Since(start))) //nolint:forbidigo // see above
		}
	}
}

// culprit is the init that goroutine 1 is in; ok is false once main is reached.
func culprit() (h hang.Hang, ok bool) {
	h, verdict := hang.Find(hang.Parse(stacks()))
	return h, verdict == hang.InInit
}

// report says what is known, in the words of roster doctor.
func report(h hang.Hang, after time.Duration) string {
	return "initwatch: main is not reached after " + after.Round(time.Millisecond).String() + "\n" + h.Text() +
		"  Set " + variable + "=off to be without this report, or to a longer time, such as 1m.\n"
}

// stacks is the dump of all goroutines, or the first 4 MiB of it. Goroutine 1 is in these unless
// thousands were started before it, since it is the oldest.
func stacks() string {
	const first, most = 64 << 10, 4 << 20
	for size := first; ; size *= 4 {
		buf := make([]byte, size)
		n := runtime.Stack(buf, true)
		if n < size || size >= most {
			return string(buf[:n])
		}
	}
}
