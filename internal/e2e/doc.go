// Package e2e drives the real program from outside: the documents, the daemon,
// several daemons on one etcd, and processes that are killed. It holds tests
// only and is never published.
package e2e
