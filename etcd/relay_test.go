package etcd_test

import (
	"net"
	"sync"
	"testing"
)

// A relay passes TCP connections on to a store, until it is told to break or to hold them.
type relay struct {
	listener net.Listener

	mu     sync.Mutex // guards the fields below
	target string
	closed bool          // accept nothing and break what there is
	held   chan struct{} // closed when bytes may flow
	conns  map[net.Conn]struct{}
	wg     sync.WaitGroup
}

func newRelay(t *testing.T, target string) *relay {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	flows := make(chan struct{})
	close(flows)
	r := &relay{listener: listener, target: target, held: flows, conns: make(map[net.Conn]struct{})}
	r.wg.Go(r.accept)
	t.Cleanup(func() {
		r.listener.Close()
		r.flow()
		r.breakOff()
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
		r.mu.Lock()
		target := r.target
		r.mu.Unlock()
		out, err := net.Dial("tcp", target)
		if err != nil || !r.keep(in, out) {
			in.Close()
			if out != nil {
				out.Close()
			}
			continue
		}
		r.wg.Go(func() { r.copy(in, out) })
		r.wg.Go(func() { r.copy(out, in) })
	}
}

func (r *relay) keep(conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	for _, conn := range conns {
		r.conns[conn] = struct{}{}
	}
	return true
}

func (r *relay) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32*1024)
	for {
		n, err := from.Read(buffer)
		r.mu.Lock()
		held := r.held
		r.mu.Unlock()
		<-held
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// breakOff ends all connections and refuses new ones.
func (r *relay) breakOff() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for conn := range r.conns {
		conn.Close()
	}
	clear(r.conns)
}

// redirect sends new connections elsewhere.
func (r *relay) redirect(target string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = target
}

// mend accepts connections again.
func (r *relay) mend() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = false
}

// hold keeps all connections open and lets nothing through, as a network does that drops
// packets.
func (r *relay) hold() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = make(chan struct{})
}

// flow ends hold.
func (r *relay) flow() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.held:
	default:
		close(r.held)
	}
}
