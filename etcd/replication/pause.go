package replication

import "context"

// Pause stops replication in both directions, as if the region could not be reached, until
// [Agent.Resume]: links to other regions are broken off and not made again, and other regions
// are refused with the code [RefusedPaused] and the given reason. The store goes on, and so does
// what is served by [AgentOptions] Handler. What is written meanwhile is shipped afterwards. It
// returns at once; a batch that a stream is storing may still be stored.
func (a *Agent) Pause(reason string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.setPaused(&Refusal{Region: a.store.region, Code: RefusedPaused, Text: reason})
	for _, s := range a.streams {
		s.cancel(a.paused.clone())
	}
}

// Resume ends [Agent.Pause].
func (a *Agent) Resume() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.setPaused(nil)
}

// setPaused is called under the agent's mutex.
func (a *Agent) setPaused(why *Refusal) {
	a.paused = why
	close(a.turned)
	a.turned = make(chan struct{})
}

// pausing returns why replication is paused, or nil, and what is closed when that changes.
func (a *Agent) pausing() (why *Refusal, turned <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.paused.clone(), a.turned
}

// clone keeps streams from sharing a refusal, which each of them completes.
func (r *Refusal) clone() *Refusal {
	if r == nil {
		return nil
	}
	copied := *r
	return &copied
}

// pushUnlessPaused is push, which it breaks off when replication is paused. While it is, it waits.
// resumed tells that the wait is over, so that there is no reason for another pause.
func (k *link) pushUnlessPaused(ctx context.Context, address string, linked func()) (resumed bool, err error) {
	why, turned := k.lead.agent.pausing()
	if why != nil {
		k.disconnected(address, why)
		select {
		case <-turned:
		case <-ctx.Done():
		}
		return true, why
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	defer func() { cancel(nil); <-done }()
	go func() {
		defer close(done)
		select {
		case <-turned:
			if why, _ := k.lead.agent.pausing(); why != nil {
				cancel(why)
			}
		case <-ctx.Done():
		}
	}()
	return false, k.push(ctx, address, linked)
}
