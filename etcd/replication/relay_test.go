package replication_test

import (
	"net"
	"sync"
	"testing"
	"time"
)

// A relay passes TCP connections on, until it is told to cut, to hold or to delay them.
type relay struct {
	listener net.Listener
	target   string

	mu    sync.Mutex // guards the fields below
	cut   bool
	delay time.Duration
	held  chan struct{} // closed when bytes may flow
	conns map[net.Conn]struct{}
	done  bool
	wg    sync.WaitGroup
}

func newRelay(tb testing.TB, target string) *relay {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	flows := make(chan struct{})
	close(flows)
	r := &relay{listener: listener, target: target, held: flows, conns: make(map[net.Conn]struct{})}
	r.wg.Go(r.accept)
	tb.Cleanup(func() {
		listener.Close()
		r.setHold(false)
		r.setCut(true)
		r.mu.Lock()
		r.done = true
		r.mu.Unlock()
		r.wg.Wait()
	})
	return r
}

func (r *relay) address() string { return r.listener.Addr().String() }

func (r *relay) accept() {
	for {
		in, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.wg.Go(func() { r.carry(in) })
	}
}

func (r *relay) carry(in net.Conn) {
	defer in.Close()
	if !r.keep(in) {
		return
	}
	out, err := net.DialTimeout("tcp", r.target, time.Second)
	if err != nil || !r.keep(out) {
		if out != nil {
			out.Close()
		}
		return
	}
	defer out.Close()
	var both sync.WaitGroup
	both.Go(func() { r.copy(out, in) })
	both.Go(func() { r.copy(in, out) })
	both.Wait()
	r.mu.Lock()
	delete(r.conns, in)
	delete(r.conns, out)
	r.mu.Unlock()
}

func (r *relay) keep(conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cut {
		return false
	}
	r.conns[conn] = struct{}{}
	return true
}

type chunk struct {
	due   time.Time
	bytes []byte
}

func (r *relay) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	chunks := make(chan chunk, 4096)
	var writing sync.WaitGroup
	writing.Go(func() {
		failed := false
		for c := range chunks {
			if failed {
				continue
			}
			time.Sleep(time.Until(c.due))
			r.mu.Lock()
			held := r.held
			r.mu.Unlock()
			<-held
			if _, err := to.Write(c.bytes); err != nil {
				failed = true
				from.Close()
			}
		}
	})
	defer writing.Wait()
	defer close(chunks)
	for {
		buffer := make([]byte, 32*1024)
		n, err := from.Read(buffer)
		r.mu.Lock()
		due := time.Now().Add(r.delay)
		r.mu.Unlock()
		if n > 0 {
			chunks <- chunk{due, buffer[:n]}
		}
		if err != nil {
			return
		}
	}
}

// setCut breaks all connections and refuses new ones, or accepts them again.
func (r *relay) setCut(cut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = cut
	if cut {
		for conn := range r.conns {
			if tcp, ok := conn.(*net.TCPConn); ok {
				tcp.SetLinger(0)
			}
			conn.Close()
		}
		clear(r.conns)
	}
}

// setHold keeps connections open and lets nothing through, as a network does that drops packets.
func (r *relay) setHold(hold bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.held:
		if hold {
			r.held = make(chan struct{})
		}
	default:
		if !hold {
			close(r.held)
		}
	}
}

// setDelay makes bytes take d in each direction.
func (r *relay) setDelay(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.delay = d
}
