// Package discoverytest is the conformance kit of package discovery: the tests that every
// backend passes. Call [Run] from a test of the backend.
package discoverytest

import (
	"time"

	"github.com/roster-go/roster/discovery"
)

// A Backend is what the kit tests: a store, and the ways to make it fail.
type Backend interface {
	discovery.Registrar
	discovery.Source

	// TTL is the longest that an instance may outlive a crash of its process. The shorter,
	// the faster the tests; waits are bounded by a multiple of it.
	TTL() time.Duration

	// Crash ends the process that announced, as far as the store can tell: nothing renews
	// the lease, and nothing removes the instances.
	Crash(announcement discovery.Announcement)

	// LoseLease revokes the lease of an announcement behind its back.
	LoseLease(announcement discovery.Announcement)

	// Disconnect cuts announcements and watches off from the store, which keeps what it
	// holds except for leases that run out, and drops its history if it has one, so that a
	// watch cannot continue where it was. It returns when they have been cut off.
	Disconnect()

	// Reconnect ends Disconnect. It returns when the store can be reached.
	Reconnect()
}
