package move

import "time"

// Terms are what all regions agree on about the lease of a home. They compare durations on one
// clock each, never the clocks of two machines.
type Terms struct {
	// TTL is how long a home may accept writes after it sent a request for the lease, or its
	// renewal, that the strong store granted.
	TTL time.Duration
	// Grace is the longest that a write can take from the home's look at its lease to its
	// commit. Give the transaction that deadline, and the store's own bound on top.
	Grace time.Duration
	// Drift is how much faster one monotonic clock can run than another, as a fraction; 0 means
	// 0.01, far more than any quartz.
	Drift float64
}

// Holds tells the home whether its lease lasts. Sent and now are readings of its monotonic clock:
// sent from before the request that was granted last left, not from when the answer came.
func (t Terms) Holds(sent, now time.Duration) bool {
	return now >= sent && now-sent < t.TTL
}

// Wait is how long [WaitOut] takes: afterwards no lease can hold that was granted before the record
// became [Waiting], and everything that was written under one has been committed or never will be.
func (t Terms) Wait() time.Duration {
	drift := t.Drift
	if drift <= 0 {
		drift = 0.01
	}
	return t.TTL + t.Grace + time.Duration(float64(t.TTL+t.Grace)*drift)
}
