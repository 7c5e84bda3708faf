package affine_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roster-go/roster/etcd"
	"github.com/roster-go/roster/etcd/affine"
	"github.com/roster-go/roster/replica/strong"
)

// TestLateAnswerIsInDoubt holds the answer of the region's own store back until the region may
// have been deposed.
func TestLateAnswerIsInDoubt(t *testing.T) {
	w := newWorld(t, "eu", "us")
	w.create("orders", "eu")
	target := strings.TrimPrefix(w.regions["eu"].client.Endpoints()[0], "http://")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var gate sync.Mutex // held while no answer comes back
	var running sync.WaitGroup
	t.Cleanup(func() {
		listener.Close()
		running.Wait()
	})
	running.Go(func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", target)
			if err != nil {
				in.Close()
				continue
			}
			running.Go(func() {
				defer out.Close()
				_, _ = io.Copy(out, in)
			})
			running.Go(func() {
				defer in.Close()
				_, _ = io.Copy(gated{in, &gate}, out)
			})
		}
	})
	client, err := etcd.Dial(context.Background(), []string{listener.Addr().String()}, etcd.DialOptions{})
	must(t, err)
	t.Cleanup(func() { client.Close() })
	way := w.memory.Member("another process of eu")
	store := strong.New(way)
	running.Go(func() { _ = store.Run(t.Context()) }) // ends with the test
	<-store.Ready()
	region, err := affine.NewRegion("eu", client, store, affine.Options{Prefix: "test"})
	must(t, err)
	home := region.Namespace("orders")
	_, err = home.Put(t.Context(), "key", []byte("before"))
	must(t, err)

	gate.Lock()
	way.Cut() // no newer proof either
	began := time.Now()
	_, err = home.Put(t.Context(), "key", []byte("after"))
	took := time.Since(began)
	gate.Unlock()
	if doubt, ok := errors.AsType[*affine.InDoubtError](err); !ok || doubt.Key != "key" || doubt.Op != "put" {
		t.Fatalf("got %v", err)
	}
	if took > quick.TTL+quick.Grace+500*time.Millisecond {
		t.Errorf("a caller was kept for %v, longer than the lease", took)
	}
	w.eventually("it was written", func() bool {
		value, _, err := w.regions["eu"].Namespace("orders").Get(t.Context(), "key")
		return err == nil && string(value) == "after"
	})
}

type gated struct {
	io.Writer
	gate *sync.Mutex
}

func (g gated) Write(p []byte) (int, error) {
	g.gate.Lock()
	defer g.gate.Unlock()
	return g.Writer.Write(p)
}
