// Package daemon puts the packages of Roster together into one process: an
// embedded or external etcd, a view of the fleet, a host of plugins, and a port
// that serves calls, lists and metrics. It holds wiring; what is wired can be
// used without it.
//
// # Concurrency properties
//
// Run owns every goroutine it starts and returns when all have ended.
package daemon

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/cmd/roster/internal/access"
	"github.com/roster-go/roster/cmd/roster/internal/builtin"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd"
	"github.com/roster-go/roster/etcd/replication"
	"github.com/roster-go/roster/plugin"
	"github.com/roster-go/roster/telemetry"
)

// Version is the daemon's.
const Version = builtin.Version

// Bounds of the steps of starting and stopping.
const (
	firstViewWait = 5 * time.Second  // for the fleet to be known before the daemon is ready
	stopTimeout   = 15 * time.Second // for everything together
	headerTimeout = 10 * time.Second // for a client to send a request's header
	idleTimeout   = 2 * time.Minute  // for it to send the next

	// linger is how long the daemon goes on to serve after it has left the fleet: readers
	// need a moment to see that.
	linger = 500 * time.Millisecond
)

type daemon struct {
	config       Config
	log          *slog.Logger
	host         *plugin.Host
	view         *discovery.View
	peers        fleet
	control      *control
	records      *replication.Store
	agent        *replication.Agent // nil if nothing is replicated
	namespaces   *namespaces        // nil without a strong store
	drilling     drilling
	console      consoleParts
	service      service
	announcement discovery.Announcement

	pluginConfigs *roster.Hot[json.RawMessage]
	pluginMetrics *telemetry.Plugins
	viewMetrics   *telemetry.Discovery
	metrics       *prometheus.Registry
	endpoints     []string      // of etcd
	watches       atomic.Int64  // clients that follow a service
	closing       chan struct{} // closed when the server shuts down
	guard         *access.Guard
	audit         *access.Log

	auditFollowers atomic.Int32 // clients that follow the audit log
	ready          atomic.Bool
}

// Run serves until ctx ends, and then stops in order: it leaves the fleet,
// finishes the calls it has, and ends its plugins. It calls ready with its URL
// once it can serve.
func Run(ctx context.Context, config Config, log *slog.Logger, ready func(url string)) (err error) {
	if err := config.complete(); err != nil {
		return err
	}
	var stops cleanup
	defer func() {
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		err = errors.Join(err, stops.run(stopCtx))
	}()

	listener, err := listen(ctx, "listen", config.Listen)
	if err != nil {
		return err
	}
	stops.add(func(context.Context) error { return ignoreClosed(listener.Close()) })
	if err := config.completeHost(listener.Addr()); err != nil {
		return err
	}

	d := &daemon{
		config: config, log: log.With("host", config.Host),
		metrics: prometheus.NewRegistry(), closing: make(chan struct{}),
	}
	if err := d.openService(); err != nil {
		return err
	}
	secured, err := config.Access.tls()
	if err != nil {
		return err
	}
	if err := d.openAccess(&stops); err != nil {
		return err
	}
	tracers, err := d.startOTLP(ctx, &stops)
	if err != nil {
		return err
	}
	d.pluginMetrics = telemetry.NewPlugins(tracers)
	client, err := d.connectEtcd(ctx, &stops)
	if err != nil {
		return err
	}
	if err := d.openSwitch(client, &stops); err != nil {
		return err
	}
	backend := d.startDiscovery(ctx, client, &stops)
	if err := d.openRecords(client, &stops); err != nil {
		return err
	}
	if err := d.startControl(ctx, &stops); err != nil {
		return err
	}
	if err := d.startNamespaces(client, &stops); err != nil {
		return err
	}
	d.drilling.client, d.drilling.prefix = client, drillPrefix(d.config.Etcd.Prefix)
	if err := d.startReplication(&stops); err != nil {
		return err
	}
	d.followDrills(&stops)
	if err := d.startHost(ctx, &stops); err != nil {
		return err
	}
	d.followConfig(&stops)
	failed := d.serve(listener, secured, &stops)
	// Stopping goes the other way: the fleet is told before the port closes.
	if err := d.announce(ctx, backend, cmp.Or(config.Access.Advertise, listener.Addr().String()), &stops); err != nil {
		return err
	}

	roster.DefaultDirectory().LogNames(d.log)
	d.ready.Store(true)
	d.service.watch(&stops)
	d.service.ready()
	ready(config.Access.scheme() + "://" + listener.Addr().String())
	select {
	case <-ctx.Done():
		d.log.Info("stopping")
		d.service.stopping()
		d.ready.Store(false)
		return nil
	case err := <-failed:
		return fmt.Errorf("serving on %s: %w", listener.Addr(), err)
	}
}

// listen listens on the address of a setting.
func listen(ctx context.Context, setting, address string) (net.Listener, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &ConfigError{setting, fmt.Sprintf(
			"%s is in use by another program, perhaps another roster; stop that one or give --%s another port",
			address, strings.ReplaceAll(strings.TrimPrefix(setting, "regions."), ".", "-")), err}
	}
	if err != nil {
		return nil, &ConfigError{setting, fmt.Sprintf("cannot listen on %s: %v", address, err), err}
	}
	return listener, nil
}

// startDiscovery fills the view from etcd.
func (d *daemon) startDiscovery(ctx context.Context, client *clientv3.Client, stops *cleanup) *etcd.Backend {
	d.endpoints = client.Endpoints()
	backend := etcd.New(client, etcd.Options{
		Prefix: d.config.Etcd.Prefix, Endpoints: d.config.Etcd.NamingEndpoints, TTL: d.config.LeaseTTL, Regions: true, Logger: d.log,
	})
	options := []discovery.ViewOption{
		discovery.HideKilled(d.control.sw),
		discovery.KeepCopy(filepath.Join(d.config.Data, "views", url.PathEscape(d.config.Host)+".json")),
	}
	if d.config.Protect {
		options = append(options, discovery.Protect(discovery.Protection{}))
	}
	d.view = discovery.NewView(options...)
	d.viewMetrics = telemetry.NewDiscovery(d.view, backend)
	d.peers = fleet{view: d.view, self: d.config.Host}

	running, stopView := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := d.view.Run(running, backend); err != nil && running.Err() == nil {
			d.log.Error("the view of the fleet has ended", "error", err)
		}
	})
	stops.add(func(context.Context) error { stopView(); wg.Wait(); return nil })

	wait, cancel := context.WithTimeout(ctx, firstViewWait)
	defer cancel()
	select {
	case <-d.view.Ready():
	case <-wait.Done():
		d.log.Warn("etcd does not answer; serving what is local until it does", "endpoints", client.Endpoints())
	}
	return backend
}

// startHost starts the plugins. A plugin that cannot start keeps the daemon
// from starting: what it should serve would be missing without anybody noticing.
func (d *daemon) startHost(ctx context.Context, stops *cleanup) error {
	stopLog := roster.DefaultDirectory().LogLoads(d.log, builtin.Linked.Name()) // the host tells of plugins
	stops.add(func(context.Context) error { stopLog(); return nil })
	configs, err := pluginConfigs(&d.config)
	if err != nil {
		return err
	}
	d.pluginConfigs = configs
	sandbox, err := d.config.pluginSandbox()
	if err != nil {
		return err
	}
	peers, err := d.config.Access.peerOptions()
	if err != nil {
		return err
	}
	host, err := plugin.NewHost(plugin.Options{
		Kill: d.control.sw, PeerOptions: peers,
		Config: configs, Sandbox: sandbox, TrustedKeys: d.config.TrustedKeys, Observer: countingObserver{&d.console.traffic, d.pluginMetrics},
		Logger: d.pluginLog(), Linked: builtin.Linked, Fleet: d.peers, CallTimeout: d.config.CallTimeout,
		Host: d.config.Host, Region: d.config.Region, Zone: d.config.Zone,
	})
	if err != nil {
		return fmt.Errorf("plugin host: %w", err)
	}
	stops.add(host.Close)
	d.host = host
	d.control.host.Store(host)
	if len(d.config.TrustedKeys) > 0 { // this program is not signed as a plugin of itself
		return d.startPlugins(ctx, stops)
	}
	self, err := builtin.Descriptor()
	if err != nil {
		return err
	}
	if err := host.Add(ctx, self); err != nil {
		return err
	}
	return d.startPlugins(ctx, stops)
}

// startPlugins adds what is in the folder of plugins, and follows it if that is wanted.
func (d *daemon) startPlugins(ctx context.Context, stops *cleanup) error {
	if d.config.Plugins == "" {
		return nil
	}
	if err := d.host.LoadDir(ctx, d.config.Plugins); err != nil {
		return err
	}
	if !d.config.Watch {
		return nil
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := d.host.Watch(following, d.config.Plugins); err != nil {
			d.log.Error("the folder of plugins is not followed any more", "error", err)
		}
	})
	stops.add(func(context.Context) error { stop(); wg.Wait(); return nil })
	return nil
}

// announce tells the fleet what this host serves, and again whenever a plugin
// comes or goes.
func (d *daemon) announce(ctx context.Context, backend *etcd.Backend, address string, stops *cleanup) error {
	served := func() []discovery.Instance {
		instances := d.control.announced(&d.config)
		for _, c := range d.host.Capabilities() {
			instances = append(instances, discovery.Instance{
				Service: c.Name, ID: d.config.Host, Address: address,
				Region: d.config.Region, Zone: d.config.Zone, Version: Version,
				Metadata: map[string]string{"kind": string(c.Kind)},
			})
		}
		return instances
	}
	changed := d.host.Changed()
	announcement, err := backend.Announce(ctx, served())
	if err != nil {
		return fmt.Errorf("announcing what this host serves: %w", err)
	}
	d.announcement = announcement
	d.metrics.MustRegister(telemetry.NewAnnouncement(announcement))

	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-following.Done():
				return
			case <-changed:
			}
			changed = d.host.Changed()
			if err := announcement.Update(following, served()); err != nil && following.Err() == nil {
				d.log.Warn("the change of what this host serves is not announced yet", "error", err)
			}
		}
	})
	stops.add(pause)
	stops.add(announcement.Close)
	stops.add(func(context.Context) error { stop(); wg.Wait(); return nil })
	return nil
}

// pause waits until readers have seen that this host has left, or until ctx ends.
func pause(ctx context.Context) error {
	wait := time.NewTimer(linger)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
	return nil
}

// cleanup runs what was added, last first.
type cleanup struct{ steps []func(context.Context) error }

func (c *cleanup) add(step func(context.Context) error) { c.steps = append(c.steps, step) }

func (c *cleanup) run(ctx context.Context) error {
	var errs []error
	for _, step := range slices.Backward(c.steps) {
		errs = append(errs, step(ctx))
	}
	return errors.Join(errs...)
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func ignoreCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
