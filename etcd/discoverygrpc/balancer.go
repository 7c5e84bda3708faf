package discoverygrpc

import (
	"context"
	"fmt"
	"reflect"
	"sync"

	"google.golang.org/grpc/attributes"
	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/balancer/base"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/discovery/pick"
)

// BalancerName is the balancer's name in a service config.
const BalancerName = "roster"

func init() { balancer.Register(builder{}) } //nolint:gochecknoinits // how gRPC learns of balancers

type builder struct{}

var (
	_ balancer.Builder      = builder{}
	_ balancer.ConfigParser = builder{}
)

// Name implements [balancer.Builder].
func (builder) Name() string { return BalancerName }

// Build implements [balancer.Builder].
func (builder) Build(conn balancer.ClientConn, opts balancer.BuildOptions) balancer.Balancer {
	pickers := new(pickers)
	own := &explaining{ClientConn: conn}
	return &chooser{
		Balancer: base.NewBalancerBuilder(BalancerName, pickers, base.Config{HealthCheck: true}).Build(own, opts),
		conn:     own, pickers: pickers,
	}
}

// An explaining connection says why there is nobody to call in place of the base balancer,
// which tells no more than that there is no address, and tells it again whenever one of the
// connections that are left has ended.
type explaining struct {
	balancer.ClientConn

	none *balancer.State // nil if there is an instance; gRPC calls the balancer one by one
}

// UpdateState implements [balancer.ClientConn].
func (e *explaining) UpdateState(state balancer.State) {
	if e.none != nil {
		state = *e.none
	}
	e.ClientConn.UpdateState(state)
}

// A chooser is gRPC's base balancer, which keeps a connection to each address, with
// pickers that know the instances behind the addresses. gRPC calls it from one goroutine.
type chooser struct {
	balancer.Balancer

	conn    *explaining
	pickers *pickers
}

// UpdateClientConnState implements [balancer.Balancer].
func (c *chooser) UpdateClientConnState(state balancer.ClientConnState) error {
	config, ok := state.BalancerConfig.(*Config)
	if !ok {
		config = new(Config)
	}
	service, instances := instancesOf(state.ResolverState)
	if err := c.pickers.update(config, instances); err != nil {
		return err
	}
	if chosen := c.pickers.connect(instances); chosen != nil {
		state.ResolverState.Addresses = chosen
	}
	c.conn.none = nil
	if len(instances) == 0 {
		none := &pick.NoneError{Service: service}
		c.conn.none = &balancer.State{
			ConnectivityState: connectivity.TransientFailure,
			// Not a status, with which gRPC would end even a call that wants to wait.
			Picker: base.NewErrPicker(none),
		}
	}
	err := c.Balancer.UpdateClientConnState(state)
	if len(instances) == 0 {
		return nil // the view tells when there is one
	}
	return err //nolint:wrapcheck // it is gRPC's own
}

// pickers makes the pickers of a chooser. They share a pool, which knows which instance is
// busy or failing.
type pickers struct {
	mu        sync.Mutex // guards the fields below; gRPC makes pickers on the goroutine of subconnections too
	config    *Config
	pool      *pick.Pool
	instances []discovery.Instance
}

// update takes the instances, and a new pool if the options are others.
func (p *pickers) update(config *Config, instances []discovery.Instance) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pool == nil || !reflect.DeepEqual(*p.config, *config) {
		pool, err := pick.NewPool(config.options())
		if err != nil {
			return fmt.Errorf("discoverygrpc: %w", err)
		}
		p.pool, p.config = pool, config
	}
	p.instances = instances
	return nil
}

// connect returns the addresses of the instances in the subset, or nil without one.
func (p *pickers) connect(instances []discovery.Instance) []resolver.Address {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.config.Subset == 0 || p.config.Subset >= len(instances) {
		return nil
	}
	// A subset of its own for connections, since the pool's is of what is connected.
	narrowed, err := pick.NewPool(p.config.options())
	if err != nil {
		return nil
	}
	narrowed.Update(instances)
	var addresses []resolver.Address
	p.instances = nil
	for _, endpoint := range narrowed.Status() {
		p.instances = append(p.instances, endpoint.Instance)
		addresses = append(addresses, resolver.Address{Addr: dialable(endpoint.Instance.Address)})
	}
	return addresses
}

// Build implements [base.PickerBuilder].
func (p *pickers) Build(info base.PickerBuildInfo) balancer.Picker {
	conns := make(map[string]balancer.SubConn, len(info.ReadySCs))
	for conn, sub := range info.ReadySCs {
		conns[sub.Address.Addr] = conn
	}
	if len(conns) == 0 {
		return base.NewErrPicker(balancer.ErrNoSubConnAvailable)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pool.UpdateReady(p.instances, func(i *discovery.Instance) bool { return conns[dialable(i.Address)] != nil })
	return &picker{pool: p.pool, conns: conns}
}

// A picker chooses among instances to which there is a connection.
type picker struct {
	pool  *pick.Pool
	conns map[string]balancer.SubConn // by address
}

// Pick implements [balancer.Picker].
func (p *picker) Pick(info balancer.PickInfo) (balancer.PickResult, error) {
	key, _ := info.Ctx.Value(keyOf{}).(string)
	picked, err := p.pool.Pick(key)
	if err != nil {
		return balancer.PickResult{}, balancer.ErrNoSubConnAvailable
	}
	conn := p.conns[dialable(picked.Instance().Address)]
	if conn == nil { // the pool is ahead of this picker, which is about to be replaced
		picked.Done(context.Canceled)
		return balancer.PickResult{}, balancer.ErrNoSubConnAvailable
	}
	return balancer.PickResult{
		SubConn: conn,
		Done:    func(done balancer.DoneInfo) { picked.Done(blame(done.Err)) },
	}, nil
}

// blame tells an error that speaks against an instance from one that it returned in good
// order, which is nil here, and from one of the caller's own.
func blame(err error) error {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Internal, codes.DataLoss:
		return err
	case codes.Canceled:
		return context.Canceled
	default:
		return nil
	}
}

type keyOf struct{}

// WithKey returns a context whose calls have a key for [pick.ConsistentHash].
func WithKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, keyOf{}, key)
}

type instancesKey struct{}

// resolved is what the resolver tells the balancer beside addresses.
type resolved struct {
	service   string
	instances []discovery.Instance
}

// Equal is asked by gRPC whether anything has changed.
func (r resolved) Equal(other any) bool {
	o, ok := other.(resolved)
	if !ok || r.service != o.service || len(r.instances) != len(o.instances) {
		return false
	}
	for i := range r.instances {
		if !r.instances[i].Equal(o.instances[i]) {
			return false
		}
	}
	return true
}

func withInstances(service string, instances []discovery.Instance) *attributes.Attributes {
	return attributes.New(instancesKey{}, resolved{service, instances})
}

// instancesOf returns what the resolver told, or instances made of addresses if it is
// another one.
func instancesOf(state resolver.State) (string, []discovery.Instance) {
	if told, ok := state.Attributes.Value(instancesKey{}).(resolved); ok {
		return told.service, told.instances
	}
	instances := make([]discovery.Instance, len(state.Addresses))
	for i, address := range state.Addresses {
		instances[i] = discovery.Instance{ID: address.Addr, Address: address.Addr}
	}
	return "", instances
}
