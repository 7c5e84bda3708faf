package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const dialLimit = 3 * time.Second

// A gate passes TCP connections on to a target, unless it is cut: connections are broken then,
// and new ones as soon as they are made.
type gate struct {
	listener net.Listener
	running  sync.WaitGroup

	mu     sync.Mutex // guards what is below
	target string     // empty until it is known, which is as good as cut
	cut    bool
	closed bool
	conns  map[net.Conn]struct{}
}

func newGate(ctx context.Context) (*gate, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("a gate between regions: %w", err)
	}
	g := &gate{listener: listener, conns: make(map[net.Conn]struct{})}
	g.running.Go(g.accept)
	return g, nil
}

// address is where the gate is entered.
func (g *gate) address() string { return g.listener.Addr().String() }

// lead says where the gate leads to.
func (g *gate) lead(target string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.target = target
}

// set cuts the gate, or mends it.
func (g *gate) set(cut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cut = cut
	if cut {
		g.breakAll()
	}
}

// breakAll is called under the mutex.
func (g *gate) breakAll() {
	for conn := range g.conns {
		_ = conn.Close() // whoever copies forgets it
	}
}

func (g *gate) close() {
	_ = g.listener.Close()
	g.mu.Lock()
	g.closed = true
	g.breakAll()
	g.mu.Unlock()
	g.running.Wait()
}

func (g *gate) accept() {
	for {
		conn, err := g.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			g.running.Go(func() { g.carry(conn) })
		}
	}
}

// keep notes a connection that is to be closed when the gate is cut, and closes it if it is.
func (g *gate) keep(conn net.Conn) (target string, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.cut || g.closed || g.target == "" {
		_ = conn.Close()
		return "", false
	}
	g.conns[conn] = struct{}{}
	return g.target, true
}

func (g *gate) forget(conns ...net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, conn := range conns {
		delete(g.conns, conn)
		_ = conn.Close()
	}
}

func (g *gate) carry(in net.Conn) {
	target, ok := g.keep(in)
	if !ok {
		return
	}
	defer g.forget(in)
	out, err := (&net.Dialer{Timeout: dialLimit}).DialContext(context.Background(), "tcp", target)
	if err != nil {
		return
	}
	if _, ok := g.keep(out); !ok {
		return
	}
	defer g.forget(out)
	var copying sync.WaitGroup
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		copying.Go(func() {
			_, _ = io.Copy(way[1], way[0])
			g.forget(in, out) // one way without the other is of no use here
		})
	}
	copying.Wait()
}
