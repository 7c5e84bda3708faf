package pick

import (
	"context"
	"errors"

	"github.com/roster-go/roster/discovery"
)

// A Picked is an instance chosen for one call. It is a small value; copies stand for the
// same call.
type Picked struct {
	pool   *Pool
	member *member
	start  int64 // only with LeastLoaded
}

// Instance is where to call. Its metadata is shared and must not be modified. The zero
// Picked has the zero instance.
func (p Picked) Instance() discovery.Instance {
	if p.member == nil {
		return discovery.Instance{}
	}
	return *p.member.instance
}

// Index is the position of the instance in the list that the pick was made from: the one
// of the last [Pool.Update], or what the balancer's view returned. The zero Picked
// has -1.
func (p Picked) Index() int {
	if p.member == nil {
		return -1
	}
	return p.member.index
}

// Done says that the call has ended. It has to be called once for each Pick. An error
// counts as a failure of the instance, see [Outliers]; so pass nil for errors that
// are an answer, such as "not found". [context.Canceled] counts neither as failure nor as
// success: the caller lost interest.
//
// Called again, also on a copy, Done ends another call of the same instance, if there is
// one, and counts its result. The instance then seems less busy than it is, until it has
// no call in flight; the count never goes below zero. On the zero Picked it does nothing.
func (p Picked) Done(err error) {
	if p.member == nil || !p.member.endpoint.leave() {
		return
	}
	e, result := p.member.endpoint, resultOf(err)
	switch p.pool.policy {
	case leastLoaded:
		now := elapsed()
		e.average.observe(p.pool.latency(e, now-p.start, result), now, p.pool.rate)
	case consistentHash:
		p.pool.placed[p.member.tier].Add(-1)
	default:
	}
	if p.pool.opts.Outliers.Disabled {
		return
	}
	switch result {
	case success:
		e.succeeded()
	case failure:
		p.pool.failed(e)
	case unclear:
	}
}

// A result is what the end of a call says about the instance.
type result uint8

const (
	success result = iota
	failure
	unclear // the caller did not wait for the answer
)

func resultOf(err error) result {
	switch {
	case err == nil:
		return success
	case errors.Is(err, context.Canceled):
		return unclear
	default:
		return failure
	}
}

// latency is what a call that took so long counts as. One without an answer took at least
// as long as usual. Where nothing is usual yet, a failure is taken for very slow, since it
// would be the fastest of all instances that attracts all calls.
func (p *Pool) latency(e *endpoint, took int64, r result) float64 {
	latency := float64(took)
	if r == success {
		return latency
	}
	usual := e.average.last()
	if usual == 0 && r == failure {
		usual = float64(p.opts.Decay)
	}
	return max(latency, usual)
}
