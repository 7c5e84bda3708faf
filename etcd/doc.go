// Package etcd keeps the instances of services in etcd: [Backend] is a
// [discovery.Registrar] and a [discovery.Source].
//
//	client, err := etcd.Dial(ctx, []string{"10.0.0.1:2379"}, etcd.DialOptions{})
//	...
//	backend := etcd.New(client, etcd.Options{})
//	announcement, err := backend.Announce(ctx, instances)
//	go view.Run(ctx, backend)
//
// The package embedded runs an etcd inside the process.
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
// Only v and address are required. Readers ignore fields that they do not know, so a field
// may be added under the same version. A value that is not of version 1, not JSON, or not
// a valid instance is skipped: counted in [Status], logged, and treated as absent.
//
// # Leases
//
// An announcement has one lease, and all its keys are attached to it. The lease is renewed
// every third of its time to live, by default every 10 s of 30 s. With each renewal the
// announcement checks that the keys are still attached, so a key that somebody deleted is
// back within 10 s.
//
// When the lease is lost the announcement takes a new one and writes its keys again, those
// that nobody else has taken meanwhile. It tries for ever, with pauses of at most five
// seconds that are drawn at random, so that the processes of a fleet do not all return at
// once.
//
// Closing an announcement revokes the lease. etcd removes the attached keys in the same
// revision. A key is attached to the lease it was last written under, so what a successor
// has written stays.
//
// # Staleness
//
// A watch notices a broken connection at once, a member without a leader when the member
// does, and silence after three heartbeats, 15 to 20 s by default. Until then
// the view counts as fresh. After any loss of contact the watch reads everything again
// rather than resuming: a compacted history, a member restored from a backup and a
// replaced cluster need no treatment of their own.
//
// # Concurrency properties
//
// A [Backend] is safe for concurrent use and has no goroutines of its own. A watch runs on
// its caller's goroutine, with one more that supervises the connection and ends before
// Watch returns. An announcement has one goroutine, which makes all its requests one after
// the other; [discovery.Announcement] Close ends it and waits for it.
//
// The instances of one announcement are written in transactions of up to 32. What is
// written in one transaction appears in one revision. A set that needs more than one, or
// an update that both removes and adds, takes several revisions.
package etcd
