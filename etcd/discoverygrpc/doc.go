// Package discoverygrpc connects gRPC to package discovery: a resolver for targets such as
// roster:///payments, the load balancer "roster" with the policies of package pick, and
// [Serve], which announces a server while it serves.
//
//	resolver, err := discoverygrpc.NewResolver(view, pick.Options{Policy: pick.LeastLoaded})
//	conn, err := grpc.NewClient("roster:///payments", grpc.WithResolvers(resolver), ...)
//
// It works with any [discovery.Source], not only with etcd.
//
// # Service config
//
// The resolver gives each connection a service config that selects the balancer:
//
//	{"loadBalancingConfig": [{"roster": {"policy": "least_loaded"}}]}
//
// A program may choose another with [google.golang.org/grpc.WithDisableServiceConfig] and
// [google.golang.org/grpc.WithDefaultServiceConfig]: the same balancer with other options,
// whose names are those of [Config], or another balancer, which then gets plain addresses.
// The balancer can also be used with another resolver; it then knows addresses only.
//
// # Calls without an instance
//
// A call to a service without an instance fails at once, with the code Unavailable and the
// text of a [pick.NoneError]. With [google.golang.org/grpc.WaitForReady] it waits for an
// instance instead, and has the same text in its error if its context ends before.
//
// # Concurrency properties
//
// A [Resolver] is safe for concurrent use. A connection has one goroutine that follows the
// view, from its first use to its Close. [Serve] has one, which ends before it returns.
package discoverygrpc
