package replication_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/etcd"
	"github.com/roster-go/roster/etcd/embedded"
	"github.com/roster-go/roster/etcd/replication"
)

// patience is how long a test waits for what has to happen.
const patience = 120 * time.Second

// A world is regions with an etcd and an agent each, and a relay for every direction of every pair.
type world struct {
	tb       testing.TB
	regions  map[string]*region
	relays   map[[2]string]*relay // from, to
	ca       *authority           // nil for no TLS
	tune     func(name string, opts *replication.AgentOptions)
	loopback int
}

// A region is one region of a world.
type region struct {
	world  *world
	name   string
	dir    string
	listen string // of its etcd
	port   string // of its agent
	server *embedded.Server
	client *clientv3.Client
	store  *replication.Store
	agent  *replication.Agent
	stop   context.CancelFunc
	ended  chan error
}

func newWorld(tb testing.TB, names ...string) *world {
	tb.Helper()
	w := &world{tb: tb, regions: make(map[string]*region), relays: make(map[[2]string]*relay)}
	for _, name := range names {
		w.add(name)
	}
	return w
}

// meet starts all agents and introduces the first region to the others.
func (w *world) meet(names ...string) {
	w.tb.Helper()
	for _, name := range names {
		w.regions[name].startAgent()
	}
	first := w.regions[names[0]]
	for _, name := range names[1:] {
		first.introduce(w.regions[name])
	}
	for _, a := range names {
		for _, b := range names {
			if a != b {
				eventually(w.tb, a+" is linked to "+b, func() bool { return w.regions[a].peer(b).Connected })
			}
		}
	}
}

func (r *region) introduce(other *region) {
	r.world.tb.Helper()
	err := r.store.Regions().Add(r.world.tb.Context(), replication.Region{Name: other.name, Replication: []string{other.port}})
	if err != nil {
		r.world.tb.Fatal(err)
	}
}

func (w *world) add(name string) *region {
	w.tb.Helper()
	w.loopback++
	ip := fmt.Sprintf("127.0.1.%d", w.loopback)
	r := &region{world: w, name: name, dir: filepath.Join(w.tb.TempDir(), name), listen: freeAddress(w.tb, ip), port: freeAddress(w.tb, ip)}
	w.regions[name] = r
	r.startEtcd()
	r.client = r.newClient()
	r.openStore()
	w.tb.Cleanup(func() {
		r.stopAgent()
		r.closeStore()
		if r.server != nil {
			r.stopEtcd()
		}
	})
	return r
}

// link is the relay on the way from one region's agent to another's.
func (w *world) link(from, to string) *relay {
	w.tb.Helper()
	key := [2]string{from, to}
	if w.relays[key] == nil {
		w.relays[key] = newRelay(w.tb, w.regions[to].port)
	}
	return w.relays[key]
}

// dial sends the connections of an agent through the relays.
func (w *world) dial(from string) func(ctx context.Context, network, address string) (net.Conn, error) {
	for to := range w.regions {
		if to != from {
			w.link(from, to)
		}
	}
	targets := make(map[string]string)
	for key, r := range w.relays {
		if key[0] == from {
			targets[w.regions[key[1]].port] = r.address()
		}
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if through, ok := targets[address]; ok {
			address = through
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
}

// partition cuts or mends both directions between two regions.
func (w *world) partition(a, b string, cut bool) {
	w.link(a, b).setCut(cut)
	w.link(b, a).setCut(cut)
}

func (r *region) startEtcd() {
	r.world.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	server, err := embedded.Start(ctx, embedded.Config{Dir: r.dir, ClientListen: r.listen, Fast: true})
	if err != nil {
		r.world.tb.Fatal(err)
	}
	r.server = server
}

func (r *region) stopEtcd() {
	r.world.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.server.Close(ctx); err != nil {
		r.world.tb.Error(err)
	}
	r.server = nil
}

func (r *region) newClient() *clientv3.Client {
	r.world.tb.Helper()
	client, err := etcd.Dial(context.Background(), []string{r.listen}, etcd.DialOptions{Timeout: -1})
	if err != nil {
		r.world.tb.Fatal(err)
	}
	r.world.tb.Cleanup(func() { client.Close() })
	return client
}

func logger(name string) *slog.Logger {
	if os.Getenv("REPLICATION_LOG") == "" {
		return nil
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With(slog.String("of", name))
}

func (r *region) openStore() {
	r.world.tb.Helper()
	store, err := replication.Open(r.client, replication.Options{
		Region: r.name, Heartbeat: heartbeat, Directory: roster.NewDirectory(), Logger: logger(r.name),
	})
	if err != nil {
		r.world.tb.Fatal(err)
	}
	r.store = store
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := store.AwaitReady(ctx); err != nil {
		r.world.tb.Fatal(err)
	}
}

func (r *region) closeStore() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.store.Close(ctx); err != nil {
		r.world.tb.Error(err)
	}
}

func (r *region) options() replication.AgentOptions {
	opts := replication.AgentOptions{
		Listen: r.port, TTL: 3 * time.Second, Heartbeat: heartbeat, Digests: digests,
		Dial: r.world.dial(r.name), Logger: logger(r.name),
	}
	if r.world.ca != nil {
		opts.TLS = r.world.ca.config(r.world.tb, r.name)
	}
	if r.world.tune != nil {
		r.world.tune(r.name, &opts)
	}
	return opts
}

func (r *region) startAgent() {
	r.world.tb.Helper()
	agent, err := replication.NewAgent(r.store, r.options())
	if err != nil {
		r.world.tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- agent.Run(ctx) }()
	r.agent, r.stop, r.ended = agent, cancel, ended
}

// stopAgent ends the agent; with crash it keeps its lease.
func (r *region) stopAgent() {
	r.world.tb.Helper()
	if r.agent == nil {
		return
	}
	r.stop()
	select {
	case err := <-r.ended:
		if !errors.Is(err, context.Canceled) {
			r.world.tb.Errorf("the agent of %s ended: %v", r.name, err)
		}
	case <-time.After(patience):
		r.world.tb.Fatalf("the agent of %s does not end", r.name)
	}
	r.agent = nil
}

func (r *region) crashAgent() {
	r.world.tb.Helper()
	replication.Crash(r.agent)
	r.stopAgent()
}

func (r *region) peer(to string) replication.PeerStatus {
	if r.agent != nil {
		for _, p := range r.agent.Status().Peers {
			if p.To == to {
				return p
			}
		}
	}
	return replication.PeerStatus{}
}

func (r *region) origin(from string) replication.OriginStatus {
	if r.agent != nil {
		for _, o := range r.agent.Status().Origins {
			if o.From == from {
				return o
			}
		}
	}
	return replication.OriginStatus{}
}

func (r *region) put(key, value string) {
	r.world.tb.Helper()
	persist(r.world.tb, func(ctx context.Context) error { _, err := r.store.Put(ctx, key, []byte(value)); return err })
}

func (r *region) delete(key string) {
	r.world.tb.Helper()
	persist(r.world.tb, func(ctx context.Context) error { return r.store.Delete(ctx, key) })
}

// persist writes until it is acknowledged: on a machine that is busy etcd may take its time.
func persist(tb testing.TB, write func(context.Context) error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := write(ctx)
	for errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = write(ctx)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

func (r *region) get(key string) string {
	record, ok := r.store.Get(key)
	if !ok {
		return "(none)"
	}
	return string(record.Value)
}

// content is all that readers of a region see.
func (r *region) content() string {
	var b strings.Builder
	for key, record := range r.store.All() {
		fmt.Fprintf(&b, "%s=%s (%s %d)\n", key, record.Value, record.Region, record.Time)
	}
	return b.String()
}

// converge waits until all regions show the same.
func (w *world) converge(names ...string) {
	w.tb.Helper()
	w.convergeWithin(patience, names...)
}

func (w *world) convergeWithin(limit time.Duration, names ...string) {
	w.tb.Helper()
	deadline := time.Now().Add(limit)
	for {
		first, same := w.regions[names[0]].content(), true
		for _, name := range names[1:] {
			same = same && w.regions[name].content() == first
		}
		if same {
			return
		}
		if time.Now().After(deadline) {
			for _, name := range names {
				w.tb.Logf("%s has %d bytes\n%.2000s", name, len(w.regions[name].content()), w.regions[name].content())
				if w.regions[name].agent != nil {
					w.tb.Logf("%+v", w.regions[name].agent.Status())
				}
			}
			w.tb.Fatalf("not equal within %v", limit)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func freeAddress(tb testing.TB, ip string) string {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", ip+":0")
	if err != nil {
		tb.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func eventually(tb testing.TB, expected string, holds func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("not within %v: %s", patience, expected)
		}
	}
}

// An authority signs the certificates of regions.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(tb testing.TB) *authority {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		tb.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return &authority{certificate, key}
}

// config has a certificate of a region.
func (a *authority) config(tb testing.TB, name string) *tls.Config {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		URIs:        []*url.URL{{Scheme: "roster", Host: "region", Path: "/" + name}},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		tb.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return &tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: pool,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}},
	}
}
