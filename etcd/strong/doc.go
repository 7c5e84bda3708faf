// Package strong is the engine of a [strong.Store] over an etcd cluster that is stretched over
// regions: its members are in different regions, so that a quorum of it is a quorum of them.
//
//	client, err := etcd.Dial(ctx, []string{"10.1.0.1:2379"}, etcd.DialOptions{}) // of this region
//	...
//	store := strong.New(etcdstrong.New(client, etcdstrong.Options{}))
//	go store.Run(ctx)
//
// The contract, and what a program can rely on without a quorum, is in the package
// [github.com/roster-go/roster/replica/strong]. This comment says what etcd makes of it.
//
// # The cluster
//
// Put an odd number of members into as many regions: three regions lose one and go on, two
// regions cannot lose the one that has the majority. Members in different regions need longer
// timeouts than etcd's own: a heartbeat of about the round trip between the regions, and an
// election timeout of ten times that, for example --heartbeat-interval=100
// --election-timeout=1000 for 100 ms. Use another cluster for what belongs to one region.
//
// Give a client the endpoints of the members in its own region. Reads that need a quorum and
// writes then travel through that member, and the view is fed by it; a client with the
// endpoints of all regions takes turns between them, near and far.
//
// # What it costs
//
// With a round trip of r between the regions, a write takes r at the region of the leader,
// and 2r elsewhere; a linearizable read costs r there, and r to 2r elsewhere. A read of the
// view costs the lookup in a map, and [strong.Store.Local] a reading of the clock on top. The
// proof of freshness is one linearizable read per heartbeat and process.
//
// When the leader's region is lost, the others elect a new leader after an election timeout:
// no writes for one to three seconds with the timeouts above.
//
// # Outcomes
//
// Every request asks the member to refuse at once if it has no leader, so on the minority side
// errors come within an election timeout and not when the request times out. The engine
// knows whether a request was sent: one that never found a connection failed and is not in
// doubt. What was sent and got no answer, or one that leaves it open (etcd's timeouts, a member
// that stopped), is an InDoubtError.
//
// A value may be as large as etcd's --max-request-bytes, 1.5 MiB by default, less some overhead.
//
// # Layout
//
// The key k is at strong/k, after the prefix if one is set. The value is stored as it is.
//
// # Concurrency properties
//
// An [Engine] is safe for concurrent use. It has goroutines while [Engine.Watch] runs, those
// of the package follow, and they end before it returns.
package strong
