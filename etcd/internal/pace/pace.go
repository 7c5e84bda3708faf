// Package pace says how long requests to a store may take and how attempts are spaced out.
//
// # Concurrency properties
//
// A [Backoff] belongs to one goroutine. The functions are safe for concurrent use.
package pace

import (
	"context"
	"math/rand/v2"
	"time"
)

// RequestTimeout bounds a single request, which otherwise waits for as long as there is no
// connection.
const RequestTimeout = 5 * time.Second

// A Backoff spaces out attempts: exponential, with full jitter in the upper half, so that a
// fleet does not return to a restarted store in one wave.
type Backoff struct {
	failures int
}

const (
	minPause = 50 * time.Millisecond
	maxPause = 2 * time.Second
)

// Reset makes the next pause a short one.
func (b *Backoff) Reset() { b.failures = 0 }

// Next gives the pause before the next attempt.
func (b *Backoff) Next() time.Duration {
	pause := maxPause
	if shifted := minPause << b.failures; shifted < maxPause {
		pause = shifted
		b.failures++
	}
	return pause/2 + rand.N(pause/2)
}

// Jitter returns d give or take a tenth, so that what many processes do at intervals does
// not fall into step.
func Jitter(d time.Duration) time.Duration {
	const share = 10
	return d - d/share + rand.N(2*d/share+1)
}

// Sleep waits for d, or until ctx ends, which it reports as false.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
