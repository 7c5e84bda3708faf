package move

import (
	"errors"
	"fmt"
	"slices"
)

// A State is where a namespace is in its life.
type State string

// The states. A planned move goes from Active through Fencing, Copying, Verifying and Opening to
// Active; a failover through Waiting and Opening. Abort leads through Reverting.
const (
	Active    State = "active"    // the home accepts writes
	Fencing   State = "fencing"   // the home is being closed
	Copying   State = "copying"   // the home is closed; its content goes to the next one
	Verifying State = "verifying" // the digests of both are compared
	Waiting   State = "waiting"   // the home is dead or cut off; its lease runs out
	Opening   State = "opening"   // the record has flipped: the home is the new one, and is being opened
	Reverting State = "reverting" // the old home is being opened again
)

// A Record says where a namespace lives. It is kept in the strong store and changed by
// compare-and-set only. The methods return the record that has to replace the one they were called
// on; nothing has happened before that succeeded.
type Record struct {
	Namespace string     `json:"namespace"`
	Home      string     `json:"home"`  // the region that accepts writes, or accepted them last
	Epoch     uint64     `json:"epoch"` // of the home; see [Numbers]
	State     State      `json:"state"`
	To        string     `json:"to,omitempty"`        // the next home, while there is one
	Next      uint64     `json:"next,omitempty"`      // its epoch
	Highest   uint64     `json:"highest"`             // of all epochs ever given out for the namespace
	Leftovers []Leftover `json:"leftovers,omitempty"` // what former homes still have to do; in the way of nobody
}

// A Leftover is a former home, or a next home that did not become one, that may still have a copy
// of the namespace.
type Leftover struct {
	Region string `json:"region"`
	// Keep: it was deposed by force, so its copy may hold acknowledged writes that are nowhere
	// else. It is set aside for people to look at, not dropped.
	Keep bool `json:"keep,omitempty"`
}

// Create returns the first record of a namespace. The strong store must not have one.
func Create(namespace, home string, numbers Numbers) (Record, error) {
	epoch, err := numbers.Epoch(home, 0)
	if err != nil {
		return Record{}, err
	}
	return Record{Namespace: namespace, Home: home, Epoch: epoch, Highest: epoch, State: Opening}, nil
}

// Begin starts the planned move to another region. The errors are [*StateError] unless the
// namespace is active, and [*RegionError].
func (r Record) Begin(to string, numbers Numbers) (Record, error) {
	switch {
	case r.State != Active:
		return r, r.refuse("begin a move", "wait for the one under way, abort it, or force a failover")
	case to == r.Home:
		return r, r.refuse("move to "+to, "it is the home")
	case slices.Contains(r.Leftovers, Leftover{Region: to, Keep: true}):
		return r, r.refuse("move to "+to, "it has writes of a deposed home; let it set them aside first")
	}
	return r.head(to, Fencing, numbers)
}

// Force starts the failover to another region without the home's help. It may replace whatever
// is under way, another failover too. What the old home had acknowledged and not replicated to
// the new one is not there until people bring it back. The errors are [*StateError] if to
// is the home, and [*RegionError].
func (r Record) Force(to string, numbers Numbers) (Record, error) {
	if to == r.Home {
		return r, r.refuse("fail over to "+to, "it is the home; abort what is under way, or let it resume")
	}
	return r.head(to, Waiting, numbers)
}

func (r Record) head(to string, state State, numbers Numbers) (Record, error) {
	next, err := numbers.Epoch(to, r.Highest)
	if err != nil {
		return r, err
	}
	if r.To != "" && r.To != to && (r.State == Copying || r.State == Verifying) {
		r = r.leave(Leftover{Region: r.To})
	}
	r.To, r.Next, r.Highest, r.State = to, next, next, state
	return r, nil
}

// Abort gives up a move or failover before it has flipped; the old home accepts writes again, under
// a new epoch. The errors are [*StateError] if there is nothing to abort, or it is too late, and
// [*RegionError].
func (r Record) Abort(numbers Numbers) (Record, error) {
	switch r.State {
	case Copying, Verifying:
		r = r.leave(Leftover{Region: r.To})
	case Fencing, Waiting:
	default:
		return r, r.refuse("abort", "only a move that has not flipped can be; move back instead")
	}
	epoch, err := numbers.Epoch(r.Home, r.Highest)
	if err != nil {
		return r, err
	}
	r.To, r.Next, r.Epoch, r.Highest, r.State = "", 0, epoch, epoch, Reverting
	return r, nil
}

// Serves tells whether region may hold the lease of the epoch, and renew it. A region accepts
// writes while it holds the lease and its guard is Open at the lease's epoch. Grant and renew the
// lease in a transaction of the strong store that is conditional on the record it was judged by.
func (r Record) Serves(region string, epoch uint64) bool {
	return region == r.Home && epoch == r.Epoch && (r.State == Active || r.State == Opening || r.State == Reverting)
}

// leave adds l to the leftovers. What has to be kept stays so.
func (r Record) leave(l Leftover) Record {
	l.Keep = l.Keep || slices.Contains(r.Leftovers, Leftover{Region: l.Region, Keep: true})
	r.Leftovers = append(without(r.Leftovers, l.Region), l)
	return r
}

func without(leftovers []Leftover, region string) []Leftover {
	return slices.DeleteFunc(slices.Clone(leftovers), func(l Leftover) bool { return l.Region == region })
}

func (r Record) refuse(verb, hint string) error {
	return &StateError{Namespace: r.Namespace, State: r.State, Home: r.Home, To: r.To, Verb: verb, Hint: hint}
}

// ErrState is what every [*StateError] is, for errors.Is.
var ErrState = errors.New("not in this state")

// A StateError reports what cannot be done to a namespace in its state.
type StateError struct {
	Namespace string
	State     State
	Home, To  string
	Verb      string // what was asked for
	Hint      string // why not, or what to do instead
}

func (e *StateError) Error() string {
	where := "at home in " + e.Home
	if e.To != "" {
		where += ", on its way to " + e.To
	}
	return fmt.Sprintf("move: namespace %q is %s, %s; cannot %s: %s", e.Namespace, e.State, where, e.Verb, e.Hint)
}

// Is makes errors.Is(err, ErrState) true.
func (e *StateError) Is(target error) bool { return target == ErrState }
