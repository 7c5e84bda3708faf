// Package discovery holds end-to-end tests of service discovery: real etcd members, real
// processes that announce and serve, and the faults of networks, machines and operators.
//
// # Concurrency properties
//
// The package has no code but tests.
package discovery
