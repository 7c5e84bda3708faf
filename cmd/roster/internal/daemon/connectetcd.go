package daemon

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd"
	"github.com/roster-go/roster/etcd/embedded"
)

// connectEtcd connects to etcd, its own or the given one.
func (d *daemon) connectEtcd(ctx context.Context, stops *cleanup) (*clientv3.Client, error) {
	if endpoints := d.config.Etcd.Endpoints; len(endpoints) > 0 {
		options, err := d.config.Etcd.DialOptions(d.log)
		if err != nil {
			return nil, err
		}
		client, err := etcd.Dial(ctx, endpoints, options)
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
