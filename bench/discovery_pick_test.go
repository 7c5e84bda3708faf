package bench_test

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"testing"

	"github.com/go-kit/kit/endpoint"
	"github.com/go-kit/kit/sd"
	"github.com/go-kit/kit/sd/lb"
	"github.com/go-kit/log"
	"github.com/go-kratos/kratos/v2/registry"
	"github.com/go-kratos/kratos/v2/selector"
	"github.com/go-kratos/kratos/v2/selector/p2c"
	"github.com/go-kratos/kratos/v2/selector/random"
	"github.com/go-kratos/kratos/v2/selector/wrr"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/discovery/pick"
)

func instances(n int) []discovery.Instance {
	list := make([]discovery.Instance, n)
	for i := range list {
		list[i] = discovery.Instance{
			Service: "pay", ID: strconv.Itoa(i), Address: fmt.Sprintf("10.0.%d.%d:80", i/250, i%250),
			Metadata: map[string]string{"weight": strconv.Itoa(1 + i%3)},
		}
	}
	return list
}

// staticView is a view whose state does not change.
type staticView []discovery.Instance

func (v staticView) Get(string) []discovery.Instance { return v }
func (v staticView) Version() uint64                 { return 1 }

// BenchmarkDiscoveryPick chooses an instance. A pick with its outcome is what a call costs;
// go-kit's round
// robin takes no outcome. gRPC's own, which etcd's resolver is used with, cannot be had without
// connections, and go-zero's is internal to it.
func BenchmarkDiscoveryPick(b *testing.B) {
	for _, n := range []int{10, 1000} {
		list := instances(n)
		for _, policy := range []pick.Policy{pick.RoundRobin, pick.Weighted, pick.LeastLoaded, pick.ConsistentHash} {
			balancer, err := pick.New(staticView(list), "pay", pick.Options{Policy: policy})
			if err != nil {
				b.Fatal(err)
			}
			b.Run(fmt.Sprintf("roster_%s/pick/%d", policy, n), func(b *testing.B) {
				if policy == pick.ConsistentHash {
					b.Skip("its picks heed the calls in flight, so a pick without an outcome is not what it is for")
				}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := balancer.Pick("key"); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(fmt.Sprintf("roster_%s/call/%d", policy, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					picked, err := balancer.Pick("key")
					if err != nil {
						b.Fatal(err)
					}
					picked.Done(nil)
				}
			})
		}
		benchKratos(b, list)
		benchKit(b, list)
	}
}

func benchKratos(b *testing.B, list []discovery.Instance) {
	b.Helper()
	for name, s := range map[string]selector.Selector{"p2c": p2c.New(), "wrr": wrr.New(), "random": random.New()} {
		var nodes []selector.Node
		for _, i := range list {
			nodes = append(nodes, selector.NewNode("grpc", i.Address, &registry.ServiceInstance{ID: i.ID, Name: i.Service, Metadata: i.Metadata}))
		}
		s.Apply(nodes)
		b.Run(fmt.Sprintf("kratos_%s/call/%d", name, len(list)), func(b *testing.B) {
			b.ReportAllocs()
			ctx := context.Background()
			for b.Loop() {
				_, done, err := s.Select(ctx)
				if err != nil {
					b.Fatal(err)
				}
				done(ctx, selector.DoneInfo{})
			}
		})
	}
}

func benchKit(b *testing.B, list []discovery.Instance) {
	b.Helper()
	var addresses sd.FixedInstancer
	for _, i := range list {
		addresses = append(addresses, i.Address)
	}
	factory := func(string) (endpoint.Endpoint, io.Closer, error) { return endpoint.Nop, nil, nil }
	endpoints := sd.NewEndpointer(addresses, factory, log.NewNopLogger())
	b.Cleanup(endpoints.Close)
	robin := lb.NewRoundRobin(endpoints)
	b.Run(fmt.Sprintf("kit_round_robin/pick/%d", len(list)), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := robin.Endpoint(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
