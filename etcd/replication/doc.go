// Package replication keeps records the same in many regions, each of which has an etcd of its
// own, and shows every region the instances of the others.
//
//	store, err := replication.Open(client, replication.Options{Region: "eu"})
//	...
//	agent, err := replication.NewAgent(store, replication.AgentOptions{Listen: "10.0.0.1:7073", TLS: config})
//	go agent.Run(ctx)
//	err = store.Regions().Add(ctx, replication.Region{Name: "us", Replication: []string{"10.1.0.1:7073"}})
//	...
//	version, err := store.Put(ctx, "routing/checkout", value)
//	record, ok := store.Get("routing/checkout")
//
// A [Store] reads and writes the region's own etcd and works while everything else is away. An
// [Agent] carries what it holds to the other regions.
//
// # Guarantees
//
//   - A read is local: it takes no lock and asks nobody.
//   - A write is acknowledged when the region's own etcd has stored it. It reaches every other
//     region as soon as there is a way to it, after any number of crashes, partitions and
//     restarts; what reaches a region twice, late or out of order changes nothing.
//   - Regions that have exchanged everything hold the same, whatever happened before.
//   - A write supersedes what its region knew of the record. Of writes that did not know of
//     each other a deletion wins, then the higher Lamport time, then the region whose name sorts
//     last: the same one everywhere. Those that lose are kept, see [Store.Conflicts]. See package
//     replica for the rule and its proofs. No wall clock decides anything.
//   - A deleted record does not come back. It leaves a tombstone, which is collected when every
//     region of the table has told that it knows of the deletion, and a day has passed. What
//     was collected is remembered by one vector, the floor.
//   - A read with a bound, [Store.Fresh], is refused if the bound is not known to hold.
//
// Two caveats. A write that its etcd acknowledged, and loses again before any other region got it,
// because it is restored from a backup, is lost. And a region's counts follow its wall clock where
// that is ahead, so that a store that was restored uses none twice; this needs that the clock was
// not set back to before the lost writes.
//
// # Layout
//
// All keys are in the region's own etcd, after the prefix. The values are JSON.
//
//	replica/records/{namespace}/{name}       a replica.Entry, deleted ones as well
//	replica/member                           the id under which the region writes, and its count
//	replica/floor                            what it has collected
//	replica/cursors/{origin}/{feed}          how far it has applied what {origin} sent
//	replica/heartbeat, sessions, ages        of the agents
//	replica/leader/…                         their election
//	conflicts/{namespace}/{name}             the latest writes that lost
//	r/{origin}/services/{service}/{id}       the instances of {origin}
//	r/{origin}/contact                       whether {origin} has been heard of lately
//
// The table of regions is records, in the namespace roster-regions.
//
// # How it is carried
//
// The agents of a region elect a leader by a lease. The leader has two streams to each region of
// the table, one for records and one for instances, over HTTP/2 on a port of its own, with mutual
// TLS: the certificate has the URI roster://region/NAME, and a peer may push as that region only.
// Without TLS only the loopback interface is used. A region that has a certificate is trusted with
// the records: it may write, delete, and retire regions, as if it were here. It cannot pose as
// another one, make this region's agent fail, or reach keys beside those of the layout.
//
// It goes by states, not by history. The store knows at which revision each key changed last, and
// a stream sends, in that order, the entries that the region itself wrote and that changed since
// the peer's cursor, as they are now. So it does not matter what etcd has compacted, a key that
// changes often is sent once after a pause, and a slow peer costs no memory and delays nobody.
// What is not acknowledged is bounded in bytes.
//
// The peer merges entries, and writes them in one transaction with the cursor: cluster id, session
// and revision of the origin. The transaction is guarded by the revision of every key, of the
// cursor, and of the leader's election, so no crash leaves half of it and no second agent gets in
// between.
//
// The cursor says which etcd it is of. If that was restored or replaced, everything is sent again,
// and a comparison finds what it has lost. A region that does not know of deletions that others
// have collected may not push until it has been sent everything. At the end of that, and only
// then, it removes what was not sent and what the others' floor covers.
//
// Instances have one writer, so a mirror needs no merging: it is put and deleted, and swept at the
// end of a full sync. They are never passed on. When heartbeats stop, instances stay where they
// are and are marked, see [github.com/roster-go/roster/etcd.Unconfirmed]: that two agents lost each
// other does not tell whether a caller can reach an instance, and removing a whole region's at
// once would be a mass expiry. They leave when their region is retired.
//
// Every minute, when nothing is under way, and whenever a link is made, each region sends 256 sums
// over all records to each peer; the peer asks for the entries of those that differ, and merges
// them. That repairs what was removed or damaged behind the agents' backs, and counts it.
//
// # Lag
//
// The leader writes a heartbeat every second. For every revision that matters it keeps the time
// it was seen on its monotonic clock; the peer acknowledges revisions. [PeerStatus] Lag is the time
// from one to the other, and while something is not acknowledged the time since: it grows while
// a link, the peer, or the region's own etcd is dead. When the source is dead nobody measures that;
// then [OriginStatus] HeartbeatAge grows at the other end.
//
// For reads with a bound the receiving region measures on its own clock: it sends a probe, and its
// echo comes behind everything that the origin had when the probe arrived.
//
// # Concurrency properties
//
// All methods of all types are safe for concurrent use.
//
// [Store.Get], [Store.All], [Store.List] and the [Store.View] read a [roster.Hot], which never
// waits for a writer. What one transaction wrote in etcd becomes visible at once. Writes that wait
// at the same time share a transaction; [Store.Put] returns its revision, and the local view shows
// it a moment later: see [Store.Sync].
//
// A store has one goroutine that writes and those of its watch, from [Open] to [Store.Close]. An
// agent's goroutines end before [Agent.Run] returns.
package replication
