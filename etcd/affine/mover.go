package affine

import (
	"context"
	"errors"
	"time"

	"github.com/roster-go/roster/etcd/internal/pace"
	"github.com/roster-go/roster/replica/move"
)

// A Mover moves namespaces between regions. It can run anywhere from where the strong store and the
// stores of the two regions can be reached. Any number may run at once, also for the same
// namespace, and each may die at any time: another that calls [Mover.Resume] goes on.
type Mover struct {
	directory *Directory
	executor  executor
}

// NewMover returns a mover over a directory and the stores of the regions.
func NewMover(directory *Directory, contents func(region string) (Contents, error)) *Mover {
	return &Mover{directory: directory, executor: executor{directory: directory, contents: contents}}
}

// Observe makes the mover call f with all it does. Call it before anything else.
func (m *Mover) Observe(f func(Event)) { m.executor.observe = f }

// A Report tells what a move did.
type Report struct {
	Record   move.Record   // afterwards
	From     string        // the home before
	Contents Digest        // of the new home
	Frozen   time.Duration // how long nobody accepted writes, if this mover saw the begin of it
	Waited   time.Duration // for leases to run out
	Standby  bool          // after a failover: the new home began with a complete standby copy
	// Lost says in words what may be lost; empty if nothing.
	Lost string
}

// Move moves a namespace to another region, or resumes a move there, and returns when the new
// home is open. Nothing that was acknowledged is lost. Clean up of the old home is
// part of it, if it can still be reached. The errors are those of [move.Record.Begin] and what
// the stores say; after an error, [Mover.Resume] goes on and [Mover.Abort] goes back.
func (m *Mover) Move(ctx context.Context, namespace, to string) (Report, error) {
	return m.head(ctx, namespace, to, move.Active, func(record move.Record, numbers move.Numbers) (move.Record, error) {
		return record.Begin(to, numbers)
	})
}

// Force makes another region the home of a namespace without the help of the present one: it
// waits until no process of the old home can believe that it is still the home. The new home
// starts with its standby copy (see [Mover.Follow]) if that is complete, and empty otherwise.
//
// What the old home had acknowledged and is not in the copy is still in the old home's store.
// When that returns, it refuses all writes, and its warden moves what it has to
// affine-orphans/{namespace}/{epoch}/ for people to look at. What was at the new home before, an
// unfinished copy for example, is set aside in the same way.
//
// Unless insist is set, the error is a [*HomeAliveError] if the home gives signs of life.
func (m *Mover) Force(ctx context.Context, namespace, to string, insist bool) (Report, error) {
	if !insist {
		if err := m.checkDead(ctx, namespace); err != nil {
			return Report{}, err
		}
	}
	return m.head(ctx, namespace, to, move.Waiting, func(record move.Record, numbers move.Numbers) (move.Record, error) {
		return record.Force(to, numbers)
	})
}

// head begins something, unless it is under way already, and brings it to its end.
func (m *Mover) head(ctx context.Context, namespace, to string, stage move.State,
	begin func(move.Record, move.Numbers) (move.Record, error),
) (Report, error) {
	for {
		record, version, err := m.directory.get(ctx, namespace)
		if err != nil {
			return Report{}, err
		}
		from := record.Home
		forced := stage == move.Waiting
		if record.To == to && (record.State == move.Waiting) == forced {
			return m.run(ctx, m.executor, namespace, from)
		}
		if !forced && (record.State == move.Opening || record.State == move.Reverting) {
			// The home is settled and only has to be opened, which its warden may be about to do.
			if _, err := m.run(ctx, m.executor, namespace, from); err != nil {
				return Report{}, err
			}
			continue
		}
		numbers, err := m.directory.Numbers(ctx)
		if err != nil {
			return Report{}, err
		}
		next, err := begin(record, numbers)
		if err != nil {
			return Report{}, err
		}
		executor := m.executor
		executor.tell(record, move.Step{}, Started)
		if !forced {
			if err := executor.precopy(ctx, record, to); err != nil {
				return Report{}, err
			}
		}
		switch _, err := executor.store(ctx, next, version); {
		case errors.Is(err, errStale):
			continue
		case err != nil:
			return Report{}, err
		}
		executor.tell(next, move.Step{}, Stored)
		return m.run(ctx, executor, namespace, from)
	}
}

// Resume brings to an end whatever is under way with a namespace.
func (m *Mover) Resume(ctx context.Context, namespace string) (Report, error) {
	record, err := m.directory.Get(ctx, namespace)
	if err != nil {
		return Report{}, err
	}
	return m.run(ctx, m.executor, namespace, record.Home)
}

// Abort gives up a move that has not flipped yet: the old home accepts writes again, under a new
// epoch. The errors are those of [move.Record.Abort].
func (m *Mover) Abort(ctx context.Context, namespace string) (Report, error) {
	for {
		record, version, err := m.directory.get(ctx, namespace)
		if err != nil {
			return Report{}, err
		}
		numbers, err := m.directory.Numbers(ctx)
		if err != nil {
			return Report{}, err
		}
		next, err := record.Abort(numbers)
		if err != nil {
			return Report{}, err
		}
		if _, err := m.executor.store(ctx, next, version); errors.Is(err, errStale) {
			continue
		} else if err != nil {
			return Report{}, err
		}
		return m.run(ctx, m.executor, namespace, record.Home)
	}
}

// run does steps until there are none.
func (m *Mover) run(ctx context.Context, executor executor, namespace, from string) (Report, error) {
	report := Report{From: from}
	var frozen time.Time
	var pause pace.Backoff
	record, version, err := m.directory.get(ctx, namespace)
	for err == nil {
		report.Record = record
		step, due := record.Step()
		if !due {
			if !frozen.IsZero() {
				report.Frozen = time.Since(frozen)
			}
			m.tidy(ctx, namespace)
			return m.conclude(ctx, report)
		}
		if step.Action == move.Fence || step.Action == move.WaitOut {
			frozen = time.Now()
		}
		record, version, err = executor.finish(ctx, record, version, step)
		switch {
		case err == nil:
			pause.Reset()
		case errors.Is(err, errStale):
			if !pace.Sleep(ctx, pause.Next()) {
				return report, context.Cause(ctx)
			}
			record, version, err = m.directory.get(ctx, namespace)
			continue
		default:
			return report, err
		}
		if step.Action == move.WaitOut {
			report.Waited = time.Since(frozen)
			report.Standby = executor.promoted
			report.Lost = "what was acknowledged by the old home, " + step.Region + ", is not at the new one: " +
				"it is set aside under affine-orphans/ there when that region returns"
			if report.Standby {
				report.Lost = "what was acknowledged by the old home, " + step.Region + ", after the last round of the standby copy " +
					"is not at the new one: everything it had is set aside under affine-orphans/ there when that region returns"
			}
		}
	}
	return report, err
}

// tidyLimit bounds how long a move that has succeeded waits for the old home.
const tidyLimit = 3 * time.Second

// tidy cleans former homes up, as far as they can be reached. Their own wardens do the rest: what
// could not be reached, and to set aside what a deposed home has.
func (m *Mover) tidy(ctx context.Context, namespace string) {
	ctx, cancel := context.WithTimeout(ctx, tidyLimit)
	defer cancel()
	record, version, err := m.directory.get(ctx, namespace)
	if err != nil {
		return
	}
	for _, leftover := range record.Leftovers {
		step, due := record.Leftover(leftover.Region)
		if !due {
			return
		}
		if leftover.Keep {
			continue
		}
		_, _, err := m.executor.finish(ctx, record, version, step)
		if err != nil && !errors.Is(err, errStale) {
			continue // out of reach
		}
		if record, version, err = m.directory.get(ctx, namespace); err != nil {
			return
		}
	}
}

// conclude reads what there is at the end.
func (m *Mover) conclude(ctx context.Context, report Report) (Report, error) {
	record, err := m.directory.Get(ctx, report.Record.Namespace)
	if err != nil {
		return report, err
	}
	report.Record = record
	home, err := m.executor.contents(record.Home)
	if err != nil {
		return report, err
	}
	report.Contents, err = home.Sum(ctx, record.Namespace)
	return report, err
}

// checkDead watches the home for as long as its warden takes to renew its lease.
func (m *Mover) checkDead(ctx context.Context, namespace string) error {
	record, err := m.directory.Get(ctx, namespace)
	if err != nil {
		return err
	}
	agreed, err := m.directory.Terms(ctx)
	if err != nil {
		return err
	}
	before, _, err := m.directory.store.Get(ctx, aliveDir+record.Home)
	if err != nil {
		return err
	}
	if !pace.Sleep(ctx, agreed.TTL/2) {
		return context.Cause(ctx)
	}
	after, _, err := m.directory.store.Get(ctx, aliveDir+record.Home)
	if err != nil {
		return err
	}
	if after.Version != before.Version {
		return &HomeAliveError{Namespace: namespace, Home: record.Home}
	}
	return nil
}
