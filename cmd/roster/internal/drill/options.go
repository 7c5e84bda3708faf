package drill

import (
	"fmt"
	"strings"
	"time"
)

// Options of a drill. Coordinator, Fail and For are needed.
type Options struct {
	// Coordinator is the region that runs the drill, and Fail the one that plays dead.
	Coordinator, Fail string
	// For is how long it does, [MinFor] to [MaxFor].
	For time.Duration
	// Force also drills while a region is not reached, and the coordinator's own region.
	Force bool
	// Before is how long probes run before the region fails, 2 s by default.
	Before time.Duration
	// Interval is the time between two probes of a kind in a region, by default 100 ms, or a
	// 600th of For if that is longer.
	Interval time.Duration
	// Timeout is how long a request may take before it counts as failed, 2 s by default.
	Timeout time.Duration
	// Patience is how long regions may take to converge after the region is back, and the
	// region to come back after its time is over; 1 min by default.
	Patience time.Duration
	// Strand is how many writes the region acknowledges last, when it has stopped to replicate;
	// 5 by default, none if negative.
	Strand int
	// Exercises are what else is rehearsed.
	Exercises []Exercise
	// Progress is told what happens, a sentence at a time. Nil is silent.
	Progress func(elapsed time.Duration, text string)
}

const defaultStrand = 5

// withDefaults returns the options with what was left out.
func (o *Options) withDefaults() Options {
	completed := *o
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{
		{&completed.Before, 2 * time.Second},
		{&completed.Interval, max(100*time.Millisecond, o.For/600)},
		{&completed.Timeout, 2 * time.Second},
		{&completed.Patience, time.Minute},
	} {
		if *d.value <= 0 {
			*d.value = d.fallback
		}
	}
	if completed.Strand == 0 {
		completed.Strand = defaultStrand
	}
	if completed.Progress == nil {
		completed.Progress = func(time.Duration, string) {}
	}
	return completed
}

// A RefusedError reports a drill that was not begun: nothing has happened.
type RefusedError struct {
	Region string // that was to fail
	Why    string // what is in the way, and what to do
	// Forceable says that Options.Force begins the drill all the same.
	Forceable bool
}

func (e *RefusedError) Error() string {
	text := fmt.Sprintf("region %s is not drilled: %s", e.Region, e.Why)
	if e.Forceable {
		text += "; or force it"
	}
	return text
}

// A CheckError is a fault of the options.
type CheckError struct{ Why string }

func (e *CheckError) Error() string { return "drill: " + e.Why }

// check refuses what cannot be done at all.
func (o *Options) check(regions []Region) error {
	var names []string
	known := false
	for _, r := range regions {
		names = append(names, r.Name())
		known = known || r.Name() == o.Fail
	}
	switch {
	case o.Fail == "":
		return &CheckError{"say which region is to fail: " + strings.Join(names, ", ")}
	case !known:
		return &CheckError{fmt.Sprintf("there is no region %q; there are %s", o.Fail, strings.Join(names, ", "))}
	case o.For < MinFor || o.For > MaxFor:
		return &CheckError{fmt.Sprintf("a region can be drilled for %v to %v, not for %v", MinFor, MaxFor, o.For)}
	case len(regions) < 2: //nolint:mnd // this one and the other
		return &CheckError{"there is no other region"}
	}
	return nil
}
