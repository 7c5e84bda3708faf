package regions_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd"
	etcdstrong "github.com/roster-go/roster/etcd/strong"
	"github.com/roster-go/roster/internal/e2e/clustertest"
	"github.com/roster-go/roster/replica/strong"
)

const patience = time.Minute // for what has no limit of its own

func TestMain(m *testing.M) {
	if plan := os.Getenv(moveVariable); plan != "" {
		if err := runDoomed(plan); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// long is how long something takes in a soak, or else.
func long(soak, otherwise time.Duration) time.Duration {
	if os.Getenv("ROSTER_SOAK") != "" {
		return soak
	}
	return otherwise
}

// seeded gives random numbers whose seed is logged, and can be set with ROSTER_SEED.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("ROSTER_SEED"); text != "" {
		seed = must(strconv.ParseUint(text, 10, 64))(t)
	}
	t.Logf("ROSTER_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func eventually(t *testing.T, limit time.Duration, expected string, holds func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !holds() {
		if time.Since(began) > limit {
			t.Fatalf("not within %v: %s", limit, expected)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(began)
}

func within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

// dial returns a client of endpoints that need not answer yet.
func dial(t *testing.T, endpoints ...string) *clientv3.Client {
	t.Helper()
	client := must(etcd.Dial(context.Background(), endpoints, etcd.DialOptions{Timeout: -1}))(t)
	t.Cleanup(func() { client.Close() })
	return client
}

// member gives the store as a program beside member k has it.
func member(t *testing.T, c *clustertest.Cluster, k int, opts etcdstrong.Options) *strong.Store {
	t.Helper()
	return strong.New(etcdstrong.New(dial(t, c.DirectEndpoint(k)), opts))
}

// run keeps a store's view up to date until the test ends, and waits until it is filled.
func run(t *testing.T, store *strong.Store) *strong.Store {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- store.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
	})
	select {
	case <-store.Ready():
	case <-time.After(patience):
		t.Fatalf("the store is not ready: %v", store.View().Err())
	}
	return store
}

// stretch puts a round trip between all members of a cluster.
func stretch(c *clustertest.Cluster, members int, roundTrip time.Duration) {
	for from := range members {
		for to := range members {
			if from != to {
				c.PeerLink(from, to).Delay(roundTrip / 2)
			}
		}
	}
}
