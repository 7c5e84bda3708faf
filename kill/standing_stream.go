package kill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// A standing is the stream of a runtime to one hub. What arrives takes effect at once, on the
// goroutine that reads; hooks and the disk are waited for on another, which acknowledges for all
// that has arrived in the meantime.
type standingStream struct {
	*stream
	r      *Runtime
	source string

	mu      sync.Mutex // guards the fields below
	taken   taken      // the latest
	seq     uint64     // the latest place in the journal that is in effect
	current bool       // the hub has said that there is no more
	refused int

	wake chan struct{} // there is something to acknowledge
	asks chan count
	done chan struct{} // closed when the reading has ended
}

// follow connects to a hub and stays until the stream ends. current is whether the hub got as far
// as saying that the set is.
func (r *Runtime) follow(ctx context.Context, l *line, home bool) (current bool, err error) {
	// The stream outlives ctx for as long as it takes to say goodbye.
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	opened := context.AfterFunc(ctx, cancel)
	raw, err := l.open(life, pathRuntime, message{Hello: &hello{
		ID: r.options.ID, Boot: r.options.Boot, Region: r.options.Region, Hash: r.sw.Hash(), Durable: r.sw.Durable(),
	}})
	if err != nil {
		return false, err
	}
	defer raw.close()
	opened()
	s := &standingStream{stream: raw, r: r, wake: make(chan struct{}, 1), asks: make(chan count, 16), done: make(chan struct{})}
	if s.source = peerSource(l.peer.Region); l.peer.Region == r.options.Region || home && l.peer.Region == "" {
		s.source = hubSource(l.peer.Region)
	}
	defer r.sw.whenMended(s.poke)()

	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	defer close(s.done)
	work.Go(func() { s.acknowledge(life) })
	work.Go(func() { s.answer(life) })
	work.Go(func() {
		select {
		case <-life.Done():
		case <-ctx.Done():
			s.leave()
			cancel()
		}
	})
	work.Go(func() {
		if r.awaitHome(life, l) {
			cancel()
		}
	})
	// A hub that accepts and says nothing is none.
	mute := time.AfterFunc(helloTimeout, cancel)
	defer mute.Stop()
	r.connected(l.peer.Region, false)
	for {
		m, err := s.receive()
		if err != nil {
			return current, fmt.Errorf("kill: the hub of region %q: %w", l.peer.Region, err)
		}
		s.take(m)
		if m.Current != nil {
			mute.Stop()
			current = true
			r.connected(l.peer.Region, true)
		}
	}
}

// take makes what a message brings effective.
func (s *standingStream) take(m message) {
	if m.Count != nil && m.Count.Target.Validate() == nil {
		select {
		case s.asks <- *m.Count:
		default: // whoever asks will say that this runtime was silent
		}
	}
	orders, refused := m.orders()
	if refused > 0 {
		s.r.log.Error("kill: orders that this program is too old for", "orders", refused)
	}
	// Also without orders: what is acknowledged is the whole set, and some of it may have come another
	// way and not be on disk yet.
	got, err := s.r.sw.take(s.source, orders)
	if err != nil {
		s.r.log.Error("kill: orders are refused", "error", err)
	}
	s.mu.Lock()
	s.current = s.current || m.Current != nil
	s.refused += refused
	s.taken.upTo = max(s.taken.upTo, got.upTo)
	s.seq = max(s.seq, m.Seq)
	s.mu.Unlock()
	if m.Seq > 0 || m.Current != nil {
		s.poke()
	}
}

func (s *standingStream) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// acknowledge waits for hooks and disk, and says how far the runtime is.
func (s *standingStream) acknowledge(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		s.mu.Lock()
		got, seq, current, refused := s.taken, s.seq, s.current, s.refused
		s.mu.Unlock()
		if current {
			// What is killed is kept from being used by hooks as well. The disk is not waited for.
			s.r.sw.tell()
			s.r.begin(First{Source: s.source, Confirmed: true})
		}
		receipt, err := s.r.sw.finish(got)
		if err != nil {
			s.r.log.Error("kill: orders are not kept", "error", err)
		}
		a := ack{Seq: seq, Hash: receipt.Hash, Durable: receipt.Durable, Refused: refused}
		if err := s.send(message{Ack: &a}); err != nil {
			s.cancel()
			return
		}
	}
}

// answer counts what kills would hit.
func (s *standingStream) answer(ctx context.Context) {
	for {
		var q count
		select {
		case <-ctx.Done():
			return
		case q = <-s.asks:
		}
		impact := Impact{}
		if s.r.options.Count != nil {
			impact = s.r.options.Count(q.Target).clipped()
		}
		q.Impact = &impact
		if err := s.send(message{Count: &q}); err != nil {
			s.cancel()
			return
		}
	}
}

// leave says goodbye and waits, not for long, until the hub has heard it.
func (s *standingStream) leave() {
	timer := time.AfterFunc(time.Second, s.cancel)
	defer timer.Stop()
	if s.send(message{Bye: true}) == nil {
		s.end()
		<-s.done
	}
}

// awaitHome returns true when the runtime's own hub answers, if that is another one than l.
func (r *Runtime) awaitHome(ctx context.Context, l *line) bool {
	for pause(ctx, jitter(homeInterval)) {
		own := r.hubs()[0]
		if own == l {
			continue
		}
		ask, cancel := context.WithTimeout(ctx, dialTimeout*2)
		s, err := own.open(ask, pathHash, message{})
		if err == nil {
			s.end()
			_, err = s.receive()
			s.close()
		}
		cancel()
		if err == nil {
			r.log.Info("kill: the own hub answers again")
			return true
		}
	}
	return false
}

// jitter is d, give or take a fifth, so that a thousand runtimes do not come at once.
func jitter(d time.Duration) time.Duration { return d*4/5 + rand.N(d*2/5+1) }
