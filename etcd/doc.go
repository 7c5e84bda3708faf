// Package etcd keeps the instances of services in etcd: [Backend] is a
// [discovery.Registrar] and a [discovery.Source].
//
//	client, err := etcd.Dial(ctx, []string{"10.0.0.1:2379"}, etcd.DialOptions{})
//	...
//	backend := etcd.New(client, etcd.Options{})
//	announcement, err := backend.Announce(ctx, instances)
//	go view.Run(ctx, backend)
//
// The package embedded runs an etcd inside the process. The package strong is a store that is the
// same in all regions, and affine keeps namespaces that live in one region and can move.
//
// # Layout
//
// An instance is at services/{name}/{instance_id}, after the prefix if one is set. The
// value is JSON:
//
//	{
//	  "v": 1,
//	  "address": "10.0.0.7:7070",
//	  "region": "eu", "zone": "a", "version": "v1.4.0",
//	  "metadata": {"weight": "3"}
//	}
//
// Only v and address are required; "draining": true marks an instance that is leaving. JSON
// was chosen over protobuf so that etcdctl shows what is there, and people can write it.
// Readers ignore fields that they do not know, so a field may be added under the same
// version. A value that is not of version 1, not JSON, or not a valid instance is skipped:
// counted in [discovery.WatchStatus], logged, and treated as absent.
//
// Values of etcd's own package naming/endpoints under the same keys are read as well. With
// [Options.Endpoints] what is written is both: that package ignores the fields of this one,
// finds its own field Addr, and so etcd's gRPC resolver works with the target
// etcd:///services/{name}.
//
// The key roster/cluster_id, after the prefix, holds a random text that the first
// announcement writes. Together with etcd's own cluster id it tells a store from another.
//
// # Leases
//
// An announcement has one lease, and all its keys are attached to it. The lease is renewed
// every third of its time to live, by default every 10 s of 30 s. With each renewal the
// announcement checks that the keys are still attached, so a key that somebody deleted is
// back within 10 s.
//
// A store that was restored from a backup may have the lease still, and under it what has
// been removed or changed since: a renewal that finds the store's history to have gone back
// writes everything again, and one that finds keys under the lease that are not wanted removes
// them.
//
// When the lease is lost the announcement takes a new one and writes its keys again, those
// that nobody else has taken meanwhile. It tries for ever, with pauses of at most two
// seconds that are drawn at random, so that the processes of a fleet do not all return at
// once. Nothing goes by the wall clock, so that it may jump.
//
// Closing an announcement marks its instances as draining, which tells a farewell from an
// expiry, and revokes the lease. etcd removes the attached keys in the same revision. A key
// is attached to the lease it was last written under, so what a successor has written stays.
//
// # The watch
//
// All watches of a backend share one watch of the store. It reads everything once, in pages
// at one revision, and follows the changes from the next.
//
// Every heartbeat, 1 s by default, it asks the store for its latest revision. Only a member
// that a quorum follows can answer. It then expects the watch to deliver up to that revision,
// and asks for a sign of life if nothing comes. So an idle watch can be told from a dead one:
//
//   - A broken connection makes the view stale at once.
//   - A store that does not answer, or answers on the wrong side of a partition, makes it
//     stale within 3 s, as does a watch that falls behind: a question comes at most 1.1
//     heartbeats after the one before was settled, and answer and delivery together may take
//     1.5 s, or one heartbeat if that is longer. With a heartbeat of h above 1.5 s the bound
//     is 2.1 h. The watch is replaced when it has been behind for three times as long as it may.
//   - A watch that delivers what it had passed already, or is of another cluster, is replaced
//     after everything was read again.
//   - [Backend.WatchStatus] has the lag: the time from the question to the delivery of its
//     answer, on one clock.
//
// After a loss of contact the watch continues from the revision it had, if the store proves
// to have the same history: the same cluster id and roster/cluster_id, elections and revisions
// that did not go back, as many instances at that revision, and the latest write that still
// stands under the same lease. Otherwise, and after a compaction, it reads everything again.
// What this could mistake, a store restored from a backup that differs only by removals
// which happen to even out, and what an etcd that drops events hides, the relist finds: every
// ten minutes, give or take a tenth, everything is read again beside the watch.
//
// # Concurrency properties
//
// A [Backend] is safe for concurrent use. While anything is watched it has one goroutine for
// the watch, one that supervises the connection, and one for each question and each full read;
// they end before the last Watch returns. An announcement has one goroutine, which makes all its requests one after
// the other; [discovery.Announcement] Close ends it and waits for it.
//
// The instances of one announcement are written in transactions of up to 32. What is
// written in one transaction appears in one revision. A set that needs more than one, or
// an update that both removes and adds, takes several revisions.
package etcd
