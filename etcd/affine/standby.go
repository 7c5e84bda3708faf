package affine

import (
	"context"
	"errors"
	"time"

	"github.com/roster-go/roster/etcd/internal/pace"
	"github.com/roster-go/roster/replica/move"
)

// roundBits are the bits of a standby copy's guard that number the rounds in which it was
// brought up to date; those above are the epoch of the home that it is a copy of. While a round
// is under way its mode is Import, and the copy a mix of two states; afterwards it is Sealed.
const roundBits = 32

// A Round is one comparison of a standby copy with the home.
type Round struct {
	// AsOf is when the round began, on this process's monotonic clock: the copy has everything
	// that the home had acknowledged by then. The zero time if the round failed.
	AsOf     time.Time
	Contents Digest // of the copy
	Err      error  // why the round failed
}

// Follow keeps a standby copy of a namespace in another region than the home, and compares the two
// after each interval, until ctx ends; it returns the cause. A failover to that region
// starts with the copy. done is called after each round.
//
// A round that finds the home changed reads all of it and writes the difference. It is meant for
// namespaces of up to some ten thousand items. While the region is the home itself, there is no copy.
func (m *Mover) Follow(ctx context.Context, namespace, region string, interval time.Duration, done func(Round)) error {
	f := follower{executor: m.executor, namespace: namespace, region: region}
	for {
		began := time.Now()
		digest, err := f.round(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			f.known = nil
			done(Round{Err: err})
		default:
			done(Round{AsOf: began, Contents: digest})
		}
		if !pace.Sleep(ctx, pace.Jitter(interval)) {
			return context.Cause(ctx)
		}
	}
}

// A follower keeps one standby copy.
type follower struct {
	executor  executor
	namespace string
	region    string

	guard  move.Guard // of the last round
	known  known      // what the copy has; nil if it has to be read
	digest Digest     // of the home at the last round
}

// round brings the copy up to date.
func (f *follower) round(ctx context.Context) (Digest, error) {
	record, err := f.executor.directory.Get(ctx, f.namespace)
	if err != nil {
		return Digest{}, err
	}
	at, err := f.executor.contents(f.region)
	if err != nil {
		return Digest{}, err
	}
	from, err := f.executor.contents(record.Home)
	if err != nil {
		return Digest{}, err
	}
	standby := at.Standby()
	if f.guard.Epoch>>roundBits != record.Epoch || f.known == nil {
		f.known, f.digest = nil, Digest{}
		if f.guard, err = stands(ctx, standby, f.namespace); err != nil {
			return Digest{}, err
		}
	}
	if record.Home == f.region {
		return Digest{}, f.drop(ctx, standby, record)
	}
	digest, err := from.Sum(ctx, f.namespace)
	if err != nil || f.known != nil && digest == f.digest {
		return digest, err
	}
	next := move.Guard{Epoch: max(f.guard.Epoch, record.Epoch<<roundBits) + 1, Mode: move.Import}
	if _, err := standby.Raise(ctx, f.namespace, next); err != nil {
		return Digest{}, err
	}
	copied, err := mirror(ctx, f.namespace, from, standby, next, f.known, func() {})
	if err != nil {
		return Digest{}, err
	}
	next.Mode = move.Sealed
	if _, err := standby.Raise(ctx, f.namespace, next); err != nil {
		return Digest{}, err
	}
	// The home may have been deposed while it was read. Then the copy is of its epoch, and nobody
	// takes it for one of the next.
	f.guard, f.known, f.digest = next, copied, digest
	return standby.Sum(ctx, f.namespace)
}

// drop deletes the copy of a namespace that is at home in the same region.
func (f *follower) drop(ctx context.Context, standby Contents, record move.Record) error {
	closed := move.Guard{Epoch: max(f.guard.Epoch, record.Epoch<<roundBits), Mode: move.Closed}
	if f.guard == closed {
		return nil
	}
	if _, err := standby.Raise(ctx, f.namespace, closed); err != nil {
		return err
	}
	f.guard = closed
	return standby.Clear(ctx, f.namespace, closed)
}

// stands reads the guard of a standby copy.
func stands(ctx context.Context, standby Contents, namespace string) (move.Guard, error) {
	lowest := move.Guard{Epoch: 1, Mode: move.Import}
	_, err := standby.Raise(ctx, namespace, lowest)
	if higher, ok := errors.AsType[*move.GuardError](err); ok {
		return higher.Stands, nil
	}
	return lowest, err
}

// promote makes the next home what its standby copy is, if there is a complete one of the home
// that is deposed.
func (e *executor) promote(ctx context.Context, record move.Record, at Contents, guard move.Guard) error {
	standby := at.Standby()
	// No round can change the copy any more under a guard of the next epoch. Sealed, it is known to
	// be complete.
	taken := move.Guard{Epoch: record.Next<<roundBits + 1, Mode: move.Import}
	sealed := move.Guard{Epoch: taken.Epoch, Mode: move.Sealed}
	was, err := standby.Raise(ctx, record.Namespace, taken)
	switch higher, ok := errors.AsType[*move.GuardError](err); {
	case ok && higher.Stands == sealed: // another executor was here
	case err != nil:
		return err
	case was.Mode != move.Sealed || was.Epoch>>roundBits != record.Epoch:
		return nil
	}
	if _, err := standby.Raise(ctx, record.Namespace, sealed); err != nil {
		return err
	}
	_, err = mirror(ctx, record.Namespace, standby, at, guard, known{}, func() {})
	e.promoted = err == nil
	return err
}
