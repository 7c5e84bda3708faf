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
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/cmd/roster/internal/builtin"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd"
	"github.com/roster-go/roster/etcd/embedded"
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
)

type daemon struct {
	config       Config
	log          *slog.Logger
	host         *plugin.Host
	view         *discovery.View
	peers        fleet
	announcement discovery.Announcement

	pluginConfigs *roster.Hot[json.RawMessage]
	pluginMetrics *telemetry.Plugins
	ready         atomic.Bool
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

	listener, err := listen(ctx, config.Listen)
	if err != nil {
		return err
	}
	stops.add(func(context.Context) error { return ignoreClosed(listener.Close()) })
	if err := config.completeHost(listener.Addr()); err != nil {
		return err
	}

	d := &daemon{config: config, log: log.With("host", config.Host), pluginMetrics: telemetry.NewPlugins(nil)}
	backend, err := d.startDiscovery(ctx, &stops)
	if err != nil {
		return err
	}
	if err := d.startHost(ctx, &stops); err != nil {
		return err
	}
	d.followConfig(&stops)
	failed := d.serve(listener, &stops)
	// Stopping goes the other way: the fleet is told before the port closes.
	if err := d.announce(ctx, backend, listener.Addr().String(), &stops); err != nil {
		return err
	}

	logRegistries(d.log)
	d.ready.Store(true)
	ready("http://" + listener.Addr().String())
	select {
	case <-ctx.Done():
		d.log.Info("stopping")
		d.ready.Store(false)
		return nil
	case err := <-failed:
		return fmt.Errorf("serving on %s: %w", listener.Addr(), err)
	}
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &ConfigError{"listen", fmt.Sprintf(
			"%s is in use by another program, perhaps another roster; stop that one or give --listen another port", address), err}
	}
	if err != nil {
		return nil, &ConfigError{"listen", fmt.Sprintf("cannot listen on %s: %v", address, err), err}
	}
	return listener, nil
}

// startDiscovery connects to etcd, its own or the given one, and fills the view.
func (d *daemon) startDiscovery(ctx context.Context, stops *cleanup) (*etcd.Backend, error) {
	client, err := d.connectEtcd(ctx, stops)
	if err != nil {
		return nil, err
	}
	backend := etcd.New(client, etcd.Options{TTL: d.config.LeaseTTL, Logger: d.log})
	d.view = discovery.NewView()
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
	return backend, nil
}

func (d *daemon) connectEtcd(ctx context.Context, stops *cleanup) (*clientv3.Client, error) {
	if endpoints := d.config.Etcd.Endpoints; len(endpoints) > 0 {
		const later = -1 // a daemon starts while etcd is away, and joins when it is back
		client, err := etcd.Dial(ctx, endpoints, etcd.DialOptions{Timeout: later, Logger: d.log})
		if err != nil {
			return nil, &ConfigError{"etcd.endpoints", err.Error(), err}
		}
		stops.add(func(context.Context) error { return ignoreCanceled(client.Close()) })
		return client, nil
	}
	server, err := embedded.Start(ctx, embedded.Config{
		Dir: d.config.Data, ClientListen: d.config.Etcd.Listen, Logger: d.log,
	})
	if err != nil {
		return nil, err
	}
	stops.add(server.Close)
	d.log.Info("embedded etcd is ready", "endpoint", server.Endpoint(), "data", d.config.Data)
	client, err := server.Client()
	if err != nil {
		return nil, fmt.Errorf("client of the embedded etcd: %w", err)
	}
	stops.add(func(context.Context) error { return ignoreCanceled(client.Close()) })
	return client, nil
}

// startHost starts the plugins. A plugin that cannot start keeps the daemon
// from starting: what it should serve would be missing without anybody noticing.
func (d *daemon) startHost(ctx context.Context, stops *cleanup) error {
	configs, err := pluginConfigs(&d.config)
	if err != nil {
		return err
	}
	d.pluginConfigs = configs
	sandbox, err := d.config.pluginSandbox()
	if err != nil {
		return err
	}
	host, err := plugin.NewHost(plugin.Options{
		Config: configs, Sandbox: sandbox, TrustedKeys: d.config.TrustedKeys, Observer: d.pluginMetrics,
		Logger: d.log, Linked: builtin.Linked, Fleet: d.peers, CallTimeout: d.config.CallTimeout,
		Host: d.config.Host, Region: d.config.Region, Zone: d.config.Zone,
	})
	if err != nil {
		return fmt.Errorf("plugin host: %w", err)
	}
	stops.add(host.Close)
	d.host = host
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
		var instances []discovery.Instance
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
	stops.add(announcement.Close)
	stops.add(func(context.Context) error { stop(); wg.Wait(); return nil })
	return nil
}

// serve answers on listener; the channel receives the error that ends it.
func (d *daemon) serve(listener net.Listener, stops *cleanup) <-chan error {
	withRPC, stopRPC := rpc(d.host)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{
		Handler:           guard(withRPC(d.routes())),
		Protocols:         protocols,
		ReadHeaderTimeout: headerTimeout,
		ErrorLog:          slog.NewLogLogger(d.log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	})
	stops.add(func(ctx context.Context) error {
		err := server.Shutdown(ctx)
		if err != nil {
			err = errors.Join(fmt.Errorf("calls were still running: %w", err), server.Close())
		}
		stopRPC()
		wg.Wait()
		return err
	})
	return failed
}

// logRegistries writes the names in every registry, sorted: what a program had
// is the first question after an incident.
func logRegistries(log *slog.Logger) {
	for _, r := range roster.DefaultDirectory().Registries() {
		var names []string
		for e := range r.Entries() {
			names = append(names, e.Name)
		}
		log.Info("registry", "registry_name", r.Name(), "size", len(names), "names", names)
	}
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
