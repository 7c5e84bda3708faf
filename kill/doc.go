// Package kill is the kill switch: it removes a dangerous implementation everywhere, now, and
// nothing that arrives late brings it back.
//
// # Orders and sets
//
// An [Order] kills a [Target] or revives it. A process holds, for each target, the order that
// stands: that of the highest epoch, and at equal epochs a kill before a revival. These make a
// [Set], from which nothing is ever removed. Merging sets is commutative, associative and idempotent,
// so that it does not matter in which order, how often and by which way orders arrive: the same ones
// lead to the same set, and to the same [Hash] of it. Nothing is deleted by a kill. What was killed is
// filtered where it would be used, and a write that is replicated late has nothing to undo.
//
// To revive is to order with a higher epoch; a revival needs a reason of its own. A kill and a revival
// that two regions give out at the same epoch, because they did not see each other, end as a kill.
//
// # Switch
//
// A [Switch] is in every process that gives something out:
//
//	sw, err := kill.Open("/var/lib/orders/kill.log")
//	...
//	if order, killed := sw.Killed(kill.Plugin("markdown", "1.2.0")); killed {
//		return fmt.Errorf("killed: %s", order.Reason)
//	}
//
// [Switch.Apply] returns when the orders are in effect, the hooks of [Switch.OnChange] have seen them,
// and they are on disk. If the disk fails they are in effect all the same, the [Receipt] says that
// they are not durable, and writing is tried again every second.
//
// The log has a line of JSON for each order, with a checksum. A write that a crash cut short is cut
// off and reported by [Switch.Loaded]; nothing in it had been acknowledged. Where writing failed, the
// file is written anew, because after a failed fsync nobody knows what it holds. A log that grew
// much longer than the set is compacted. It is readable for its owner alone, and locked: a second
// process gets a [*LockedError], except where the operating system has no flock.
//
// # Hubs and runtimes
//
// Each region has a [Hub], which listens on a port of its own. Each process has a [Runtime], which
// keeps a stream to the hub of its region and falls back to those of others. [Hub.Kill] sends the
// order to the hubs of all regions and down the stream of each runtime, all at once, and neither
// etcd nor replication has a part in it: a [Store] is told afterwards. Each of them acknowledges when
// the order is in effect, and says whether it is on its disk. What an acknowledgement says is that the
// process, by its id and the random id of its start, refuses the target from now on, and, if it is
// durable, also after a restart without any network.
//
// The [Report] names the runtimes that acknowledged; those that are [Unreachable], known from before
// and not connected; and those that are [Expired], which have been unreachable for long. Neither proves
// that the process stopped, so the report is not complete until somebody has made sure and called
// [Hub.Forget]. It goes on until all have acknowledged or the caller ends it. The order itself is
// spread for as long as it takes: hubs compare hashes every two seconds, and four times a second while a
// peer is away or differs, so that a kill whose origin died half way arrives, and arrives within a
// second of a link's recovery.
//
// A runtime that connects sends the hash of its set, and receives what it misses before it is told that it is
// current, which is when [Runtime.Ready] is closed. If it reaches nobody it starts with what is on its
// disk. [Runtime.First] says which it was.
//
// Without Force, a kill asks all connected runtimes for its [Impact] first, and is refused with a
// [*LastError] if one of them would be left without an implementation. That costs a round trip, and
// whoever does not answer within a second is not waited for. A capability has no other
// implementation by definition: killing it needs Force wherever it is provided.
//
// A hub sends canary kills for a reserved target, one for each region, so that neither the set nor
// [Switch.Killed] notices. They go all the way, onto the disks and back. [CanaryStatus] has their age
// and latency: alert on the age.
//
// # Who may do what
//
// Everything is HTTP/2 with mutual TLS, version 1.3. The certificate of each peer names it in one URI
// among the subject alternative names:
//
//	roster://hub/REGION       takes orders from hubs and operators, and gives them to hubs and runtimes
//	roster://runtime/NAME     receives orders, as the runtime NAME or NAME/…
//	roster://operator/NAME    orders, under that name
//
// Hosts are checked against the certificates' DNS names and addresses as usual. A runtime cannot issue or
// pass on an order, and takes them from nothing but a hub of the region that it meant to reach.
// Without TLS only loopback addresses are used, where everybody on the machine can do everything.
// Requests of browsers are refused in both cases.
//
// Limits: 64 KiB for a line, 10,000 targets in a set of a hub, 256 bytes for each name in a target and
// for the id of a runtime, 512 bytes for a reason, 128 for an author or a region. There is one hub to a
// region; several addresses of it are tried in turn.
//
// # Concurrency properties
//
// All methods of all types are safe for concurrent use.
//
// [Switch.Killed], [Switch.Set], [Switch.Hash] and [Switch.Source] read one atomic pointer each. They
// never wait, allocate nothing, and a call of Killed costs an atomic load and a comparison while no
// kill stands. What one goroutine has seen killed stays so for every later call anywhere, until an
// order of a higher epoch.
//
// An order takes effect in memory before anything is waited for: neither a hook that hangs nor a disk that
// hangs keeps the next order from taking effect. Acknowledgements wait for both. Hooks run one at a
// time, in the order of the changes, on a goroutine that called Apply. Callers that wait for the disk at
// the same time share one fsync.
//
// A hub holds no queue for a runtime: a stream has a place in the hub's journal of what stands, so that one
// that is slow is behind and delays no other. Beside those of net/http, a hub has two goroutines for
// each runtime, one for each peer, one for each peer and two more for each running [Hub.Kill], and at
// most five for itself; a runtime has at most six; a switch with a file has one. Close, or the end of
// Run, waits for all of them.
package kill
