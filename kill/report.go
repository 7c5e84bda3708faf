package kill

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Impact says what a kill would hit.
type Impact struct {
	// Providers is how many implementations the target hits, and Remaining how many would be
	// left to whoever uses one of them. A runtime that knows nothing of the target has none of
	// either.
	Providers int `json:"providers"`
	Remaining int `json:"remaining"`
	// Names are those of what is hit, as far as there is room.
	Names []string `json:"names,omitempty"`
}

// last reports whether the kill takes the last implementation.
func (i Impact) last() bool { return i.Providers > 0 && i.Remaining <= 0 }

// clipped is i with as many names as a message has room for.
func (i Impact) clipped() Impact {
	i.Providers, i.Remaining = max(0, i.Providers), max(0, i.Remaining)
	var names []string
	for _, name := range i.Names {
		if len(names) == maxNames {
			break
		}
		if len(name) <= MaxName && plain(name) {
			names = append(names, name)
		}
	}
	i.Names = names
	return i
}

// A Request asks a hub for a kill or a revival.
type Request struct {
	Target Target `json:"target"`
	Reason string `json:"reason"`
	// By is who asks. A certificate of an operator overrides it.
	By string `json:"by,omitempty"`
	// Force kills also what has no other implementation, and saves the question for it, which
	// costs a round trip.
	Force bool `json:"force,omitempty"`
	// DryRun only counts.
	DryRun bool `json:"dry_run,omitempty"`
	// Revive ends the kill that stands.
	Revive bool `json:"revive,omitempty"`
	// Wait bounds how long the report waits for all to acknowledge; 0 is for as long as the
	// caller's context lives. The order itself is spread for ever.
	Wait time.Duration `json:"wait,omitempty"`
}

// A State is how a runtime stands towards an order.
type State string

// The states of runtimes and hubs in a report.
const (
	// Acked: the order is in effect.
	Acked State = "acked"
	// Pending: connected, but has not acknowledged yet.
	Pending State = "pending"
	// Unreachable: known from before, and not connected. It may well still run, and still serve.
	Unreachable State = "unreachable"
	// Expired: unreachable for longer than the hub's limit. That is no proof that it stopped.
	Expired State = "expired"
	// Left: it said that it serves nothing any more. Nobody waits for it.
	Left State = "left"
)

// A RuntimeReport is one runtime in a report.
type RuntimeReport struct {
	ID     string `json:"id"`
	Boot   string `json:"boot,omitempty"`
	Region string `json:"region,omitempty"` // its own
	State  State  `json:"state"`
	// Durable is whether the runtime has it on disk and refuses also after a restart without a
	// network.
	Durable bool `json:"durable"`
	// Hash is that of the runtime's set when it acknowledged.
	Hash Hash `json:"hash"`
	// Seen is when it was last connected, by the clock of its hub.
	Seen time.Time `json:"seen"`
	// Twice is set if two processes use the id at the same time.
	Twice bool `json:"twice,omitempty"`
	// Refused is how many orders it could not read, being older than they are.
	Refused int `json:"refused,omitempty"`
	// Took is from the issue of the order to the arrival of the acknowledgement at the hub that
	// reports.
	Took time.Duration `json:"took,omitempty"`
}

// A RegionReport is the hub of a region and its runtimes in a report.
type RegionReport struct {
	Region string `json:"region"`
	// State is that of the hub: Acked, or Unreachable until it is.
	State   State         `json:"state"`
	Durable bool          `json:"durable"`
	Hash    Hash          `json:"hash"`
	Took    time.Duration `json:"took,omitempty"`
	// Known is how many runtimes the region had when it was last heard of.
	Known int `json:"known"`
	// Err is why the hub is not reached.
	Err      string          `json:"err,omitempty"`
	Runtimes []RuntimeReport `json:"runtimes,omitempty"`
}

// A Progress tells what changed since the one before.
type Progress struct {
	// Region is the hub that reports, and State how it stands itself.
	Region  string `json:"region"`
	State   State  `json:"state"`
	Durable bool   `json:"durable"`
	Err     string `json:"err,omitempty"`
	// Runtimes are those whose state changed.
	Runtimes []RuntimeReport `json:"runtimes,omitempty"`
	// Waiting is how many hubs and runtimes have not acknowledged yet, as far as is known.
	Waiting int           `json:"waiting"`
	Elapsed time.Duration `json:"elapsed"`
}

// A Report says what became of a request.
type Report struct {
	Order  Order `json:"order"`
	DryRun bool  `json:"dry_run,omitempty"`
	// Impact is the sum over all runtimes that answered, if they were asked: of Asked runtimes,
	// Silent did not answer in time. Last are those that would be left without an
	// implementation, and Deaf the regions that could not be asked.
	Impact Impact   `json:"impact"`
	Asked  int      `json:"asked,omitempty"`
	Silent int      `json:"silent,omitempty"`
	Last   []string `json:"last,omitempty"`
	Deaf   []string `json:"deaf,omitempty"`
	// Regions are sorted by name, and their runtimes by id.
	Regions []RegionReport `json:"regions,omitempty"`
	// Complete is whether every hub and every known runtime has acknowledged. Durable is whether
	// each of them also has it on disk.
	Complete bool `json:"complete"`
	Durable  bool `json:"durable"`
	// Asking is how long the question for the impact took, and Took how long the order took from
	// its issue to the last acknowledgement.
	Asking time.Duration `json:"asking,omitempty"`
	Took   time.Duration `json:"took,omitempty"`
}

// Count returns how many runtimes are in the state.
func (r *Report) Count(state State) int {
	n := 0
	for _, region := range r.Regions {
		for i := range region.Runtimes {
			if region.Runtimes[i].State == state {
				n++
			}
		}
	}
	return n
}

// An IncompleteError reports an order that is in effect where it has been acknowledged, and not
// everywhere. Hubs keep spreading it.
type IncompleteError struct {
	Order   Order
	Hubs    []string // regions whose hub has not acknowledged
	Missing []RuntimeReport
	Err     error // why the report ended
}

func (e *IncompleteError) Error() string {
	var who []string
	for _, hub := range e.Hubs {
		who = append(who, "the hub of region "+hub+" with all its runtimes")
	}
	for i := range e.Missing {
		const enough = 10
		if i == enough {
			who = append(who, fmt.Sprintf("%d more", len(e.Missing)-enough))
			break
		}
		who = append(who, fmt.Sprintf("%s (%s)", e.Missing[i].ID, e.Missing[i].State))
	}
	return fmt.Sprintf("kill: the order for %s at epoch %d has not been acknowledged by %s: it is being spread on; "+
		"a runtime that is unreachable or expired may still run: make sure that it is stopped, then forget it",
		e.Order.Target, e.Order.Epoch, strings.Join(who, ", "))
}

// Unwrap returns why the report ended.
func (e *IncompleteError) Unwrap() error { return e.Err }

// A LastError refuses a kill that would take the last implementation.
type LastError struct {
	Target   Target   `json:"target"`
	Impact   Impact   `json:"impact"`
	Runtimes []string `json:"runtimes"` // that would be left without
}

func (e *LastError) Error() string {
	return fmt.Sprintf("kill: %s is the last implementation in %d runtimes (%s): nothing was killed; force it if it has to go all the same",
		e.Target, len(e.Runtimes), strings.Join(e.Runtimes[:min(len(e.Runtimes), 5)], ", "))
}

// A RequestError refuses a request that makes no sense.
type RequestError struct {
	Target Target `json:"target"`
	Why    string `json:"why"`
}

func (e *RequestError) Error() string { return fmt.Sprintf("kill: %s: %s", e.Target, e.Why) }

// conclude sets what follows from the regions, in which each runtime is named once.
func (r *Report) conclude(cause error) error {
	slices.SortFunc(r.Regions, func(a, b RegionReport) int { return strings.Compare(a.Region, b.Region) })
	incomplete := &IncompleteError{Order: r.Order, Err: cause}
	r.Durable = true
	for i := range r.Regions {
		region := &r.Regions[i]
		slices.SortFunc(region.Runtimes, func(a, b RuntimeReport) int { return strings.Compare(a.ID, b.ID) })
		if region.State != Acked {
			incomplete.Hubs = append(incomplete.Hubs, region.Region)
		}
		r.Durable = r.Durable && region.Durable
		r.Took = max(r.Took, region.Took)
		for j := range region.Runtimes {
			switch runtime := region.Runtimes[j]; runtime.State {
			case Acked:
				r.Durable = r.Durable && runtime.Durable
				r.Took = max(r.Took, runtime.Took)
			case Left:
			default:
				r.Durable = false
				incomplete.Missing = append(incomplete.Missing, runtime)
			}
		}
	}
	r.Complete = len(incomplete.Hubs) == 0 && len(incomplete.Missing) == 0
	if r.Complete {
		return nil
	}
	if incomplete.Err == nil {
		incomplete.Err = context.DeadlineExceeded
	}
	return incomplete
}
