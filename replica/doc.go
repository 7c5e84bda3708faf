// Package replica is the replicated state of many regions as a pure state machine: no I/O, no
// clock, no goroutines. A backend drives it with the events of the world and keeps its state in a
// store; the tests drive it into every state that a few events can lead to.
//
// [Entry] is the value that is replicated, and [Merge] its rule. [Node] is the whole state of a
// region, and the executable form of what follows. [Lag] and [Freshness] measure how far regions
// are apart. The package move has the move of a namespace from one home region to another.
//
// # State
//
// A region is a member under an id: its name, or its name and an [Incarnation]. It has
//
//   - entries, by key. An entry holds the writes that no write it knows of supersedes, at most one
//     for each id, and the [Context] of all it ever knew. A deletion is a write, and stays
//     as a tombstone.
//   - known: for each id, up to which count it has that id's writes. For others this is the cursor
//     of their log; for itself, how many writes it made. Counts grow over all keys.
//   - the log of its own writes, each with the entry as it was after the write.
//   - members: every id that was ever admitted, active or fenced. An id that is fenced stays so.
//   - settled: the fenced ids of which it has all that anybody has.
//   - the kill set of package kill, which only grows.
//
// All of that is durable. What it remembers of the other members' known, their rows, is not.
//
// # Rules
//
//  1. Write. A put or deletion gets the next count of the region, supersedes everything in the
//     entry, and goes into the entry, into the log and into known in one transaction. Its Lamport
//     time is higher than that of all it supersedes.
//  2. Missing. A key that is not stored counts as an entry without writes and with known as its
//     context ([Fresh]): what the region knew of it was deleted and collected.
//  3. Merge. A write stays if both sides have it, or one side has it and the other's context does
//     not cover it. Contexts are joined.
//  4. Winner. Of the writes of an entry a deletion wins, then the higher time, then the id that
//     sorts last. The other values are the conflict record, until a write supersedes them.
//  5. Receive. A batch is applied with its cursor in one transaction, or not at all; if writes
//     before it are missing, or its origin is not an active member, it is refused.
//  6. Row. A batch carries what its origin knew when it was made. That is believed when the cursor
//     has reached the origin's own count in it, and not before.
//  7. Repair. A snapshot of some buckets is merged by rules 2 and 3, with the sender's known for what
//     is not in it. A whole one also joins known.
//  8. Collect. An entry that is deletions only is removed when its context is in known and in the
//     row of every active member, every fenced id has settled, and the caller finds it old enough.
//  9. Fence. Nothing is accepted of a fenced id, and who is told that it is fenced accepts nothing and
//     writes nothing. A fenced id has settled when every active member has sent a whole snapshot
//     since it fenced the id.
//  10. Join. A region that is new, fenced, or restored from a backup becomes a member under an id
//     that was never used: a member admits the id, which fences the region's other ids, and
//     its whole snapshot replaces what the region had. What only the region had is handed to
//     people. A restored region neither reads nor writes before.
//  11. Kill. The kill set is merged before anything else in a message is looked at, even if the
//     rest is refused. A key whose namespace or entry is killed is neither read nor written.
//     Nothing is deleted for it, so a late write has nothing to undo.
//
// # Invariants
//
// The numbers are those that the tests print.
//
//  1. Convergence. When all members have exchanged everything they hold the same writes, whatever was
//     lost, repeated, late or out of order before; then so do their digests.
//  2. No lost write. A write that was acknowledged is then in every region, unless a write supersedes
//     it whose region had seen it. If it lost against a concurrent one it is in the conflict
//     record. Exceptions: what a region had not pushed when its store was restored without it is
//     lost; what it had not pushed when it was fenced is handed to people when it joins again.
//  3. No resurrection. A write that a region knows and does not hold never comes back to it: what a
//     deletion had seen stays deleted.
//  4. One decision. The winner is that of rule 4 among all concurrent writes, also when some arrive
//     after the tombstone could have been collected.
//  5. Kill dominates. What is killed is not read, and an order is never forgotten.
//  6. Monotony. Under one id, cursors and contexts only grow. No dot is used twice, also not after a
//     backup was restored, and restored again.
//  7. Truth. What known covers, the entry of the key covers, if it is stored. (Of an id that has
//     settled known may also cover writes that nobody has.)
//  8. Safe collection, and in the end complete: collecting breaks none of the above, and when all
//     members have exchanged everything no tombstone is left that no value disputes.
//
// The tests explore all states of two and three regions with one or two keys and a few events:
// writes, deletions, kills, batches that arrive at once, late, twice, cut short or never, crashes,
// compactions, snapshots, restores, fences, joins, collections. In each state they check what can
// be checked at once, and let the state come to rest to check the others. Random histories go
// further. Each rule that is left out is shown to break an invariant.
//
// # What it does not give
//
// Concurrent writes are not serialised: each region reads its own until the other's arrives, and one
// of the two then loses. Who cannot have that uses the strong store or gives each namespace a home.
// Nothing holds across keys, except that a region receives another's writes in their order.
//
// A live value next to a tombstone, one that lost against a concurrent deletion, is kept as the
// conflict record until somebody writes or deletes the key again. So is its tombstone.
//
// A region that is away keeps all others from collecting until it is fenced. After a fence, nothing
// is collected before the members have exchanged whole snapshots.
//
// Changes of the membership are to be made one after the other: a member that admits or fences while
// another does, and neither has heard of the other, can end with regions that refuse one another
// until people fence one side. Keep them in the strong store, or to one operator.
//
// Ids are never forgotten. A context holds at most [MaxRegions], so a fleet has that many regions and
// restores in its life.
//
// Members are trusted. What they send is validated, so that it cannot break the receiver, but a
// member that lies about counts or about what it knows can hide writes.
//
// # Sources
//
// The entry: Almeida, Baquero, Gonçalves, Preguiça, Fonte: "Scalable and Accurate Causality Tracking
// for Eventually Consistent Stores" (DAIS 2014), dotted version vector sets. What a key counts as
// that is not stored: Gonçalves, Almeida, Baquero, Fonte: "Concise Server-Wide Causality Management
// for Eventually Consistent Data Stores" (DAIS 2015). Collection: causal stability, Baquero, Almeida,
// Shoker: "Making Operation-based CRDTs Operation-based" (DAIS 2014). Logs, cursors and rows:
// Wuu, Bernstein: "Efficient Solutions to the Replicated Log and Dictionary Problems" (PODC 1984).
// Times: Lamport: "Time, Clocks, and the Ordering of Events in a Distributed System" (CACM 1978).
//
// # Concurrency properties
//
// [Entry], [Batch] and [Snapshot] are values, which may be shared as long as nobody modifies their
// slices and maps. Nothing else in the package is safe for concurrent use, and nothing blocks.
package replica
