package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd"
	"github.com/roster-go/roster/kill"
	"github.com/roster-go/roster/plugin"
)

// controlService is the name under which a hub announces its control endpoint.
const controlService = "roster.control"

// A control is this daemon's part in the kill switch.
type control struct {
	sw      *kill.Switch
	store   kill.Store
	tls     *tls.Config
	hub     *kill.Hub // nil if this daemon is not the hub of its region
	address string    // of the hub

	host atomic.Pointer[plugin.Host] // nil until it is made: a hub may count before

	mu      sync.Mutex    // guards runtime
	runtime *kill.Runtime // nil until a hub is known
}

// openSwitch reads the orders that this daemon has on disk. What hubs and etcd have is read by
// startControl.
func (d *daemon) openSwitch(client *clientv3.Client, stops *cleanup) error {
	if err := d.config.checkCertificate(); err != nil {
		return err
	}
	secured, err := d.config.Regions.tls()
	if err != nil {
		return err
	}
	folder := filepath.Join(d.config.Data, "kill")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return &ConfigError{"data", fmt.Sprintf("cannot make the folder of the kill switch: %v", err), err}
	}
	sw, err := kill.Open(filepath.Join(folder, url.PathEscape(d.config.Host)+".log"))
	if err != nil {
		return err
	}
	stops.add(func(context.Context) error { return sw.Close() })
	stop := kill.Suspend(sw, roster.DefaultDirectory())
	stops.add(func(context.Context) error { stop(); return nil })
	d.control = &control{sw: sw, tls: secured, store: etcd.NewKills(client, d.config.Etcd.Prefix)}
	return nil
}

// startControl opens the control endpoint, if this daemon is a hub, and keeps the switch in step
// with a hub. It returns when the daemon may serve.
func (d *daemon) startControl(ctx context.Context, stops *cleanup) error {
	c := d.control
	if d.config.Regions.isHub() {
		if err := d.startHub(ctx, stops); err != nil {
			return err
		}
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	first := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { d.followHubs(following, first) })
	stops.add(func(context.Context) error { stop(); wg.Wait(); return nil })
	select {
	case <-first:
	case <-ctx.Done():
		return nil // it is about to stop
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runtime == nil {
		d.log.Warn("no hub of this region is known: kills reach this daemon through etcd alone, some seconds late, and nobody waits for it",
			"orders", c.sw.Set().Len(), "source", c.sw.Source())
	} else {
		learned := c.runtime.First()
		level := slog.LevelInfo
		if !learned.Confirmed {
			level = slog.LevelWarn
		}
		d.log.Log(ctx, level, "kill switch", "orders", learned.Orders, "source", learned.Source, "confirmed", learned.Confirmed, "problem", learned.Err)
	}
	return nil
}

func (d *daemon) startHub(ctx context.Context, stops *cleanup) error {
	c := d.control
	listener, err := listen(ctx, "regions.control", d.config.Regions.Control)
	if err != nil {
		return err
	}
	stops.add(func(context.Context) error { return ignoreClosed(listener.Close()) })
	c.address = listener.Addr().String()
	c.hub, err = kill.OpenHub(c.sw, kill.HubOptions{
		Region: d.config.Region, Peers: d.hubsOfOthers, TLS: c.tls, Store: c.store, StoreName: "etcd",
		Known:  filepath.Join(d.config.Data, "kill", url.PathEscape(d.config.Host)+".runtimes"),
		Logger: d.log,
	})
	if err != nil {
		return fmt.Errorf("control endpoint: %w", err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := c.hub.Serve(listener); err != nil && !errors.Is(err, net.ErrClosed) {
			d.log.Error("the control endpoint has ended", "error", err)
		}
	})
	stops.add(func(context.Context) error {
		err := c.hub.Close()
		wg.Wait()
		return err
	})
	d.log.Info("control endpoint", "address", c.address)
	return nil
}

// hubsOfOthers are the hubs of other regions: those that the config names, and those in the
// table of regions.
func (d *daemon) hubsOfOthers() []kill.Peer {
	peers := d.config.Regions.hubs()
	for _, region := range d.records.Regions().List() {
		named := func(p kill.Peer) bool { return p.Region == region.Name }
		if region.Name != d.config.Region && !region.Retired && len(region.Control) > 0 && !slices.ContainsFunc(peers, named) {
			peers = append(peers, kill.Peer{Region: region.Name, Addresses: region.Control})
		}
	}
	return peers
}

// hubs are those that a runtime of this region connects to, its own first.
func (d *daemon) hubs() []kill.Peer {
	own := kill.Peer{Region: d.config.Region, Addresses: d.config.Regions.Hub}
	if d.control.hub != nil {
		own.Addresses = []string{d.control.address}
	}
	if len(own.Addresses) == 0 {
		for _, i := range d.view.Get(controlService) {
			if i.Region == d.config.Region {
				own.Addresses = append(own.Addresses, i.Address)
			}
		}
	}
	peers := d.hubsOfOthers()
	if len(own.Addresses) > 0 {
		peers = slices.Insert(peers, 0, own)
	}
	return peers
}

// followHubs keeps a runtime connected to the hubs there are. It closes first when the runtime
// is ready, or there is no hub to wait for.
func (d *daemon) followHubs(ctx context.Context, first chan<- struct{}) {
	var once sync.Once
	begun := func() { once.Do(func() { close(first) }) }
	changes := make(chan struct{}, 1)
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() {
		for range d.view.Changes(ctx) {
			select {
			case changes <- struct{}{}:
			default:
			}
		}
	})
	look := time.NewTicker(hubsInterval) // the table of regions may have changed as well
	defer look.Stop()
	var known []kill.Peer
	for {
		if now := d.hubs(); len(now) > 0 && !slices.EqualFunc(now, known, samePeer) {
			if err := d.connectTo(ctx, now, &running); err != nil {
				d.log.Error("the kill switch is not connected to its hubs", "hubs", now, "error", err)
			}
			known = now
		}
		if runtime := d.control.connected(); runtime != nil {
			select {
			case <-runtime.Ready():
			case <-ctx.Done():
			}
		} else {
			d.control.readStore(ctx, d.log) // a runtime would have read it
		}
		begun()
		select {
		case <-changes:
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// readStore takes the orders that are in the store. It is for as long as there is no runtime, which
// hears them from a hub.
func (c *control) readStore(ctx context.Context, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	orders, err := c.store.Load(ctx)
	if len(orders) > 0 { // one that cannot be read hides no other
		_, applyErr := c.sw.Apply("etcd", orders...)
		err = errors.Join(err, applyErr)
	}
	if err != nil {
		log.Warn("kill switch: orders in etcd may be missing here, trying again", "error", err)
	}
}

// storeWait is how long a daemon that knows no hub waits for the orders in etcd.
const storeWait = 3 * time.Second

// hubsInterval is how often the daemon looks whether there are other hubs.
const hubsInterval = 2 * time.Second

// connectTo tells the runtime of its hubs, or starts it with the first ones. A runtime is never
// replaced: between two of them an order could pass this process by.
func (d *daemon) connectTo(ctx context.Context, hubs []kill.Peer, running *sync.WaitGroup) error {
	if runtime := d.control.connected(); runtime != nil {
		return runtime.SetHubs(hubs)
	}
	runtime, err := kill.NewRuntime(d.control.sw, kill.RuntimeOptions{
		ID: d.config.Host, Region: d.config.Region, Hubs: hubs, TLS: d.control.tls,
		Store: d.control.store, StoreName: "etcd", Count: d.impact, Logger: d.log,
	})
	if err != nil {
		return fmt.Errorf("kill switch: %w", err)
	}
	d.control.mu.Lock()
	d.control.runtime = runtime
	d.control.mu.Unlock()
	running.Go(func() { _ = runtime.Run(ctx) }) // it ends when it is told to
	return nil
}

// connected is the runtime, nil before a hub is known.
func (c *control) connected() *kill.Runtime {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.runtime
}

func samePeer(a, b kill.Peer) bool {
	return a.Region == b.Region && slices.Equal(a.Addresses, b.Addresses)
}

// impact says what a kill would hit in this daemon.
func (d *daemon) impact(target kill.Target) kill.Impact {
	switch target.Kind {
	case kill.KindEntry:
		return kill.CountEntries(roster.DefaultDirectory(), target)
	case kill.KindInstance:
		if target.Part != d.config.Host {
			return kill.Impact{}
		}
		return kill.Impact{Providers: 1, Remaining: len(d.peers.Get(target.Name)), Names: []string{target.String()}}
	default:
		host := d.control.host.Load()
		if host == nil {
			return kill.Impact{} // nothing is served yet
		}
		return host.Impact(target)
	}
}

// announced is the control endpoint as an instance, if this daemon has one.
func (c *control) announced(config *Config) []discovery.Instance {
	if c.hub == nil {
		return nil
	}
	return []discovery.Instance{{
		Service: controlService, ID: config.Host, Address: c.address,
		Region: config.Region, Zone: config.Zone, Version: Version,
	}}
}

// orders is who takes orders for this region: the hub itself, or a client of it.
type orders interface {
	Kill(ctx context.Context, request kill.Request, progress func(kill.Progress)) (kill.Report, error)
}

// operator returns who takes orders, and what ends the use of it.
func (d *daemon) operator() (orders, func(), error) {
	if d.control.hub != nil {
		return d.control.hub, func() {}, nil
	}
	client, err := d.hubClient()
	if err != nil {
		return nil, nil, err
	}
	return client, client.Close, nil
}

// hubClient is a client of the hub that this daemon has a stream to, or of the nearest that is known:
// when the own one is away, orders go out through another region's.
func (d *daemon) hubClient() (*kill.Client, error) {
	hubs := d.hubs()
	if len(hubs) == 0 {
		return nil, errors.New("no hub is known: start a daemon of this region with --control ADDRESS, or name its address in regions.hub")
	}
	hub := hubs[0]
	if runtime := d.control.connected(); runtime != nil {
		if s := runtime.Status(); s.Connected {
			at := slices.IndexFunc(hubs, func(p kill.Peer) bool { return p.Region == s.Hub })
			hub = hubs[max(at, 0)]
		}
	}
	client, err := kill.NewClient(hub, d.control.tls)
	if err != nil {
		return nil, fmt.Errorf("the hub of region %s: %w", hub.Region, err)
	}
	return client, nil
}
