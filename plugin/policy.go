package plugin

import (
	"math/rand/v2"
	"time"
)

// A policy holds the constants of supervision. They are no options: one good
// value serves everybody, and tests need faster ones.
type policy struct {
	backoffMin, backoffMax time.Duration // before the first and the following restarts
	steady                 time.Duration // ready for so long, a process has earned a fresh start
	crashLimit             int           // so many crashes …
	crashWindow            time.Duration // … within so long are a crash loop
	healthInterval         time.Duration
	healthTimeout          time.Duration
	healthMisses           int           // in a row, before the process is killed
	maxTerminateGrace      time.Duration // from SIGTERM to SIGKILL, at most
	circuitFailures        uint32        // in a row, before a circuit is open
	circuitPause           time.Duration // while it is
	circuitPatience        time.Duration // that a call must have had for its deadline to count as a failure
	reachTimeout           time.Duration // for an endpoint to be reached
	retryPause             time.Duration // before a call looks again for a provider that took it
}

func defaultPolicy() policy {
	return policy{
		backoffMin:        100 * time.Millisecond,
		backoffMax:        30 * time.Second,
		steady:            time.Minute,
		crashLimit:        10,
		crashWindow:       time.Minute,
		healthInterval:    5 * time.Second,
		healthTimeout:     2 * time.Second,
		healthMisses:      3,
		maxTerminateGrace: 2 * time.Second,
		circuitFailures:   5,
		circuitPause:      5 * time.Second,
		circuitPatience:   time.Second,
		reachTimeout:      5 * time.Second,
		retryPause:        50 * time.Millisecond,
	}
}

// backoff is how long to wait before restart n, counted from 0: exponential
// with full jitter, as in "Exponential Backoff And Jitter" (Brooker, 2015).
func (p policy) backoff(n int) time.Duration {
	ceiling := p.backoffMax
	if n < 20 { // beyond, the shift would exceed any sensible maximum
		ceiling = min(ceiling, p.backoffMin<<n)
	}
	return rand.N(ceiling) + time.Millisecond
}

// A crashHistory decides when restarting is pointless.
type crashHistory struct{ at []time.Time }

// add records a crash and reports whether it makes a loop.
func (c *crashHistory) add(now time.Time, p policy) bool {
	c.at = append(c.at, now)
	if len(c.at) > p.crashLimit {
		c.at = c.at[len(c.at)-p.crashLimit:]
	}
	return len(c.at) == p.crashLimit && now.Sub(c.at[0]) <= p.crashWindow
}
