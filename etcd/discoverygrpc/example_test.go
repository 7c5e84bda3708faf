package discoverygrpc_test

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/discovery/pick"
	"github.com/roster-go/roster/etcd/discoverygrpc"
)

func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	store := discovery.NewMemory(0) // in a fleet, package etcd

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, new(health))
	served := make(chan error)
	go func() {
		served <- discoverygrpc.Serve(ctx, store, server, listener, discovery.Service{
			Instances: []discovery.Instance{{Service: "payments", ID: "a", Address: listener.Addr().String()}},
		})
	}()

	view := discovery.NewView()
	go view.Run(context.Background(), store)
	resolver, err := discoverygrpc.NewResolver(view, pick.Options{Policy: pick.LeastLoaded})
	if err != nil {
		fmt.Println(err)
		return
	}
	conn, err := grpc.NewClient("roster:///payments",
		grpc.WithResolvers(resolver), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{}, grpc.WaitForReady(true))
	fmt.Println(answer.GetStatus(), err)

	stop() // leaves the fleet, then stops
	fmt.Println(<-served, conn.Close())
	// Output:
	// SERVING <nil>
	// <nil> <nil>
}
