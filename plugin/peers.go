package plugin

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/roster-go/roster/plugin/internal/handshake"
)

// A peerPool keeps one connection to each other host that was called. It is
// safe for concurrent use.
type peerPool struct {
	options []grpc.DialOption // further ones

	mu     sync.Mutex // guards the fields below
	conns  map[string]*pooledConn
	closed bool
}

type pooledConn struct {
	*grpc.ClientConn
	used time.Time
}

// Bounds of the pool: beyond so many connections, those idle for so long go.
const (
	roomyPool = 64
	idlePeer  = 10 * time.Minute
)

func newPeerPool(options []grpc.DialOption) *peerPool {
	return &peerPool{options: options, conns: map[string]*pooledConn{}}
}

// get returns the connection to an address. It does not wait for it to be
// established.
func (p *peerPool) get(address string) (*grpc.ClientConn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	if c, ok := p.conns[address]; ok {
		c.used = time.Now()
		return c.ClientConn, nil
	}
	p.shrink()
	conn, err := grpc.NewClient("passthrough:///"+address, append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(outcomeRecorder{}),
		grpc.WithConnectParams(grpc.ConnectParams{
			// A host that does not answer must not hold a call for long, and one
			// that comes back must be seen soon.
			Backoff:           backoff.Config{BaseDelay: 200 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 5 * time.Second},
			MinConnectTimeout: 3 * time.Second,
		}),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(handshake.MaxMessage), grpc.MaxCallSendMsgSize(handshake.MaxMessage)),
	}, p.options...)...)
	if err != nil {
		return nil, err //nolint:wrapcheck // becomes the reason of an Attempt, which names the peer
	}
	p.conns[address] = &pooledConn{ClientConn: conn, used: time.Now()}
	return conn, nil
}

// shrink drops idle connections of a large pool. The caller holds p.mu.
func (p *peerPool) shrink() {
	if len(p.conns) < roomyPool {
		return
	}
	for address, c := range p.conns {
		if time.Since(c.used) > idlePeer {
			_ = c.Close()
			delete(p.conns, address)
		}
	}
}

func (p *peerPool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

// nearestFirst orders peers: same zone, same region, elsewhere; among equals at
// random, so that they share the load, or by the key of the call.
func nearestFirst(peers []Peer, self Peer, key string) []Peer {
	peers = slices.Clone(peers)
	ranks := make(map[string]float64, len(peers))
	for _, p := range peers {
		ranks[p.ID] = draw(key, p.ID)
	}
	slices.SortFunc(peers, func(a, b Peer) int { return cmp.Compare(ranks[a.ID], ranks[b.ID]) })
	distance := func(p Peer) int {
		switch {
		case p.Region != self.Region:
			return 2
		case p.Zone != self.Zone:
			return 1
		default:
			return 0
		}
	}
	slices.SortStableFunc(peers, func(a, b Peer) int { return cmp.Compare(distance(a), distance(b)) })
	return peers
}
