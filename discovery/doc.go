// Package discovery finds the instances of a service: processes announce what they serve,
// and every reader holds a local view of all of it.
//
// The package is the contract. [Registrar] is the writing half and [Source] the reading
// half of a backend; [View] is what programs read from. [Memory] is a backend inside one
// process, for tests and for programs that have only one; the module etcd has the one for
// fleets. The package discoverytest is the test suite that both pass, and that a backend
// of your own should pass.
//
// # Announce
//
// A process announces everything it serves at once, under one lease:
//
//	announcement, err := registrar.Announce(ctx, []discovery.Instance{{
//		Service: "image.thumbnail", ID: "host-a", Address: "10.0.0.7:7070",
//	}})
//
// The lease is renewed in the background. A process that crashes stops renewing, and its
// instances vanish when the lease runs out. A process that only lost its lease, because
// the store was away or somebody revoked it, takes a new one and announces again, for
// ever. [Announcement.Close] marks the instances as draining and removes them at once.
// [Serve] does all of it for a server, in the order that leaves no caller with a closed port.
//
// A key has one owner. Who announces a key takes it over, so that a restarted process does
// not wait for its predecessor's lease, and from then on the predecessor can neither
// change nor remove it. Registering again after a lost lease takes over nothing.
//
// # Read
//
// A view follows a source. Reading it touches neither the store nor a lock:
//
//	view := discovery.NewView()
//	go view.Run(ctx, source)
//	<-view.Ready()
//	instances := view.Get("image.thumbnail")
//
// [View.Changes] yields the differences, for programs that keep connections of their own in
// step. The package pick chooses among the instances, discoveryhttp does so for net/http, and
// the module etcd has a resolver and a balancer for gRPC.
//
// A process needs one view, and a hundred cost the store no more: see [Shared].
//
// # Consistency
//
// The store orders all changes by a revision. For a view that is filled by one [Source]
// and its readers the following holds.
//
//   - Whole revisions. A reader of [View.Get] sees a service, and of [View.All] all
//     services, as they were at one revision. Changes that the store made in one revision
//     appear together. Two calls of Get may see two different revisions.
//   - Order. From one resync to the next the revision a reader sees only grows. A view may
//     skip states; it never shows an older one after a newer one. After a resync it may show
//     an older one, but only if the store itself went back, because it was restored
//     from a backup or replaced; [ViewStatus] tells the revision.
//   - No phantom, no loss. After a reconnect the source proves that the store still has the
//     history that the view has seen, and continues where it was; otherwise it resyncs.
//     After a resync the view is exactly the store's content at the revision of the resync,
//     whatever happened in between: a lost connection, a compaction of the store's history,
//     a restart. What disappeared meanwhile is removed, what appeared is added, and what
//     is equal is not reported to [View.Changes] again.
//   - Events that the store dropped. A source may read everything again now and then, to find
//     what no event told. [WatchStatus] counts the instances that such a read put right.
//   - Staleness. While the source is in contact, the view is behind the store by the time a
//     change takes to travel. When contact is lost the view keeps its last state and says
//     so: [ViewStatus] has Stale, since when, and why. How long a loss of contact can go
//     unnoticed is stated by each backend. A stale view may show instances that are gone,
//     for as long as it is stale.
//   - Liveness. An instance in the view is one whose lease had not run out at the view's
//     revision. It says nothing about whether the process answers: callers must be ready
//     for an instance that does not.
//   - Exceptions, all switched on by the program and all shown in [ViewStatus]. A view with
//     [KeepCopy] shows, before its first Sync, what another run of the program last saw. A
//     view with [Protect] holds instances back that expired in great numbers at once, for a
//     bounded time. A view with [Hide] or [HideKilled] leaves instances out.
//   - Changes. Applying each batch of [View.Changes] to the one before gives exactly the
//     view at the batch's revision. Removals come before additions.
//
// Before the first Sync a view is empty, unless it has a copy, not ready, and stale.
//
// # Concurrency properties
//
// All methods of all types are safe for concurrent use.
//
// [View.Get], [View.All] and [View.Services] read one atomic pointer. They never wait for a
// writer, and writers never wait for them. The slices they return are immutable and shared;
// a later state is another slice.
//
// The source's calls run on the goroutine of [View.Run], and a loop over [View.Changes] on its
// own. A view with [KeepCopy] or [Protect] has one more goroutine while Run runs, and any
// other view none. A [Shared] has one while it has a sink. No user code runs while the view holds its lock,
// but the functions of [Hide], so a loop over Changes may call every method of the view and
// take as long as it likes.
//
// A [Memory] uses timers and no goroutines of its own. An announcement's timers end with
// Close.
package discovery
