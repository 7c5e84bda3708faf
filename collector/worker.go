package collector

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// A worker makes calls, one after the other, on a goroutine. When one of them is
// given up, the worker goes when that returns.
type worker[V any] struct {
	g       *gathering[V]
	current atomic.Pointer[run[V]]

	// Collectors that are called shortly one after the other share a context.
	ctx      context.Context //nolint:containedctx // it is the one handed to collectors, replaced as its time passes
	cancel   context.CancelFunc
	made     time.Time
	deadline time.Time
}

// shared is for how long a context is handed out: a hundredth of its time, since
// making one takes longer than most collectors do.
func shared(timeout time.Duration) time.Duration { return timeout / 100 }

// hire starts n workers.
func (g *gathering[V]) hire(n int) {
	g.mu.Lock()
	g.active += n
	g.mu.Unlock()
	workers := make([]worker[V], n)
	g.registry.mu.Lock()
	for i := range workers {
		g.registry.workers[&workers[i]] = struct{}{}
	}
	g.registry.mu.Unlock()
	for i := range workers {
		w := &workers[i]
		w.g, w.cancel = g, func() {}
		go w.work() // Close waits for it
	}
}

// work makes calls until there is none left.
func (w *worker[V]) work() {
	finished := false
	defer func() {
		held := w.current.Load()
		switch {
		case held != nil && held.wasGivenUp():
			w.quit()
		case finished:
			w.quit()
			w.g.leave()
		default: // a collector ended this goroutine
			go w.work()
		}
	}()
	for w.call() {
	}
	finished = true
}

// call makes the next call, and reports whether to go on.
func (w *worker[V]) call() bool {
	i := int(w.g.next.Add(1)) - 1
	if i >= len(w.g.runs) {
		return false
	}
	c, now := &w.g.runs[i], time.Now()
	if err := w.g.registry.refusal(w.g.ctx, c.reg, now); err != nil {
		c.skip(err)
		return true
	}
	w.renew(now)
	if !c.start(now, w.deadline) {
		return true
	}
	w.current.Store(c)
	c.run(w.ctx, w.g.registry.Name())
	return !c.wasGivenUp()
}

// renew makes sure that the context has its full time left, or almost.
func (w *worker[V]) renew(now time.Time) {
	timeout := w.g.registry.timeout
	switch {
	case w.ctx != nil && (timeout <= 0 || now.Sub(w.made) <= shared(timeout)):
	case timeout <= 0:
		w.ctx, w.cancel = context.WithCancel(w.g.ctx)
	default:
		w.cancel()
		w.made, w.deadline = now, now.Add(timeout)
		w.ctx, w.cancel = context.WithDeadline(w.g.ctx, w.deadline)
	}
}

func (c *run[V]) wasGivenUp() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == givenUp
}

// quit ends the worker.
func (w *worker[V]) quit() {
	w.cancel()
	r := w.g.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.workers, w)
	if len(r.workers) == 0 && r.idle != nil {
		close(r.idle)
		r.idle = nil
	}
}

// stillRunning is the error of a Close that waited in vain. The caller holds
// r.mu.
func (r *Registry[V]) stillRunning(cause error) error {
	type straggler struct {
		*run[V]
		started time.Time
	}
	var calls []straggler
	for w := range r.workers {
		if c := w.current.Load(); c != nil {
			if started, ok := c.since(); ok {
				calls = append(calls, straggler{c, started})
			}
		}
	}
	slices.SortFunc(calls, func(a, b straggler) int {
		return cmp.Or(strings.Compare(a.reg.names[0], b.reg.names[0]), a.started.Compare(b.started))
	})
	errs := make([]error, len(calls))
	for i, c := range calls {
		errs[i] = r.failure(c.reg, &LateError{Running: time.Since(c.started), Cause: cause})
	}
	return errors.Join(errs...)
}
