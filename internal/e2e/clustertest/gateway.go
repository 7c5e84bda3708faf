package clustertest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// handshakeLimit bounds how long a member may take to say where it wants to go.
const handshakeLimit = 5 * time.Second

// A gateway is the one way from a member to the others: a SOCKS 5 proxy (RFC 1928) that
// knows no other destination.
type gateway struct {
	address string

	mu     sync.Mutex               // guards the fields below
	links  map[netip.AddrPort]*Link // by advertised peer address
	asking map[net.Conn]struct{}    // connections that no link has yet
	closed bool
}

// newGateway listens on a free port. It ends with the test, after the links that were made
// later.
func newGateway(tb testing.TB) *gateway {
	tb.Helper()
	listener := listen(tb)
	g := &gateway{
		address: listener.Addr().String(),
		links:   make(map[netip.AddrPort]*Link),
		asking:  make(map[net.Conn]struct{}),
	}
	var running sync.WaitGroup
	running.Go(func() { accept(listener, g.serve) })
	tb.Cleanup(func() {
		_ = listener.Close()
		g.close()
		running.Wait()
	})
	return g
}

func (g *gateway) serve(conn net.Conn) {
	if !g.enter(conn) {
		reset(conn)
		return
	}
	link, err := g.handshake(conn)
	g.leave(conn)
	if err != nil {
		reset(conn)
		return
	}
	link.carry(conn)
}

// lead makes the gateway lead to a peer, through a link.
func (g *gateway) lead(to netip.AddrPort, link *Link) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.links[to] = link
}

func (g *gateway) linkTo(peer netip.AddrPort) (*Link, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	link, known := g.links[peer]
	return link, known
}

func (g *gateway) enter(conn net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.asking[conn] = struct{}{}
	return true
}

func (g *gateway) leave(conn net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.asking, conn)
}

func (g *gateway) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for conn := range g.asking {
		reset(conn)
	}
}

// The parts of SOCKS 5 that net/http uses towards a proxy without authentication.
const (
	socksVersion  = 5
	socksConnect  = 1
	socksIPv4     = 1
	socksNoAuth   = 0
	socksGranted  = 0
	socksNotThere = 4 // host unreachable
)

// handshake asks where the connection is meant to go.
func (g *gateway) handshake(conn net.Conn) (*Link, error) {
	if err := conn.SetDeadline(time.Now().Add(handshakeLimit)); err != nil {
		return nil, fmt.Errorf("set a deadline: %w", err)
	}
	var greeting [2]byte // version, number of methods
	if _, err := io.ReadFull(conn, greeting[:]); err != nil {
		return nil, fmt.Errorf("read the greeting: %w", err)
	}
	if greeting[0] != socksVersion {
		return nil, fmt.Errorf("version %d is not SOCKS 5", greeting[0])
	}
	if _, err := io.CopyN(io.Discard, conn, int64(greeting[1])); err != nil {
		return nil, fmt.Errorf("read the methods: %w", err)
	}
	if _, err := conn.Write([]byte{socksVersion, socksNoAuth}); err != nil {
		return nil, fmt.Errorf("choose a method: %w", err)
	}
	var request [10]byte // version, command, reserved, kind of address, host, port
	if _, err := io.ReadFull(conn, request[:]); err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	if request[1] != socksConnect || request[3] != socksIPv4 {
		return nil, fmt.Errorf("command %d for address kind %d is not for a peer", request[1], request[3])
	}
	target := netip.AddrPortFrom(netip.AddrFrom4([4]byte(request[4:8])), binary.BigEndian.Uint16(request[8:]))
	link, known := g.linkTo(target)
	answer := [10]byte{socksVersion, socksGranted, 0, socksIPv4}
	if !known {
		answer[1] = socksNotThere
	}
	_, err := conn.Write(answer[:])
	if !known {
		return nil, fmt.Errorf("%v is not a peer", target)
	}
	if err = errors.Join(err, conn.SetDeadline(time.Time{})); err != nil {
		return nil, fmt.Errorf("grant the request: %w", err)
	}
	return link, nil
}
