// Package strong is a small store that is the same in all regions: every write is agreed on
// by a quorum before it is acknowledged, and every region reads a copy of its own.
//
//	store := strong.New(engine)
//	go store.Run(ctx)
//	<-store.Ready()
//
//	version, err := store.CompareAndSet(ctx, "limits/eu", 0, []byte("100")) // over the quorum
//	view, err := store.Local(2 * time.Second)                              // here, and proven
//	entry, ok := view.Get("limits/eu")
//
// An [Engine] is the consensus behind it. The module etcd has one over an etcd cluster whose
// members are in different regions (package etcd/strong); [Memory] is one inside a process,
// for tests. The package strongtest is the test suite that both pass.
//
// # When to use it
//
// Use it for what must never differ between two regions and is read far more often than it
// is written: who owns what, limits, switches, a directory. A write costs a round trip to
// the nearest quorum, and stops while there is none. For what every region has to be able to
// write while it is alone, use replicated entries: they always take a write, and merge.
//
// # Consistency
//
//   - Writes, [Store.Get] and [Store.List] are linearizable: each takes effect at one moment
//     between its call and its return, and all callers agree on the order of those moments.
//   - An [Entry] has the version of its last write. Versions grow with every write to the
//     store, of whatever key, so a version never returns for another value.
//   - A write ends in one of four ways. No error: it was made, and a quorum has it. A
//     [*ConflictError], [*NoQuorumError] or an error of the arguments: it was not made, and
//     will not be. An [*InDoubtError]: it may have been made, or be made yet.
//   - A [View] holds every key as it was at one version; views follow each other in the order
//     of versions and may skip some. [View.AsOf] is a proof: everything that anybody, anywhere,
//     had been acknowledged by then is in it. The proof is made with one clock: at time t0 of
//     this process it asks the quorum for the latest version, is told v, and notes t0 once the
//     view has v. Whatever was acknowledged before t0 has a version up to v.
//   - [Store.Local] gives a view whose proof is no older than a bound, or a [*StaleError].
//     [Store.View] gives the latest one whatever its age. [Store.Barrier] waits for a view
//     that is as of its own call.
//
// # Without a quorum
//
// On the minority side of a partition writes and linearizable reads fail with a
// [*NoQuorumError], which tells who was asked, since when there is no contact, and what still
// works; once the loss is known, a write is preceded by a question and therefore not even
// sent. [Store.Local] refuses as soon as the last proof is older than the bound; until then
// it goes on. [Store.View] goes on in any case, and [View.Err] says why it may be outdated.
//
// # Limits
//
// All of it is held in memory by every process that reads it, and a change copies the index:
// it is meant for up to about ten thousand keys and some hundred writes a second. Keys are
// not empty; values belong to whoever reads them and must not be modified. How large a value
// may be is the engine's to say, 1 MiB for etcd.
//
// # Another engine
//
// CockroachDB and Spanner can stand behind the same interface; [Engine] says what each
// method has to guarantee, and strongtest checks it.
//
// CockroachDB: a table (key, value, version), with the version from crdb_internal's
// cluster_logical_timestamp() of the transaction, as nanoseconds; Write is one serializable
// transaction that reads the version under the key and then writes, and the error
// "result is ambiguous" (SQLSTATE 40003) is the [*InDoubtError]. Watch is a changefeed with
// resolved timestamps. Fresh takes care: timestamps of transactions on unrelated keys may
// differ by up to the cluster's --max-offset from the order in which they were acknowledged,
// so Watch asks for cluster_logical_timestamp() at t0 and waits until the resolved timestamp
// has passed that plus the offset.
//
// Spanner: the version is the commit timestamp in microseconds, Write a read-write
// transaction, Get and List strong reads; Watch a change stream. The read timestamp of a
// strong read at t0 is an upper bound of all that was acknowledged before (external
// consistency), so Fresh waits until the stream's heartbeat has passed it.
//
// # Concurrency properties
//
// All methods of [Store], [View] and [Memory] are safe for concurrent use. [Store.View] and
// [Store.Local] read one atomic pointer; they never wait for a writer, and writers never wait
// for them. The engine's calls to the [Sink] run on the goroutine of [Store.Run]; a loop over
// [Store.Changes] runs on its own and may take as long as it likes. A store has no goroutine.
package strong
