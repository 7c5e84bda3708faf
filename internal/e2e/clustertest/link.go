package clustertest

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// dialLimit bounds how long a link may take to reach its target.
const dialLimit = 5 * time.Second

// longAgo is a deadline that ends what a connection is doing.
var longAgo = time.Unix(1, 0)

// A Link passes TCP connections on to a target, until it is told to cut, to hold or to
// delay them. A Link is safe for concurrent use.
type Link struct {
	address string
	target  string

	// control makes Cut, Hold and Mend happen one after the other. It is taken before mu
	// and is not needed for reading the state.
	control sync.Mutex

	mu      sync.Mutex // guards the fields below
	state   linkState
	flowing chan struct{} // closed unless the state is linkHeld
	delay   time.Duration
	count   int
	pipes   map[*pipe]struct{}

	running sync.WaitGroup // the goroutines; it grows under mu, unless the state is linkClosed
}

type linkState int

const (
	linkOpen linkState = iota
	linkHeld
	linkCut
	linkClosed
)

// NewLink listens on a free port of 127.0.0.1 and passes connections on to the target, a
// host and a port. The link ends with the test.
func NewLink(tb testing.TB, target string) *Link {
	tb.Helper()
	listener := listen(tb)
	l := newLink(listener.Addr().String(), target)
	l.running.Go(func() { accept(listener, l.carry) })
	tb.Cleanup(func() {
		_ = listener.Close()
		l.close()
	})
	return l
}

// newLink makes a link that has no listener; connections come in through carry.
func newLink(address, target string) *Link {
	l := &Link{address: address, target: target, flowing: make(chan struct{}), pipes: make(map[*pipe]struct{})}
	close(l.flowing)
	return l
}

// listen listens on a free port of 127.0.0.1.
func listen(tb testing.TB) net.Listener {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return listener
}

// accept hands every connection over, each on a goroutine of its own, until the listener is
// closed. It waits for those goroutines.
func accept(listener net.Listener, handle func(net.Conn)) {
	const pause = 10 * time.Millisecond // while the process has too many files open
	var running sync.WaitGroup
	defer running.Wait()
	for {
		conn, err := listener.Accept()
		switch {
		case err == nil:
			running.Go(func() { handle(conn) })
		case errors.Is(err, net.ErrClosed):
			return
		default:
			time.Sleep(pause)
		}
	}
}

// Address is where the link is entered, a host and a port. For the link of a pair of
// members this is the gateway of the dialling member, which understands SOCKS only.
func (l *Link) Address() string { return l.address }

// Count is how many connections the link has taken on so far, including those that it
// held. Connections that it refused while it was cut do not count.
func (l *Link) Count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// Cut breaks all connections and refuses new ones until Mend: they are reset as soon as
// they are made. Bytes under way are lost.
func (l *Link) Cut() {
	l.control.Lock()
	defer l.control.Unlock()
	l.breakAll(linkCut)
}

// Hold keeps the connections open and lets nothing through until Mend, not even that one
// side has gone, as a network does that drops packets. New connections are accepted, and
// held. What was under way comes out after Mend, as what TCP sends again would; only what
// the link has written already, and the system keeps for a slow reader, can still be read.
// A link that was cut is now held.
func (l *Link) Hold() {
	l.control.Lock()
	defer l.control.Unlock()

	l.mu.Lock()
	if l.state == linkHeld || l.state == linkClosed {
		l.mu.Unlock()
		return
	}
	l.state = linkHeld
	l.flowing = make(chan struct{})
	var flows []*flow
	for p := range l.pipes {
		flows = append(flows, p.flows...)
		p.setWriteDeadline(longAgo)
	}
	l.mu.Unlock()

	for _, f := range flows { // wait for writes that began before
		f.writing.Lock()
		f.writing.Unlock() //nolint:gocritic,staticcheck // it guards nothing here: having had it is the point
	}
}

// Mend ends Cut and Hold. It does not end a delay.
func (l *Link) Mend() {
	l.control.Lock()
	defer l.control.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch l.state {
	case linkHeld:
		for p := range l.pipes {
			p.setWriteDeadline(time.Time{})
		}
		close(l.flowing)
		l.state = linkOpen
	case linkCut:
		l.state = linkOpen
	case linkOpen, linkClosed:
	}
}

// Delay makes all bytes that come in from now on take d to come out, in each direction. A
// round trip takes 2*d longer. Zero ends it. Bytes stay in order, and up to 1024 reads of
// 32 KiB can be under way per direction, so a delay costs no throughput below that.
func (l *Link) Delay(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = d
}

// due is when bytes that came in now come out.
func (l *Link) due() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Add(l.delay)
}

// held reports whether nothing may come out.
func (l *Link) held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state == linkHeld
}

// awaitFlow waits until bytes may come out. It reports false when the context ends first.
func (l *Link) awaitFlow(ctx context.Context) bool {
	l.mu.Lock()
	flowing := l.flowing
	l.mu.Unlock()
	select {
	case <-flowing:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// carry passes one connection on and returns when it has ended.
func (l *Link) carry(in net.Conn) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p := &pipe{link: l, in: in, cancel: cancel}
	if !l.enter(p) {
		reset(in)
		return
	}
	defer l.running.Done()
	defer l.leave(p)
	if !l.awaitFlow(ctx) {
		return
	}
	dialing, done := context.WithTimeout(ctx, dialLimit)
	defer done()
	out, err := new(net.Dialer).DialContext(dialing, "tcp", l.target)
	if err != nil {
		reset(in)
		return
	}
	if l.attach(ctx, p, out) {
		p.run(ctx)
	}
}

// enter takes a connection on, if there may be any.
func (l *Link) enter(p *pipe) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == linkCut || l.state == linkClosed {
		return false
	}
	l.count++
	l.pipes[p] = struct{}{}
	l.running.Add(1)
	return true
}

// attach gives a pipe its other end, unless it was broken meanwhile.
func (l *Link) attach(ctx context.Context, p *pipe, out net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ctx.Err() != nil {
		reset(out)
		return false
	}
	p.out = out
	p.flows = []*flow{newFlow(p, p.in, out), newFlow(p, out, p.in)}
	return true
}

// leave forgets a connection that has ended.
func (l *Link) leave(p *pipe) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.pipes, p)
	_ = p.in.Close()
	if p.out != nil {
		_ = p.out.Close()
	}
}

// breakOff resets both sides of a connection.
func (l *Link) breakOff(p *pipe) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.breakOff()
}

// breakAll resets all connections and refuses new ones.
func (l *Link) breakAll(state linkState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == linkClosed {
		return
	}
	for p := range l.pipes {
		p.breakOff()
	}
	if l.state == linkHeld {
		close(l.flowing)
	}
	l.state = state
}

// close breaks all connections for good and waits for the goroutines.
func (l *Link) close() {
	l.breakAll(linkClosed)
	l.running.Wait()
}
