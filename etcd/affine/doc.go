// Package affine keeps namespaces that live in one region and can move to another: a small
// directory in the strong store says where, and the contents stay in the home's own etcd.
//
//	store := strong.New(etcdstrong.New(global, etcdstrong.Options{})) // over all regions
//	go store.Run(ctx)
//	region, err := affine.NewRegion("eu", local, store, affine.Options{})
//	go region.Warden(ctx) // in at least one process of each region
//
//	orders := region.Namespace("orders")
//	_, err = orders.Put(ctx, "4711", order) // one transaction of this region's etcd
//
// In any other region than the home the error is a [*NotHomeError] that names the home. A
// [Mover] moves a namespace in a planned way, which loses nothing, or by force when the home is
// dead. What a move is made of, and in which order, is the package
// [github.com/roster-go/roster/replica/move], whose tests explore all states that it can get
// into; this package does the steps.
//
// # Who may write
//
// A write is one transaction of the region's own etcd, and counts if three things hold:
//
//  1. The guard of the namespace there is open at the epoch that the writer saw. A planned move
//     closes it in the old home, in one transaction, and every write that comes later is
//     refused. This needs no clock.
//  2. The writer has a proof: a quorum of the strong store has told it that the region is the
//     home at that epoch, in answer to a question that it sent at a time t0 of its own
//     monotonic clock; see [strong.View.AsOf]. The answer of the region's etcd has to come
//     before t0+TTL+Grace, or a newer proof of the same epoch has to be there. Otherwise the
//     write is an [*InDoubtError], never a success.
//  3. The key affine-alive is there. It hangs on a lease that the region's warden renews only
//     right after it has written to the strong store.
//
// A forced failover first makes the record say that nobody is the home, which ends new proofs,
// and then waits for (TTL+Grace)·(1+Drift) by its own clock, from when it has read that record.
// A proof that was given before has its t0 before that moment, so it ends TTL+Grace after it at
// the latest, by the writer's clock, and therefore before the wait does, as long as no two
// clocks run at rates that differ by more than Drift: with the default terms 5 %, and quartz
// clocks differ by less than 0.02 %. No clock is read by two machines.
//
// The first two are what the promises rest on. The third makes it harder for a write to be made
// that nobody is told of. It promises no more, because an etcd lease is no bound for the
// outside: whenever the members elect a leader, it extends all leases by their full time and an
// election timeout, and a stopped process that goes on handles the requests that wait for it,
// renewals too, before it notices that the lease had run out.
//
// Reads follow the same rules, without the third, so that a Get is of the present: no write
// that was acknowledged anywhere before it was called is missing. [Namespace.Peek] reads what
// is in this region's etcd, whatever it is.
//
// # Assumptions
//
//   - Monotonic clocks run at rates that differ by at most Drift. A machine that is suspended
//     as a whole and goes on later, as virtual machines can be, has a clock that stood still:
//     do not suspend machines with processes of a home, or restart these processes. What such a
//     process writes goes into its own region's etcd, and nowhere else, but it may tell a
//     caller that it counts. Stopped processes are no such case.
//   - The etcd of a region keeps what it acknowledged. One that was restored from an old backup
//     has an old guard and refuses writes as long as the namespace has another home, or another
//     epoch. If it is still the home at the same epoch, it serves the old contents: force the
//     namespace away and create it again, or accept them.
//   - All processes go through this package, with the same terms. Terms are written once, by
//     [Directory.Setup].
//
// # Moves
//
// [Mover.Move] copies ahead while the home still serves, then closes the home, copies what has
// changed since, compares digests, flips the record and opens the new home. From the closing to
// the opening nobody accepts writes. Any process that reaches both regions and the strong store
// can do it; one that dies anywhere leaves a record that says what is next, for [Mover.Resume]
// to go on with or [Mover.Abort] to go back. A mover that was overtaken finds a higher guard,
// and can do no harm.
//
// [Mover.Force] makes a region the home without the old one's help. The new home starts with the
// standby copy that [Mover.Follow] keeps in its region, if there is a complete one of the home
// that is deposed, and empty otherwise. What the old home had acknowledged after the copy's last
// round is missing until people bring it back. When the old home returns it refuses writes, and
// its warden moves its contents to affine-orphans/{namespace}/{epoch}/. A standby copy is of no
// single moment: each item is as it was at some time in the last round.
//
// # Limits
//
// A key is not empty; a value has at most 512 KiB. A move reads each item twice and keeps a
// hash of it in memory. Entries have no versions of their own: a compare-and-set that spans a
// move belongs into the strong store. Each process of a region has a view of the strong store,
// and asks the quorum once per heartbeat.
//
// # Layout
//
// In the strong store: affine/terms, affine/regions (their numbers), affine/alive/{region} and
// affine/namespaces/{namespace}, in JSON. In a region's etcd, after the prefix:
// affine/{namespace}/{key}, as it was put; affine-guards/{namespace};
// affine-orphans/{namespace}/{epoch}/{key}, with the epoch under which they were set aside;
// affine-alive; and the same again under affine-standby/ for standby copies.
//
// # Concurrency properties
//
// [Region], [Namespace], [Directory] and [Contents] are safe for concurrent use and have no
// goroutines. [Region.Warden] has one more, which ends before it returns; [Mover.Follow] has none. A [Mover] may be used
// by several goroutines at once, after Observe.
package affine
