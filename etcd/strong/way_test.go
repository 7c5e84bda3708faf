package strong_test

import (
	"net"
	"strings"
	"sync"
	"testing"
)

// A way passes connections on to a store, until it is told to hold what goes there, what
// comes back, or both, as a network does that drops packets.
type way struct {
	address  string
	target   string
	listener net.Listener

	mu     sync.Mutex // guards the fields below
	closed bool
	conns  []net.Conn
	gates  [2]chan struct{} // closed when bytes may go there, and come back
	wg     sync.WaitGroup
}

func newWay(t *testing.T, target string) *way {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &way{address: listener.Addr().String(), target: strings.TrimPrefix(target, "http://"), listener: listener}
	for i := range w.gates {
		w.gates[i] = make(chan struct{})
		close(w.gates[i])
	}
	w.wg.Go(w.accept)
	t.Cleanup(w.end)
	return w
}

func (w *way) end() {
	w.listener.Close()
	w.mend()
	w.mu.Lock()
	w.closed = true
	for _, conn := range w.conns {
		conn.Close()
	}
	w.mu.Unlock()
	w.wg.Wait()
}

func (w *way) accept() {
	for {
		in, err := w.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", w.target)
		if err != nil {
			in.Close()
			continue
		}
		w.mu.Lock()
		if w.closed {
			in.Close()
			out.Close()
		}
		w.conns = append(w.conns, in, out)
		w.mu.Unlock()
		w.wg.Go(func() { w.copy(0, out, in) })
		w.wg.Go(func() { w.copy(1, in, out) })
	}
}

func (w *way) copy(direction int, to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32*1024)
	for {
		n, err := from.Read(buffer)
		w.mu.Lock()
		gate := w.gates[direction]
		w.mu.Unlock()
		<-gate
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

func (w *way) cut()  { w.hold(0, 1) }
func (w *way) mute() { w.hold(1) }

func (w *way) hold(directions ...int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, direction := range directions {
		w.gates[direction] = make(chan struct{})
	}
}

func (w *way) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, gate := range w.gates {
		select {
		case <-gate:
		default:
			close(gate)
		}
	}
}
