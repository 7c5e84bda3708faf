package pick

import (
	"sync/atomic"

	"github.com/roster-go/roster/discovery"
)

// An endpoint is what a pool knows about one instance from its own calls. It outlives the
// lists of instances.
type endpoint struct {
	key      endpointKey
	inFlight atomic.Int64 // never negative
	average  average      // of the latency; only with LeastLoaded
	failures atomic.Int64 // in a row, since the last ejection

	// until is when the ejection ends, 0 if the endpoint is not ejected. It is written
	// under Pool.mu, together with a new state of the pool.
	until atomic.Int64

	// ejections counts those in a row, up to maxEjections. It grows under Pool.mu.
	ejections atomic.Int64
}

type endpointKey struct{ id, address string }

func keyOf(i *discovery.Instance) endpointKey { return endpointKey{i.ID, i.Address} }

// enter counts a call if there are fewer than limit.
func (e *endpoint) enter(limit int64) bool {
	for {
		n := e.inFlight.Load()
		if n >= limit {
			return false
		}
		if e.inFlight.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// leave ends a call. It reports false if there is none: somebody ended one twice.
func (e *endpoint) leave() bool {
	for {
		n := e.inFlight.Load()
		if n <= 0 {
			return false
		}
		if e.inFlight.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

func (e *endpoint) ejected() bool { return e.until.Load() != 0 }

// cheaper tells whether e costs less than other: its average latency, decayed to now, times
// the calls in flight plus one. Both have decayed for the same time since the later of
// the two was right, so only the time between them matters, and not what time it is.
//
// An endpoint that has never answered costs nothing while nobody waits for it, so that it is
// tried, and most while somebody does, so that not all calls pile up on an instance that
// may never answer.
func (e *endpoint) cheaper(other *endpoint, rate float64) bool {
	const (
		unknown = 1 << 62    // a century and a half in nanoseconds
		brief   = 1.0 / 1024 // of the time constant: changes the cost by a thousandth
	)
	mine, others := e.average.last(), other.average.last()
	waiting, othersWaiting := float64(e.inFlight.Load()), float64(other.inFlight.Load())
	if mine == 0 || others == 0 {
		if mine == 0 {
			mine, waiting = unknown, waiting-1
		}
		if others == 0 {
			others, othersWaiting = unknown, othersWaiting-1
		}
		return mine*(waiting+1) < others*(othersWaiting+1)
	}
	mine, others = mine*(waiting+1), others*(othersWaiting+1)
	age := other.average.stamp.Load() - e.average.stamp.Load()
	switch x := float64(age) * rate; {
	case x > brief:
		mine *= weight(age, rate)
	case x < -brief:
		others *= weight(-age, rate)
	}
	return mine < others
}
