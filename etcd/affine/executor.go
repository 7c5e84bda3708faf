package affine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/roster-go/roster/replica/move"
	"github.com/roster-go/roster/replica/strong"
)

// An executor does the steps of moves; see package move, Execution.
type executor struct {
	directory *Directory
	contents  func(region string) (Contents, error)
	observe   func(Event)
	known     known // what is at the next home of the one move that this executor does; nil if that has to be read

	promoted bool // the next home of a failover began with a standby copy
}

// A Phase is how far an executor is in a step.
type Phase string

// The phases of a step. An executor that ends in any of them leaves a step that the next can do
// from its beginning.
const (
	Started Phase = "started" // nothing was done yet
	Halfway Phase = "halfway" // a part was copied
	Acted   Phase = "acted"   // all was done, and it is not in the record yet
	Stored  Phase = "stored"  // it is in the record
)

// An Event is what an executor is doing.
type Event struct {
	Record move.Record // the step's
	Step   move.Step   // the zero Step for the begin of a move
	Phase  Phase
}

func (e *executor) tell(record move.Record, step move.Step, phase Phase) {
	if e.observe != nil {
		e.observe(Event{record, step, phase})
	}
}

// errStale says that the record has changed since it was read.
var errStale = errors.New("affine: the record has changed")

// finish does one step of a record that was read at a version, and stores that it was done. It
// gives the record that follows and its version. The error is errStale if somebody else was
// faster.
func (e *executor) finish(ctx context.Context, record move.Record, version strong.Version, step move.Step) (move.Record, strong.Version, error) {
	e.tell(record, step, Started)
	next, err := e.act(ctx, record, step)
	if _, overtaken := errors.AsType[*move.GuardError](err); overtaken {
		return record, version, errStale
	}
	if err != nil {
		return record, version, fmt.Errorf("affine: %v: %w", step, err)
	}
	e.tell(record, step, Acted)
	stored, err := e.store(ctx, next, version)
	if err != nil {
		return record, version, err
	}
	e.tell(record, step, Stored)
	return next, stored, nil
}

// store replaces a record. What is in doubt is read again, as if somebody else had been faster.
func (e *executor) store(ctx context.Context, next move.Record, version strong.Version) (strong.Version, error) {
	stored, err := e.directory.replace(ctx, next, version)
	_, conflict := errors.AsType[*strong.ConflictError](err)
	_, doubt := errors.AsType[*strong.InDoubtError](err)
	if conflict || doubt {
		return 0, errStale
	}
	return stored, err
}

// act does what a step asks for, and gives the record that follows.
func (e *executor) act(ctx context.Context, record move.Record, step move.Step) (move.Record, error) {
	if step.Action == move.WaitOut {
		if err := e.waitOut(ctx, record); err != nil {
			return record, err
		}
		return record.Done(step)
	}
	at, err := e.contents(step.Region)
	if err != nil {
		return record, err
	}
	if _, err := at.Raise(ctx, record.Namespace, step.Guard); err != nil {
		return record, err
	}
	switch step.Action {
	case move.Copy:
		err = e.copy(ctx, record, step, at)
	case move.Verify:
		same, err := e.verify(ctx, record, step, at)
		if err == nil && !same {
			return record.Differ(step)
		}
		if err != nil {
			return record, err
		}
	case move.Clean:
		err = at.Clear(ctx, record.Namespace, step.Guard)
	case move.SetAside:
		_, err = at.SetAside(ctx, record.Namespace, step.Guard)
	case move.Fence, move.OpenUp, move.WaitOut: // the guard is all there is to it
	}
	if err != nil {
		return record, err
	}
	return record.Done(step)
}

// waitOut lets all leases of the home run out. Meanwhile it makes the next home what its standby copy
// is, or empty: what is there is an unfinished copy, or an old one.
func (e *executor) waitOut(ctx context.Context, record move.Record) error {
	read := time.Now()
	agreed, err := e.directory.Terms(ctx)
	if err != nil {
		return err
	}
	at, err := e.contents(record.To)
	if err != nil {
		return err
	}
	guard := move.Guard{Epoch: record.Next, Mode: move.Import}
	if _, err := at.Raise(ctx, record.Namespace, guard); err != nil {
		return err
	}
	if _, err := at.SetAside(ctx, record.Namespace, guard); err != nil {
		return err
	}
	if err := e.promote(ctx, record, at, guard); err != nil {
		return err
	}
	timer := time.NewTimer(agreed.Wait() - time.Since(read))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the lease has not run out yet: %w", context.Cause(ctx))
	}
}
