package kill_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/roster-go/roster/kill"
)

// A switch refuses what was killed, also after a restart and whatever arrives late.
func Example_switch() {
	folder, err := os.MkdirTemp("", "kill")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "kill.log")
	target := kill.Plugin("markdown", "1.2.0")

	sw, err := kill.Open(path)
	if err != nil {
		panic(err)
	}
	receipt, err := sw.Apply("hub eu", kill.Order{Target: target, Epoch: 1, Reason: "leaks keys", At: time.Unix(1_800_000_000, 0)})
	fmt.Println("durable:", receipt.Durable, err)
	sw.Close()

	sw, err = kill.Open(path)
	if err != nil {
		panic(err)
	}
	defer sw.Close()
	order, killed := sw.Killed(target)
	fmt.Println(killed, order.Reason, "- from", sw.Source())

	sw.Apply("replication", kill.Order{Target: target, Epoch: 1, Revived: true, Reason: "late", At: time.Unix(1_800_000_000, 0)})
	_, killed = sw.Killed(target)
	fmt.Println(killed)
	// Output:
	// durable: true <nil>
	// true leaks keys - from disk
	// true
}

// A hub takes a kill to every runtime and reports who has acknowledged it.
func Example_hub() {
	atHub, _ := kill.Open("")
	hub, err := kill.OpenHub(atHub, kill.HubOptions{Region: "eu"})
	if err != nil {
		panic(err)
	}
	defer hub.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go hub.Serve(listener)

	inProcess, _ := kill.Open("")
	runtime, err := kill.NewRuntime(inProcess, kill.RuntimeOptions{
		ID: "orders-1", Region: "eu",
		Hubs: []kill.Peer{{Region: "eu", Addresses: []string{listener.Addr().String()}}},
		Count: func(t kill.Target) kill.Impact {
			if t == kill.Plugin("markdown", "1.2.0") {
				return kill.Impact{Providers: 1, Remaining: 0, Names: []string{"markdown@1.2.0"}}
			}
			return kill.Impact{}
		},
	})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error)
	go func() { stopped <- runtime.Run(ctx) }()
	<-runtime.Ready()
	fmt.Println(runtime.First())

	request := kill.Request{Target: kill.Plugin("markdown", "1.2.0"), Reason: "leaks keys"}
	_, err = hub.Kill(ctx, request, nil)
	fmt.Println(err)

	request.Force = true
	report, err := hub.Kill(ctx, request, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(report.Complete, report.Count(kill.Acked))
	_, killed := inProcess.Killed(request.Target)
	fmt.Println(killed)
	cancel()
	<-stopped
	// Output:
	// 0 orders, from hub eu
	// kill: plugin/markdown@1.2.0 is the last implementation in 1 runtimes (orders-1): nothing was killed; force it if it has to go all the same
	// true 1
	// true
}

// The text of a target is what an operator types.
func ExampleParseTarget() {
	for _, text := range []string{"plugin/markdown@1.2.0", "entry/codec/json", "plugin/markdown/1.2.0"} {
		target, err := kill.ParseTarget(text)
		if err != nil {
			fmt.Println("error")
			continue
		}
		fmt.Println(target.Kind, target.Name, target.Part)
	}
	// Output:
	// plugin markdown 1.2.0
	// entry codec json
	// error
}
