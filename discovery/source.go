package discovery

import "context"

// A Source tells a sink what is announced. It is safe for concurrent use.
type Source interface {
	// Watch keeps sink up to date until ctx ends, and returns the cause of its end. It
	// reconnects by itself, for ever. Several calls may run at once, each with a sink of
	// its own.
	Watch(ctx context.Context, sink Sink) error
}

// A Sink is told by a [Source] what is announced. A [View] is one. This is the contract
// between the two, by which implementations of either side are written:
//
//  1. The calls for one Watch come one after the other, never concurrently, and none comes
//     after Watch returned.
//  2. The first call that brings data is Sync. Apply and Fresh come only after a Sync.
//  3. A revision is the store's: any two states of the store have different ones, the
//     later state the higher. From one Sync to the next, each Apply has a higher revision
//     than the Sync or Apply before it. A Sync may have a lower one, when the store was
//     restored or replaced.
//  4. No revision is split: Apply(r, changes) carries all changes of every revision after
//     the one before, up to and including r, in the store's order. One Apply may carry
//     many revisions, so a sink may miss a state, but never see half of one. Likewise
//     Sync(r, all) is the content of the store at exactly r.
//  5. Stale says that the source lost contact or cannot confirm it, so the sink may lag
//     behind by any amount. It may come again with a newer reason. A Sync or Fresh ends it;
//     an Apply, which may still come, does not.
//  6. Fresh(r) says that the source is in contact and that every change up to r has been
//     delivered. Sync says the same of its own revision.
//
// After a loss of contact a Source continues where it was if it can prove that no change
// is missing, and resynchronises, with a Sync, otherwise. Slices, instances and their metadata belong to nobody after the call: neither
// side may modify them.
type Sink interface {
	// Sync replaces everything: all is the complete content at revision. The order of the
	// instances has no meaning; no two have the same key.
	Sync(revision int64, all []Instance)
	// Apply adds changes, in order, up to and including revision.
	Apply(revision int64, changes []Change)
	// Stale reports lost contact and why; err is not nil.
	Stale(err error)
	// Fresh reports contact, and that all changes up to revision were delivered.
	Fresh(revision int64)
}

// A Change is one change in the store.
type Change struct {
	Removed  bool     // the instance is gone; otherwise it was added or changed
	Instance Instance // of a removed one, only Service and ID count
}
