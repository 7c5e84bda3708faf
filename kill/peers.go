package kill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

// peersInterval is how often the list of peers is looked at.
const peersInterval = time.Second

// learnPatience is how long a hub that starts waits for its peers and its store before it tells runtimes
// that they are current. It is less than the patience of a runtime.
const learnPatience = 2 * time.Second

// A peerLine is the way to a peer, and what is known of it. Hub.mu guards the fields that change.
type peerLine struct {
	*line
	wake  chan struct{}
	tried chan struct{} // closed after the first exchange, or when there is to be none
	stop  context.CancelFunc
	hash  Hash
	seen  time.Time // when it last answered
	known int       // its runtimes
	err   error     // of the latest exchange
}

func (l *peerLine) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// peers are the lines to the peers of now. Lines are kept for as long as their peer is listed.
func (h *Hub) peers() []*peerLine {
	listed := h.options.Peers()
	h.mu.Lock()
	defer h.mu.Unlock()
	keep := make(map[string]bool, len(listed))
	var lines []*peerLine
	for _, p := range listed {
		key := p.key()
		if p.Region == h.options.Region || keep[key] {
			continue
		}
		keep[key] = true
		l, known := h.lines[key]
		if !known {
			l = &peerLine{wake: make(chan struct{}, 1), tried: make(chan struct{}), stop: func() {}}
			l.line = pingingLine(p, h.options.TLS, hubPingAfter, hubPingWait)
			if l.err = p.check(h.options.TLS); l.err == nil {
				ctx, stop := context.WithCancel(h.ctx)
				l.stop = stop
				h.start(func(context.Context) { h.gossip(ctx, l) })
			} else {
				close(l.tried)
				h.log.Error("kill: a peer cannot be used", "peer", p.Region, "error", l.err)
			}
			h.lines[key] = l
		}
		lines = append(lines, l)
	}
	for key, l := range h.lines {
		if !keep[key] {
			l.stop()
			l.close()
			delete(h.lines, key)
		}
	}
	return lines
}

// followPeers looks at the list of peers until the hub is closed.
func (h *Hub) followPeers(ctx context.Context) {
	for {
		h.peers()
		if !pause(ctx, peersInterval) {
			return
		}
	}
}

// learnFirst waits until every peer and the store have been asked once, whether they answered or
// not: a hub that was away does not know what was killed meanwhile, and runtimes that start would take
// its word for it.
func (h *Hub) learnFirst(ctx context.Context) {
	defer close(h.learned)
	patience := time.NewTimer(learnPatience)
	defer patience.Stop()
	asked := []<-chan struct{}{h.storeRead}
	if h.options.Store == nil {
		asked = nil
	}
	for _, l := range h.peers() {
		asked = append(asked, l.tried)
	}
	for _, one := range asked {
		select {
		case <-one:
		case <-patience.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// gossip compares hashes with a peer until ctx ends: at ease while they are equal, and eagerly
// while the peer is not reached or differs, so that a healed link is noticed.
func (h *Hub) gossip(ctx context.Context, l *peerLine) {
	defer l.close()
	tried := sync.OnceFunc(func() { close(l.tried) })
	defer tried()
	for {
		equal, err := h.compare(ctx, l)
		tried()
		if ctx.Err() != nil {
			return
		}
		h.mu.Lock()
		if (err == nil) != (l.err == nil) {
			h.log.Info("kill: peer", "peer", l.peer.Region, "error", err)
		}
		l.err = err
		h.mu.Unlock()
		wait := h.options.Gossip
		if err != nil || !equal {
			wait = min(wait, eagerGossip)
		}
		timer := time.NewTimer(wait*9/10 + rand.N(wait/5+1))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-l.wake:
			// A kill is on its way to the peer already; this is for what came otherwise.
			pause(ctx, eagerGossip/2)
		}
		timer.Stop()
	}
}

// compare sends the hash, takes what the peer has and sends what it misses.
func (h *Hub) compare(ctx context.Context, l *peerLine) (equal bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	s, err := l.open(ctx, pathGossip, message{Hello: h.hello()})
	if err != nil {
		return false, err
	}
	defer s.close()
	s.end()
	var theirs Set
	for {
		m, err := s.receive()
		if err != nil {
			return false, fmt.Errorf("kill: gossip with region %q: %w", l.peer.Region, err)
		}
		orders, refused := m.orders()
		if refused > 0 {
			h.log.Warn("kill: a peer has orders that this program is too old for", "peer", l.peer.Region, "orders", refused)
		}
		theirs = theirs.Merge(orders...)
		if m.Hello == nil {
			continue
		}
		h.mu.Lock()
		l.hash, l.seen, l.known = m.Hello.Hash, time.Now(), m.Hello.Runtimes
		h.mu.Unlock()
		if m.Hello.Hash == h.sw.Hash() {
			return true, nil
		}
		break
	}
	if theirs.Len() > 0 {
		h.apply(peerSource(l.peer.Region), theirs.Orders())
	}
	missing := h.sw.Set().Missing(theirs)
	if len(missing) == 0 {
		return h.sw.Hash() == theirs.Hash(), nil
	}
	if err := h.push(ctx, l, missing); err != nil {
		return false, err
	}
	return true, nil
}

// push sends orders that the peer misses, and waits until it has taken them.
func (h *Hub) push(ctx context.Context, l *peerLine, orders []Order) error {
	all := batches(orders)
	s, err := l.open(ctx, pathOrders, message{Hello: h.hello()})
	if err != nil {
		return err
	}
	defer s.close()
	for _, m := range all {
		if err := s.send(m); err != nil {
			return err
		}
	}
	s.end()
	m, err := s.receive()
	if err != nil || m.Hub == nil {
		return fmt.Errorf("kill: push to region %q: %w", l.peer.Region, err)
	}
	h.mu.Lock()
	l.hash = m.Hub.Hash
	h.mu.Unlock()
	return nil
}

func (h *Hub) hello() *hello {
	h.mu.Lock()
	defer h.mu.Unlock()
	return &hello{Region: h.options.Region, Hash: h.sw.Hash(), Runtimes: h.waitedFor()}
}

func hubSource(region string) string  { return "hub " + region }
func peerSource(region string) string { return "peer region " + region }

// apply is Switch.Apply for what came over the network; what the disk refuses is logged and
// tried again by the switch.
func (h *Hub) apply(source string, orders []Order) Receipt {
	receipt, err := h.sw.Apply(source, orders...)
	if err != nil {
		h.log.Error("kill: orders are not kept", "source", source, "error", err)
	}
	return receipt
}

// serveGossip answers with the hash, after all orders if the hashes differ.
func (h *Hub) serveGossip(x *exchange) error {
	m, err := x.receive()
	if err != nil {
		return err
	}
	if m.Hello == nil {
		return errors.New("kill: gossip starts with hello")
	}
	set := h.sw.Set()
	var lines []byte
	if m.Hello.Hash != set.Hash() {
		for _, b := range batches(set.Orders()) {
			lines = append(lines, b.line()...)
		}
	}
	answer := h.hello()
	answer.Hash = set.Hash()
	return x.send(append(lines, message{Hello: answer}.line()...))
}

// serveOrders takes orders until the peer has no more.
func (h *Hub) serveOrders(x *exchange) error {
	m, err := x.receive()
	if err != nil {
		return err
	}
	source := h.peerName(x, m)
	var all []Order
	for {
		m, err := x.receive()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		orders, _ := m.orders()
		if all = append(all, orders...); len(all) > 2*maxTargets {
			return fmt.Errorf("kill: more than %d orders", 2*maxTargets)
		}
	}
	receipt := h.apply(source, all)
	return x.send(message{Hub: &hubState{Region: h.options.Region, Hash: receipt.Hash, Durable: receipt.Durable}}.line())
}

// peerName is the source of what a peer sends: its certificate's word, or without TLS its own.
func (h *Hub) peerName(x *exchange, m message) string {
	switch {
	case x.peer.tls:
		return peerSource(x.peer.names[RoleHub])
	case m.Hello != nil && plain(m.Hello.Region) && len(m.Hello.Region) <= MaxRegion:
		return peerSource(m.Hello.Region)
	default:
		return peerSource("?")
	}
}

func (h *Hub) serveHash(x *exchange) error { return x.send(message{Hello: h.hello()}.line()) }
