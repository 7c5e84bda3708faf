package kill

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
)

// An authority issues certificates for a test.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
	next int64
}

func newAuthority(tb testing.TB) *authority {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	assert.NoError(tb, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	assert.NoError(tb, err)
	cert, err := x509.ParseCertificate(der)
	assert.NoError(tb, err)
	a := &authority{key: key, cert: cert, pool: x509.NewCertPool(), next: 2}
	a.pool.AddCert(cert)
	return a
}

// config is the TLS configuration of whoever the URIs name.
func (a *authority) config(tb testing.TB, uris ...string) *tls.Config {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	assert.NoError(tb, err)
	a.next++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.next), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for i := range 10 {
		template.IPAddresses = append(template.IPAddresses, net.IPv4(127, 0, byte(i), 1))
	}
	for _, text := range uris {
		uri, err := url.Parse(text)
		assert.NoError(tb, err)
		template.URIs = append(template.URIs, uri)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	assert.NoError(tb, err)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, RootCAs: a.pool, ClientCAs: a.pool,
	}
}

// A fabric is some regions with their hubs, on addresses of their own, and links between each
// pair of regions that can be delayed and cut.
type fabric struct {
	t     testing.TB
	ca    *authority
	dir   string
	names []string
	hubs  map[string]*testHub
	links map[[2]string]*proxy // from, to
	tune  func(*HubOptions)
}

type testHub struct {
	*Hub
	sw      *Switch
	address string
	served  chan error
}

func newFabric(tb testing.TB, delay time.Duration, tune func(*HubOptions), names ...string) *fabric {
	tb.Helper()
	f := &fabric{
		t: tb, ca: newAuthority(tb), dir: tb.TempDir(), names: names, hubs: make(map[string]*testHub),
		links: make(map[[2]string]*proxy), tune: tune,
	}
	addresses := make(map[string]string)
	listeners := make(map[string]net.Listener)
	for i, name := range names {
		listeners[name] = listen(tb, fmt.Sprintf("127.0.%d.1:0", i+1))
		addresses[name] = listeners[name].Addr().String()
	}
	for _, from := range names {
		for _, to := range names {
			if from != to {
				f.links[[2]string{from, to}] = newProxy(tb, addresses[to], delay)
			}
		}
	}
	for _, name := range names {
		f.hubs[name] = f.startHub(name, listeners[name])
	}
	tb.Cleanup(func() {
		for _, h := range f.hubs {
			h.stop(tb)
		}
	})
	return f
}

func listen(tb testing.TB, address string) net.Listener {
	tb.Helper()
	listener, err := net.Listen("tcp", address)
	assert.NoError(tb, err)
	return listener
}

func (f *fabric) startHub(name string, listener net.Listener) *testHub {
	f.t.Helper()
	sw, err := Open(filepath.Join(f.dir, name, "kill.log"))
	assert.NoError(f.t, err)
	options := HubOptions{
		Region: name, TLS: f.ca.config(f.t, "roster://hub/"+name), Known: filepath.Join(f.dir, name, "runtimes"),
		Peers: func() []Peer { return f.peers(name) }, Canary: -1,
	}
	if f.tune != nil {
		f.tune(&options)
	}
	hub, err := OpenHub(sw, options)
	assert.NoError(f.t, err)
	served := make(chan error, 1)
	go func() { served <- hub.Serve(listener) }()
	h := &testHub{Hub: hub, sw: sw, address: listener.Addr().String(), served: served}
	return h
}

// restart stops the hub of the region and starts it again on the same address and disk.
func (f *fabric) restart(name string) {
	f.t.Helper()
	old := f.hubs[name]
	old.stop(f.t)
	f.hubs[name] = f.startHub(name, listen(f.t, old.address))
}

func (h *testHub) stop(tb testing.TB) {
	tb.Helper()
	if h.served == nil {
		return
	}
	served := h.served
	h.served = nil // a test that fails here is cleaned up, which ends here once more
	assert.NoError(tb, h.Close())
	assert.NoError(tb, <-served)
	assert.NoError(tb, h.sw.Close())
}

func (f *fabric) peers(of string) []Peer {
	var peers []Peer
	for _, to := range f.names {
		if to != of {
			peers = append(peers, Peer{Region: to, Addresses: []string{f.links[[2]string{of, to}].address}})
		}
	}
	return peers
}

// cut stops everything between two regions, or lets it through again.
func (f *fabric) cut(a, b string, down bool) {
	f.links[[2]string{a, b}].cut(down)
	f.links[[2]string{b, a}].cut(down)
}

// A testRuntime is a runtime that runs until stop.
type testRuntime struct {
	*Runtime
	sw     *Switch
	cancel context.CancelFunc
	done   chan error
	path   string
}

func (f *fabric) runtime(id, region string, tune func(*RuntimeOptions)) *testRuntime {
	f.t.Helper()
	options := RuntimeOptions{
		ID: id, Region: region, TLS: f.ca.config(f.t, "roster://runtime/"+id),
		Hubs: []Peer{{Region: region, Addresses: []string{f.hubs[region].address}}},
	}
	if tune != nil {
		tune(&options)
	}
	path := filepath.Join(f.dir, "runtimes", id, "kill.log")
	sw, err := Open(path)
	assert.NoError(f.t, err)
	r, err := NewRuntime(sw, options)
	assert.NoError(f.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	tr := &testRuntime{Runtime: r, sw: sw, cancel: cancel, done: done, path: path}
	f.t.Cleanup(func() { tr.stop(f.t) })
	return tr
}

func (r *testRuntime) stop(tb testing.TB) {
	tb.Helper()
	if r.done == nil {
		return
	}
	done := r.done
	r.done = nil
	r.cancel()
	if err := <-done; err == nil {
		tb.Error("Run ended without a reason")
	}
	assert.NoError(tb, r.sw.Close())
}

func (r *testRuntime) awaitCurrent(tb testing.TB) {
	tb.Helper()
	eventually(tb, "the runtime is current", func() bool { return r.Status().Current })
	select { // it has told its hooks as well, and says what it began with
	case <-r.Ready():
	case <-time.After(15 * time.Second):
		tb.Fatal("the runtime is current, and not ready")
	}
}

// eventually waits for a state.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			tb.Fatalf("not within 15 s: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func background(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	tb.Cleanup(cancel)
	return ctx
}

// A proxy forwards connections with a delay in each direction of half its round trip.
type proxy struct {
	address string
	to      string
	delay   time.Duration

	mu    sync.Mutex // guards the fields below
	down  bool
	mute  bool // nothing arrives, and nobody is told
	conns map[net.Conn]struct{}
}

func newProxy(tb testing.TB, to string, roundTrip time.Duration) *proxy {
	tb.Helper()
	listener := listen(tb, "127.0.9.1:0")
	p := &proxy{address: listener.Addr().String(), to: to, delay: roundTrip / 2, conns: make(map[net.Conn]struct{})}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			work.Go(func() { p.serve(conn) })
		}
	})
	tb.Cleanup(func() {
		listener.Close()
		p.cut(true)
		work.Wait()
	})
	return p
}

func (p *proxy) cut(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
	if down {
		for conn := range p.conns {
			conn.Close()
		}
	}
}

// silence keeps back what is on its way, as a network does that loses everything.
func (p *proxy) silence(mute bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mute = mute
}

func (p *proxy) muted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mute && !p.down
}

// keep notes the connection, unless the link is down.
func (p *proxy) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		conn.Close()
		return false
	}
	p.conns[conn] = struct{}{}
	return true
}

func (p *proxy) drop(conn net.Conn) {
	conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}

func (p *proxy) serve(in net.Conn) {
	defer p.drop(in)
	if !p.keep(in) {
		return
	}
	time.Sleep(p.delay * 2) // that of the handshake of TCP
	out, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer p.drop(out)
	if !p.keep(out) {
		return
	}
	var work sync.WaitGroup
	work.Go(func() { p.copy(out, in) })
	work.Go(func() { p.copy(in, out) })
	work.Wait()
}

// copy forwards each piece when it has been on its way long enough.
func (p *proxy) copy(to, from net.Conn) {
	type piece struct {
		data []byte
		due  time.Time
	}
	pieces := make(chan piece, 1024)
	var work sync.WaitGroup
	work.Go(func() {
		defer to.Close()
		for piece := range pieces {
			time.Sleep(time.Until(piece.due))
			for p.muted() {
				time.Sleep(5 * time.Millisecond)
			}
			if _, err := to.Write(piece.data); err != nil {
				from.Close()
			}
		}
	})
	for {
		data := make([]byte, 64<<10)
		n, err := from.Read(data)
		if n > 0 {
			pieces <- piece{data[:n], time.Now().Add(p.delay)}
		}
		if err != nil {
			break
		}
	}
	close(pieces)
	work.Wait()
}
