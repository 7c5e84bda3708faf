// Package clustertest runs an etcd cluster of real processes on loopback and does to it what
// networks, machines and operators do: it cuts and holds and slows connections, splits a
// member off, kills and restarts members, compacts the history and restores a backup.
//
// [Start] starts the members and waits until they are a cluster. Everything ends with the
// test; when the test failed, it shows what the members logged. [NewLink] is of use on its
// own, too: it stands between any client and any server.
//
// # What stands between whom
//
// Every member has one [Link] in front of its client port. The members advertise their
// links, so clients that follow the member list stay behind them. [Cluster.DirectEndpoint]
// leads past the link; the harness itself asks there, so a fault of a link does not stop it.
//
// For each ordered pair of members there is a Link, too, so a member can be cut off from
// others in one direction or in both. A peer URL is the same for all who dial it and does
// not tell them apart, so the pairs are told apart at the other end: the members advertise
// peer URLs at addresses that nobody has (192.0.2.0/24, RFC 5737), and each member reaches
// those only through a gateway of its own, a SOCKS proxy that etcd's HTTP transport takes
// from the environment. The gateway passes a connection from member i to member j into the
// link of that pair. This needs no root, no packet filter and no network namespace.
//
// [Cluster.Isolate] holds the links of a member in both directions, as a network does that
// drops packets: its connections stay open and go silent. Its client port stays reachable
// through its client link: it is the minority side of a partition.
//
// Members listen on ports below those that the system gives to outgoing connections, so no
// such connection takes the port of a member that is down.
//
// # Concurrency properties
//
// A [Link] is safe for concurrent use. When Cut or Hold has returned, the link writes not
// one more byte until Mend. Bytes of one direction of one connection come out in the
// order in which they came in, whatever the delay; between connections there is no order.
// A Link has one goroutine that accepts and up to five per connection; the end of the test
// ends them all and waits for them.
//
// The methods of a [Cluster] fail the test with FailNow, so they belong to the test's
// goroutine. Those that only name something, from Endpoint to PID, may be called from any.
// A member has one goroutine that waits for its process and one for its gateway, and ends
// when the test's process does, because it reads its standard input.
package clustertest
