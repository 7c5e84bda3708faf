package subject

import "context"

// An outcome is what became of a message at one subscription.
type outcome int

const (
	taken   outcome = iota + 1 // handled here, or in the queue
	full                       // there is no room; only if it may not wait
	dropped                    // by policy
	refused                    // the subscription has ended, or is suspended
	gaveUp                     // the publisher's context ended while it waited for room
)

// deliver hands a letter to the subscription. If its queue is full, patient tells
// to do what the policy says.
func (s *Subscription[T]) deliver(l letter[T], patient bool) (outcome, error) {
	if s.policy == 0 {
		return s.handle(l)
	}
	s.mu.Lock()
	for !s.ended && s.waiting.full() {
		switch {
		case !patient:
			s.mu.Unlock()
			return full, nil
		case s.policy == DropNewest:
			s.dropped++
			s.mu.Unlock()
			return dropped, nil
		case s.policy == DropOldest:
			s.waiting.pop()
			s.dropped++
		case s.policy == Evict:
			s.dropped++
			evicted := &EvictedError{
				Bus: s.bus.Name(), Subscription: s.name, Site: s.site,
				Subject: l.message.Subject, Pending: s.waiting.count,
			}
			s.mu.Unlock()
			if s.end(evicted) {
				s.bus.report(s.failure(l.message.Subject, evicted))
			}
			return dropped, nil
		default:
			if err := s.waitForRoom(l.ctx); err != nil {
				s.mu.Unlock()
				return gaveUp, err
			}
		}
	}
	defer s.mu.Unlock()
	if s.ended {
		return refused, nil
	}
	s.waiting.push(l)
	s.offerRoom()
	if !s.working {
		s.working = true
		go s.work()
	}
	return taken, nil
}

// waitForRoom waits until there may be room or the subscription ended. The caller
// holds s.mu, which is released in between.
func (s *Subscription[T]) waitForRoom(ctx context.Context) error {
	s.blocked++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.blocked--
	}()
	select {
	case <-s.room:
	case <-s.ending:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// offerRoom wakes a blocked publisher if there is room, which wakes the next one.
// The caller holds s.mu.
func (s *Subscription[T]) offerRoom() {
	if s.blocked == 0 || s.waiting.full() {
		return
	}
	select {
	case s.room <- struct{}{}:
	default: // one is being woken already
	}
}

// handle calls the handler in the publisher's goroutine.
func (s *Subscription[T]) handle(l letter[T]) (outcome, error) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return refused, nil
	}
	s.running++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.running--
		s.settle()
		s.mu.Unlock()
	}()
	return taken, s.call(l.ctx, l.message)
}

// work serves the queue until it is empty. It has its own goroutine.
func (s *Subscription[T]) work() {
	ctx, giveUp := context.WithCancelCause(context.Background())
	s.mu.Lock()
	s.giveUp = giveUp
	s.mu.Unlock()
	defer func() {
		giveUp(nil)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.giveUp = nil
		if s.waiting.count > 0 { // it came just now, or the handler ended the goroutine
			go s.work()
			return
		}
		s.working = false
		s.settle()
	}()
	for more := true; more; {
		more = s.workOnce(ctx)
	}
}

// workOnce handles the oldest message of the queue, if there is one.
func (s *Subscription[T]) workOnce(ctx context.Context) bool {
	s.mu.Lock()
	l, ok := s.waiting.pop()
	if !ok {
		s.mu.Unlock()
		return false
	}
	s.running++
	s.offerRoom()
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.running--
		s.mu.Unlock()
	}()
	if err := s.bus.subs.Suspended(s.name); err != nil {
		s.mu.Lock()
		s.dropped++
		s.mu.Unlock()
		s.bus.report(s.failure(l.message.Subject, err))
		return true
	}
	if err := s.call(handling{ctx, context.WithoutCancel(l.ctx)}, l.message); err != nil {
		s.bus.report(s.failure(l.message.Subject, err))
	}
	return true
}
