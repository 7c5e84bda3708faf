package discovery_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/discovery/discoveryhttp"
	"github.com/roster-go/roster/etcd"
	"github.com/roster-go/roster/etcd/discoverygrpc"
)

// childVariable makes the test binary a process that serves and announces itself: the etcd
// endpoints, its id, and the service, which is child for a server of HTTP and rpc for one of
// gRPC: "endpoint,endpoint id service".
const childVariable = "ROSTER_E2E_CHILD"

func runChild(order string) error {
	fields := strings.Fields(order)
	if len(fields) != 3 {
		return fmt.Errorf("%s is %q", childVariable, order)
	}
	endpoints, id, service := fields[0], fields[1], fields[2]
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	client, err := etcd.Dial(ctx, strings.Split(endpoints, ","), etcd.DialOptions{Timeout: -1})
	if err != nil {
		return err
	}
	defer client.Close()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	registrar := etcd.New(client, etcd.Options{TTL: ttl})
	served := discovery.Service{Instances: []discovery.Instance{{Service: service, ID: id, Address: listener.Addr().String()}}}
	if service == "rpc" {
		server := grpc.NewServer()
		grpc_health_v1.RegisterHealthServer(server, slowHealth{})
		return discoverygrpc.Serve(ctx, registrar, server, listener, served)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(5 * time.Millisecond) // so that calls are under way when it stops
		fmt.Fprint(w, id)
	})}
	return discoveryhttp.Serve(ctx, registrar, server, listener, served)
}

// slowHealth answers after a moment, so that calls are under way when it stops.
type slowHealth struct {
	grpc_health_v1.UnimplementedHealthServer
}

func (slowHealth) Check(context.Context, *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	time.Sleep(5 * time.Millisecond)
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, nil
}

// A child is such a process.
type child struct {
	*exec.Cmd

	address string
	ended   chan struct{}
}

func startChild(t *testing.T, service, id string, endpoints ...string) *child {
	t.Helper()
	c := &child{Cmd: exec.Command(os.Args[0]), ended: make(chan struct{})}
	c.Env = append(os.Environ(), childVariable+"="+strings.Join(endpoints, ",")+" "+id+" "+service)
	c.Stderr = os.Stderr
	out := must(c.StdoutPipe())(t)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGCONT)
		_ = c.Process.Kill()
		<-c.ended
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	go func() {
		defer close(c.ended)
		_ = c.Wait()
	}()
	if err != nil {
		t.Fatalf("the child said nothing: %v", err)
	}
	c.address = strings.TrimSpace(line)
	return c
}

func (c *child) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := c.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}
