package collector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roster-go/roster"
)

// grace is how long after the end of its context a collector has to return.
const grace = 100 * time.Millisecond

// Gather calls every collector and returns the values sorted by name, no name
// twice. The error joins a [*CollectError] for each collector with which
// something was wrong, sorted by its first name; the results are there all the
// same. A collector one of whose names is suspended (see
// [roster.Directory.Suspend]) is not called. When ctx is done, collectors that were not called yet are not, and
// Gather returns within a tenth of a second, whatever the others do.
func (r *Registry[V]) Gather(ctx context.Context) ([]Result[V], error) {
	g := r.gathering(ctx)
	if len(g.runs) == 0 {
		return nil, nil
	}
	g.hire(min(r.atOnce, len(g.runs)))
	g.supervise()
	g.conclude()

	var errs []error
	for i := range g.runs {
		if err := g.runs[i].fault(); err != nil {
			errs = append(errs, r.failure(g.runs[i].reg, err))
		}
	}
	results := make([]Result[V], 0, len(g.plan.slots))
	for _, s := range g.plan.slots {
		if g.emitted[s.value] {
			results = append(results, Result[V]{Desc: s.desc, Value: g.values[s.value]})
		}
	}
	return results, errors.Join(errs...)
}

// A gathering is one Gather.
type gathering[V any] struct {
	registry *Registry[V]
	ctx      context.Context //nolint:containedctx // it lives as long as the call that it is the context of
	plan     *plan[V]
	runs     []run[V]
	values   []V    // by number; those of a run are guarded by its mutex until it is over
	emitted  []bool // which of them there are

	next atomic.Int64 // the run whose turn it is

	mu     sync.Mutex    // guards active
	active int           // workers that are not held up by a run that was given up
	done   chan struct{} // closed when active comes to 0
}

func (r *Registry[V]) gathering(ctx context.Context) *gathering[V] {
	p := r.planned()
	g := &gathering[V]{
		registry: r, ctx: ctx, plan: p,
		runs:    make([]run[V], len(p.regs)),
		values:  make([]V, len(p.slots)),
		emitted: make([]bool, len(p.slots)),
		done:    make(chan struct{}),
	}
	for i, reg := range p.regs {
		from, to := p.first[i], p.first[i]+len(reg.names)
		g.runs[i].reg, g.runs[i].values, g.runs[i].emitted = reg, g.values[from:to:to], g.emitted[from:to:to]
	}
	return g
}

// supervise waits for the workers. It gives up on the runs that are late, and
// hires another worker in the place of each that has one.
func (g *gathering[V]) supervise() {
	ended, last := g.ctx.Done(), false
	var alarm <-chan time.Time
	if g.registry.timeout > 0 {
		alarm = time.After(g.registry.timeout - shared(g.registry.timeout) + grace)
	}
	for {
		select {
		case <-g.done:
			return
		case <-ended:
			ended, last = nil, true
			alarm = time.After(grace)
		case now := <-alarm:
			if last {
				return
			}
			alarm = time.After(g.giveUp(now).Sub(now))
		}
	}
}

// giveUp ends the runs that are late, and says when to look again.
func (g *gathering[V]) giveUp(now time.Time) (next time.Time) {
	timeout := g.registry.timeout
	next = now.Add(timeout - shared(timeout) + grace) // nothing that starts later is late earlier
	for i := range g.runs {
		due, ok := g.runs[i].due()
		switch {
		case !ok:
		case due.After(now):
			next = earlier(next, due)
		case g.runs[i].giveUp(now, context.DeadlineExceeded):
			g.hire(1)
			g.leave()
		}
	}
	return next
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// conclude ends what is not over when nobody waits any longer.
func (g *gathering[V]) conclude() {
	if g.ctx.Err() == nil {
		return
	}
	now, cause := time.Now(), context.Cause(g.ctx)
	for i := range g.runs {
		g.runs[i].skip(notCalled(cause))
		g.runs[i].giveUp(now, cause)
	}
}

func notCalled(cause error) error { return fmt.Errorf("it was not called: %w", cause) }

// leave counts a worker out.
func (g *gathering[V]) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.active--
	if g.active == 0 {
		close(g.done)
	}
}

func (r *Registry[V]) failure(reg *registration[V], err error) error {
	return &CollectError{
		Registry: r.Name(), Collector: typeOf(reg.collector), Names: slices.Clone(reg.names),
		Registered: reg.site, Err: err,
	}
}

// refusal says why a collector is not to be called, if so.
func (r *Registry[V]) refusal(ctx context.Context, reg *registration[V], now time.Time) error {
	if ctx.Err() != nil {
		return notCalled(context.Cause(ctx))
	}
	if r.closed.Load() {
		return notCalled(fmt.Errorf("the registry was closed: %w", roster.ErrSealed))
	}
	for _, name := range reg.names {
		if err := r.hot.Suspended(name); err != nil {
			return notCalled(err)
		}
	}
	if late := reg.late.Load(); late != nil {
		if started, still := late.since(); still {
			return &LateError{Running: now.Sub(started), Earlier: true}
		}
	}
	return nil
}
