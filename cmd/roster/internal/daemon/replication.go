package daemon

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd/replication"
)

// openRecords opens the store of records in the region's etcd.
func (d *daemon) openRecords(client *clientv3.Client, stops *cleanup) error {
	store, err := replication.Open(client, replication.Options{
		Region: d.config.Region, Prefix: d.config.Etcd.Prefix, Name: "records", Logger: d.log,
	})
	if err != nil {
		return &ConfigError{"region", err.Error(), err}
	}
	stops.add(store.Close)
	d.records = store
	return nil
}

// startReplication replicates records and instances to the other regions, if that is wanted.
func (d *daemon) startReplication(stops *cleanup) error {
	if d.config.Regions.Replication == "" {
		return nil
	}
	agent, err := replication.NewAgent(d.records, replication.AgentOptions{
		Listen: d.config.Regions.Replication, Control: d.controlAddresses(), TLS: d.control.tls,
		Dial: d.dialOthers, Handler: d.forRegions(), Logger: d.log,
	})
	if err != nil {
		return &ConfigError{"regions.replication", err.Error(), err}
	}
	d.agent = agent
	running, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := agent.Run(running); err != nil && running.Err() == nil {
			d.log.Error("replication has ended", "error", err)
		}
	})
	wg.Go(func() { d.introduce(running) })
	stops.add(func(context.Context) error { stop(); wg.Wait(); return nil })
	d.log.Info("replication endpoint", "address", agent.Address())
	return nil
}

func (d *daemon) controlAddresses() []string {
	if d.control.hub == nil {
		return nil
	}
	return []string{d.control.address}
}

// introduce adds the regions that the config names to the table, unless they are in it.
func (d *daemon) introduce(ctx context.Context) {
	const pause = time.Second
	missing := slices.DeleteFunc(slices.Sorted(maps.Keys(d.config.Regions.Others)), func(name string) bool {
		return len(d.config.Regions.Others[name].Replication) == 0
	})
	if d.records.AwaitReady(ctx) != nil {
		return
	}
	for len(missing) > 0 {
		missing = slices.DeleteFunc(missing, func(name string) bool {
			if _, known := d.records.Regions().Get(name); known {
				return true
			}
			err := d.records.Regions().Add(ctx, replication.Region{
				Name: name, Replication: d.config.Regions.Others[name].Replication, Control: d.config.Regions.Others[name].Control,
			})
			if err != nil {
				d.log.Warn("a region of the config is not a peer yet", "other", name, "error", err)
			}
			return err == nil
		})
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// dialOthers connects to another region by the addresses that the config has for it, and
// otherwise by those that the region says.
func (d *daemon) dialOthers(ctx context.Context, network, address string) (net.Conn, error) {
	var dialer net.Dialer
	for _, region := range d.records.Regions().List() {
		own := d.config.Regions.Others[region.Name].Replication
		if len(own) == 0 || !slices.Contains(region.Replication, address) {
			continue
		}
		var err error
		for _, address := range own {
			var conn net.Conn
			if conn, err = dialer.DialContext(ctx, network, address); err == nil {
				return conn, nil
			}
		}
		return nil, fmt.Errorf("region %s: %w", region.Name, err)
	}
	return dialer.DialContext(ctx, network, address) //nolint:wrapcheck // it names the address
}
