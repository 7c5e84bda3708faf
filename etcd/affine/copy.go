package affine

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"

	"github.com/roster-go/roster/replica/move"
)

// known are the items that somebody put in a place where nobody else puts any, by key: the hashes
// of their values.
type known map[string][sha256.Size]byte

// precopy copies a namespace to its next home while it is still served, so that little is left to
// copy when it no longer is. What it leaves there is nobody's until a move copies the rest, or
// a failover sets it aside.
func (e *executor) precopy(ctx context.Context, record move.Record, region string) error {
	to, err := e.contents(region)
	if err != nil {
		return err
	}
	// Below whatever a move or failover raises it to later, and not open.
	guard := move.Guard{Epoch: record.Epoch, Mode: move.Import}
	_, err = to.Raise(ctx, record.Namespace, guard)
	if higher, ok := errors.AsType[*move.GuardError](err); ok && higher.Stands.Mode != move.Open {
		guard, err = higher.Stands, nil
	}
	if err == nil {
		var from Contents
		if from, err = e.contents(record.Home); err != nil {
			return err
		}
		e.known, err = mirror(ctx, record.Namespace, from, to, guard, nil, func() {})
	}
	if _, overtaken := errors.AsType[*move.GuardError](err); overtaken {
		e.known = nil // somebody cleans up there, or moves it: the move itself will tell
		return nil
	}
	return err
}

// copy makes the namespace at the step's region what it is where the step copies from.
func (e *executor) copy(ctx context.Context, record move.Record, step move.Step, to Contents) error {
	there := e.known
	e.known = nil // it is good for one attempt: if the copies differ everything is read
	from, err := e.contents(step.From)
	if err != nil {
		return err
	}
	_, err = mirror(ctx, record.Namespace, from, to, step.Guard, there, func() { e.tell(record, step, Halfway) })
	return err
}

// mirror makes the items at one place those at another. It reads what is there, unless that is
// known. It calls progress once, when a part was copied.
func mirror(ctx context.Context, namespace string, from, to Contents, guard move.Guard, there known, progress func()) (known, error) {
	if there == nil {
		there = make(known)
		err := pages(ctx, to, namespace, func(page []Item) error {
			for _, item := range page {
				there[item.Key] = sha256.Sum256(item.Value)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	now := make(known, len(there))
	told := false
	err := pages(ctx, from, namespace, func(page []Item) error {
		var puts []Item
		for _, item := range page {
			sum := sha256.Sum256(item.Value)
			if was, ok := there[item.Key]; !ok || was != sum {
				puts = append(puts, item)
			}
			now[item.Key] = sum
			delete(there, item.Key)
		}
		if len(puts) > 0 {
			if err := to.Apply(ctx, namespace, guard, puts, nil); err != nil {
				return err
			}
		}
		if !told {
			told = true
			progress()
		}
		return nil
	})
	if err != nil || len(there) == 0 {
		return now, err
	}
	surplus := make([]string, 0, len(there))
	for key := range there {
		surplus = append(surplus, key)
	}
	return now, to.Apply(ctx, namespace, guard, nil, surplus)
}

// verify compares the copy with what was copied.
func (e *executor) verify(ctx context.Context, record move.Record, step move.Step, to Contents) (same bool, err error) {
	from, err := e.contents(step.From)
	if err != nil {
		return false, err
	}
	var want, got Digest
	var faults [2]error
	var summing sync.WaitGroup
	summing.Go(func() { want, faults[0] = from.Sum(ctx, record.Namespace) })
	summing.Go(func() { got, faults[1] = to.Sum(ctx, record.Namespace) })
	summing.Wait()
	return got == want, errors.Join(faults[:]...)
}
