package discovery

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Registrar announces the services that one process serves. It is safe for concurrent
// use.
type Registrar interface {
	// Announce publishes instances under one lease and keeps them published until the
	// announcement is closed: it renews the lease, and whenever the lease is lost it takes
	// a new one and publishes again, for ever.
	//
	// A store that cannot be reached is no error. Announce waits a moment for the first
	// registration and then returns an announcement that keeps trying and says so in its
	// status. The error is for instances that are invalid, see [ByKey], and for a ctx that
	// ends while Announce waits; nothing is announced then. After Announce returned, ctx
	// has no influence.
	//
	// An instance whose key exists already is taken over: the process that announced last
	// owns the key. See [OwnedError] for the one that lost it.
	Announce(ctx context.Context, instances []Instance) (Announcement, error)
}

// An Announcement is what one process has announced. It is safe for concurrent use.
type Announcement interface {
	// Update replaces the whole set: what is new is added, what differs is changed, what
	// is missing is removed, and what is equal is not written again. What is removed is
	// marked as draining first, so that readers can tell it from what expired.
	//
	// An error that is an [*InstanceError] means that nothing changed. After any other
	// error, except [ErrClosed], the set is what the announcement strives for from now
	// on, but the store does not have all of it yet.
	Update(ctx context.Context, instances []Instance) error

	// Status tells how the announcement stands.
	Status() AnnouncementStatus

	// Close removes the instances from the store, those that are still this announcement's
	// own, marked as draining first if the store takes that in time, and waits until nothing of it runs. On an error they are still there and vanish
	// when the lease expires. Only the first call does anything.
	Close(ctx context.Context) error
}

// An AnnouncementStatus is how an announcement stands at one moment.
type AnnouncementStatus struct {
	Registered    bool      // the store holds the whole set under a lease that has not run out, as far as is known
	Since         time.Time // since when Registered is what it is
	Err           error     // why the latest attempt to register or to renew failed; nil if it did not
	Registrations uint64    // how often a lease was taken; all but the first replaced a lost one
	Instances     int       // size of the set
}

// ErrClosed is returned by [Announcement.Update] after Close.
var ErrClosed = errors.New("discovery: the announcement is closed; announce again")

// ErrOwned is what every [*OwnedError] is, for errors.Is.
var ErrOwned = errors.New("owned by another process")

// An OwnedError reports that another process announced the same instance later and now
// owns its key. The announcement that lost it leaves the key alone and takes it back once
// it is free, which a key that was written by hand, under no lease, never is by itself.
type OwnedError struct {
	Key    Key
	Owner  string // the owner's lease as the backend writes it; may be empty
	ByHand string // the store's own key if it is under no lease, to be deleted by hand; else empty
}

func (e *OwnedError) Error() string {
	if e.ByHand != "" {
		return fmt.Sprintf("discovery: %s was written by hand (no lease) and does not expire; delete %s in the store to announce it again", e.Key, e.ByHand)
	}
	by := "another process"
	if e.Owner != "" {
		by += " (lease " + e.Owner + ")"
	}
	return fmt.Sprintf("discovery: %s is announced by %s; give every process an instance id of its own", e.Key, by)
}

// Is makes errors.Is(err, ErrOwned) true.
func (e *OwnedError) Is(target error) bool { return target == ErrOwned }
