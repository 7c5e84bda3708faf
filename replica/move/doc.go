// Package move is the move of a namespace between home regions as a pure state machine: no I/O,
// no clock, no goroutines. It says what to do next and what follows from having done it; an
// executor does it, against the strong store and each region's own.
//
// # State
//
// The strong store has one [Record] for each namespace. It names the home and the home's epoch,
// and what is under way. It changes by compare-and-set only, and each state asks for one [Step].
//
// Each region's own store has one [Guard] for each namespace, and every transaction on the namespace
// there is conditional on it. Each home has a lease, in the strong store, by the [Terms] that all
// regions agree on.
//
// # Execution
//
// An executor repeats until [Record.Step] has nothing more:
//
//  1. read the record, and its step;
//  2. raise the guard at the step's region to the step's guard, by [Guard.Raise] in a transaction;
//  3. do the action, each transaction conditional on the guard being the step's;
//  4. replace the record by [Record.Done] of it, if it is still the one that was read.
//
// It may die or stall anywhere, and any number of executors may run at once. Who comes next reads
// the record and does its step, from its beginning. Who comes too late finds a higher guard or
// another record, and starts over. A move that has not flipped can be rolled back by
// [Record.Abort], and replaced by [Record.Force] at any time.
//
// # Invariants
//
// A region accepts a write to the namespace while its guard is [Open] and it holds the lease of the
// guard's epoch.
//
//  1. One home. At no time do two regions accept writes.
//  2. No lost write. As long as nobody forces a failover, the region that accepts writes has all
//     that were ever acknowledged.
//  3. Nothing is destroyed. Every acknowledged write is in some region's copy, or was set aside
//     there, even after a failover.
//  4. Guards only grow, and so do epochs. No two homes ever have the same epoch.
//  5. Resumption. From every state a single executor that is left alone, with all regions in reach,
//     brings the namespace to a home that accepts writes and the leftovers to an end.
//
// The tests explore every state that can be reached with two executors that stall and die anywhere,
// leases and clocks that run as they like, copies that lose a write, and an operator who begins,
// forces and aborts; and each rule that is left out is shown to break one of these.
//
// # What it does not give
//
// A failover is not a move: what the old home had acknowledged and not yet replicated is not at the
// new one. It stays in the old home's store and is set aside when that comes back.
//
// The lease rests on two bounds that no program can enforce: how much clocks drift, and how long a
// write that was sent can take to commit. See [Terms]. The guards rest on nothing but the stores.
//
// While a namespace moves nobody accepts writes: from the fence to the opening of the new home, which
// is the time of a copy. To make it short, replicate the content first, and let the copy be of
// the difference.
//
// # Sources
//
// Fencing by epochs: Gray and Cheriton, "Leases" (SOSP 1989); the numbering of failovers is that
// of Temporal's global namespaces.
//
// # Concurrency properties
//
// Everything is a value. Nothing is shared between a value and its successor that either modifies.
package move
