package discoverygrpc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/serviceconfig"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/discovery/pick"
)

// Scheme is that of the targets: roster:///{service}.
const Scheme = "roster"

// A Resolver resolves roster:///{service} by a view. Give it to a connection with
// [google.golang.org/grpc.WithResolvers], or to all with
// [google.golang.org/grpc/resolver.Register].
type Resolver struct {
	view   *discovery.View
	config string // the service config
}

var _ resolver.Builder = (*Resolver)(nil)

// NewResolver returns a resolver for the services of a view, whose connections choose
// among the instances as opts say. The error is a [*pick.OptionError].
func NewResolver(view *discovery.View, opts pick.Options) (*Resolver, error) {
	if _, err := pick.NewPool(opts); err != nil {
		return nil, fmt.Errorf("discoverygrpc: %w", err)
	}
	own, err := json.Marshal(configOf(opts))
	if err != nil {
		return nil, fmt.Errorf("discoverygrpc: the service config: %w", err)
	}
	return &Resolver{view: view, config: fmt.Sprintf(`{"loadBalancingConfig":[{%q:%s}]}`, BalancerName, own)}, nil
}

// Scheme implements [resolver.Builder].
func (r *Resolver) Scheme() string { return Scheme }

// Build implements [resolver.Builder].
func (r *Resolver) Build(target resolver.Target, conn resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	service := strings.TrimPrefix(target.URL.Path, "/")
	if service == "" {
		service = target.URL.Opaque
	}
	if target.URL.Host != "" {
		return nil, fmt.Errorf("discoverygrpc: the target %q has an authority; write %s:///%s, with three slashes", &target.URL, Scheme, target.URL.Host)
	}
	if err := (discovery.Key{Service: service, ID: "probe"}).Validate(); err != nil {
		return nil, fmt.Errorf("discoverygrpc: the target %q does not name a service, write %s:///{service}: %w", &target.URL, Scheme, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &following{view: r.view, service: service, conn: conn, config: conn.ParseServiceConfig(r.config), cancel: cancel, ended: make(chan struct{})}
	go f.run(ctx)
	return f, nil
}

// A following keeps one connection up to date.
type following struct {
	view    *discovery.View
	service string
	conn    resolver.ClientConn
	config  *serviceconfig.ParseResult
	cancel  context.CancelFunc
	ended   chan struct{}
}

// ResolveNow implements [resolver.Resolver]. The view is up to date by itself.
func (f *following) ResolveNow(resolver.ResolveNowOptions) {}

// Close implements [resolver.Resolver].
func (f *following) Close() {
	f.cancel()
	<-f.ended
}

// readyWait is how long calls wait for the first state of the view before they are told why
// there is none.
const readyWait = time.Second

// awaitReady waits for the first state of the view. Meanwhile it says why there is none, so
// that calls fail with a reason instead of waiting for their deadlines.
func (f *following) awaitReady(ctx context.Context) {
	tick := time.NewTicker(readyWait)
	defer tick.Stop()
	for {
		select {
		case <-f.view.Ready():
			return
		case <-ctx.Done():
			return
		case <-tick.C:
			if status := f.view.Status(); !status.Ready && status.Err != nil {
				f.conn.ReportError(&pick.NoneError{Service: f.service, Err: status.Err})
			}
		}
	}
}

func (f *following) run(ctx context.Context) {
	defer close(f.ended)
	f.awaitReady(ctx)
	ours := func(e discovery.Event) bool { return e.Instance.Service == f.service }
	first := true
	for batch := range f.view.Changes(ctx) {
		if first || slices.ContainsFunc(batch.Events, ours) {
			f.update() // what counts is how the view is now
		}
		first = false
	}
}

// update tells the connection the instances of the service as they are now.
func (f *following) update() {
	instances := f.view.Get(f.service)
	state := resolver.State{ServiceConfig: f.config, Attributes: withInstances(f.service, instances)}
	seen := make(map[string]bool, len(instances))
	for _, instance := range instances {
		address := dialable(instance.Address)
		if !seen[address] { // gRPC wants each address once
			seen[address] = true
			state.Addresses = append(state.Addresses, resolver.Address{Addr: address})
		}
	}
	// The error asks for another attempt, which the next change is.
	_ = f.conn.UpdateState(state)
}

// dialable is the host:port of an address that may be a URL.
func dialable(address string) string {
	if strings.Contains(address, "://") {
		if parsed, err := url.Parse(address); err == nil && parsed.Host != "" {
			return parsed.Host
		}
	}
	return address
}
