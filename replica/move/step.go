package move

import "fmt"

// An Action is the kind of a step.
type Action string

// The actions. Each can be done any number of times, by any number of executors at once, also by
// one that was overtaken long ago.
const (
	// Fence raises the guard at Region to Guard. When that is committed, the region accepts no
	// write any more.
	Fence Action = "fence"
	// Copy raises the guard at Region, and then makes the namespace there what it is at From,
	// in transactions that are conditional on the guard: it puts what is there and deletes
	// what is not.
	Copy Action = "copy"
	// Verify raises the guard at Region, so that no copy that was left behind writes there any
	// more, and then compares the digests of the namespace at From and at Region. Report that
	// they differ by [Record.Differ] instead of [Record.Done].
	Verify Action = "verify"
	// WaitOut lets the time pass that a lease lasts, by the executor's own monotonic clock and from
	// after it has read the record; see [Terms.Wait]. Who resumes it starts over.
	WaitOut Action = "wait"
	// OpenUp raises the guard at Region to Guard. From then on the region accepts writes, if it
	// holds the lease of the guard's epoch.
	OpenUp Action = "open"
	// Clean raises the guard at Region, and then deletes the namespace there, in transactions
	// that are conditional on the guard.
	Clean Action = "clean"
	// SetAside raises the guard at Region, and then moves the namespace there to where nobody
	// serves it and people can look at it.
	SetAside Action = "set aside"
)

// A Step is what has to be done next. It is done when [Record.Done] has been stored.
type Step struct {
	Action Action `json:"action"`
	Region string `json:"region,omitempty"` // where
	From   string `json:"from,omitempty"`   // of a copy and its verification
	Guard  Guard  `json:"guard"`            // what to raise the guard at Region to, before anything else; zero: leave it
}

func (s Step) String() string {
	switch {
	case s.Action == WaitOut:
		return "wait until the lease of " + s.Region + " has run out"
	case s.From != "":
		return fmt.Sprintf("%s from %s to %s, %v", s.Action, s.From, s.Region, s.Guard)
	}
	return fmt.Sprintf("%s in %s, %v", s.Action, s.Region, s.Guard)
}

// Step returns what is to be done next for the namespace to be active, and false if it is.
// Leftovers are not in the way of that; see [Record.Leftover].
func (r Record) Step() (step Step, ok bool) {
	switch r.State {
	case Fencing:
		return Step{Action: Fence, Region: r.Home, Guard: Guard{r.Epoch, Closed}}, true
	case Copying:
		return Step{Action: Copy, Region: r.To, From: r.Home, Guard: Guard{r.Next, Import}}, true
	case Verifying:
		return Step{Action: Verify, Region: r.To, From: r.Home, Guard: Guard{r.Next, Sealed}}, true
	case Waiting:
		return Step{Action: WaitOut, Region: r.Home}, true
	case Opening, Reverting:
		return Step{Action: OpenUp, Region: r.Home, Guard: Guard{r.Epoch, Open}}, true
	case Active:
	}
	return Step{}, false
}

// Leftover returns what a former home has to do when it can be reached, and false if there is
// nothing. It is for an active namespace; while a move is under way the answer is false.
func (r Record) Leftover(region string) (step Step, ok bool) {
	if r.State != Active {
		return Step{}, false
	}
	for _, l := range r.Leftovers {
		if l.Region != region {
			continue
		}
		action := Clean
		if l.Keep {
			action = SetAside
		}
		return Step{Action: action, Region: region, Guard: Guard{r.Epoch, Closed}}, true
	}
	return Step{}, false
}

// Done returns the record after step was done. The error is a [*StateError] if it is not what
// the record asks for; then the record has moved on, and the step must not be reported again.
func (r Record) Done(step Step) (Record, error) {
	if leftover, ok := r.Leftover(step.Region); ok && step == leftover {
		r.Leftovers = without(r.Leftovers, step.Region)
		return r, nil
	}
	if due, ok := r.Step(); !ok || due != step {
		return r, r.refuse("finish "+string(step.Action), "it is not what is to be done; read the record again")
	}
	switch r.State {
	case Fencing:
		r.State = Copying
	case Copying:
		r.State = Verifying
	case Verifying:
		r = r.flip(Leftover{Region: r.Home})
	case Waiting:
		r = r.flip(Leftover{Region: r.Home, Keep: true})
	case Opening, Reverting:
		r.State = Active
	case Active:
	}
	return r, nil
}

// flip makes the next home the home, and leaves the old one behind.
func (r Record) flip(old Leftover) Record {
	r = r.leave(old)
	r.Leftovers = without(r.Leftovers, r.To) // the home's copy is no leftover
	r.Home, r.Epoch, r.State, r.To, r.Next = r.To, r.Next, Opening, "", 0
	return r
}

// Differ returns the record after a [Verify] that found the copies to differ: it is copied again,
// under the next epoch of the region, because the last one is sealed.
// The error is a [*StateError], as that of [Record.Done].
func (r Record) Differ(step Step) (Record, error) {
	if due, ok := r.Step(); !ok || due != step || r.State != Verifying {
		return r, r.refuse("copy again", "it is not being verified; read the record again")
	}
	r.State, r.Next = Copying, r.Next+Increment // Next is the highest epoch, and stays it
	r.Highest = r.Next
	return r, nil
}
