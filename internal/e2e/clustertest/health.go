package clustertest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// noLeader is the id of the leader when there is none.
const noLeader = 0

// Client makes a client for what the test itself wants to know. It goes past the links to
// the endpoints, or to all members when there are none; a member that is isolated or down
// fails the requests that come to it. The client ends with the test.
func (c *Cluster) Client(tb testing.TB, endpoints ...string) *clientv3.Client {
	tb.Helper()
	if len(endpoints) == 0 {
		for k := range c.members {
			endpoints = append(endpoints, c.DirectEndpoint(k))
		}
	}
	client, err := newClient(endpoints...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := client.Close(); err != nil && !errors.Is(err, context.Canceled) {
			tb.Error(err)
		}
	})
	return client
}

func newClient(endpoints ...string) (*clientv3.Client, error) {
	client, err := clientv3.New(clientv3.Config{
		Endpoints:   endpoints,
		DialTimeout: requestLimit,
		Logger:      zap.NewNop(),
	})
	if err != nil {
		return nil, fmt.Errorf("make a client of %v: %w", endpoints, err)
	}
	return client, nil
}

// WaitHealthy waits until every member that the test has not ended answers a linearizable
// read and all agree on the leader. It fails the test when the context ends first, or when
// a member has ended by itself.
func (c *Cluster) WaitHealthy(ctx context.Context) {
	c.t.Helper()
	c.poll(ctx, "the cluster is not healthy", func() error {
		leaders := make(map[uint64]bool)
		for k := range c.members {
			if c.PID(k) == 0 {
				continue
			}
			leader, err := c.check(ctx, k)
			if err != nil {
				return err
			}
			leaders[leader] = true
		}
		if len(leaders) != 1 || leaders[noLeader] {
			return fmt.Errorf("the members follow %d leaders", len(leaders))
		}
		return nil
	})
}

// check reads through a member and says whom it follows.
func (c *Cluster) check(ctx context.Context, k int) (leader uint64, err error) {
	err = c.ask(ctx, k, func(ctx context.Context, client *clientv3.Client) error {
		if _, err := client.Get(ctx, "health"); err != nil {
			return fmt.Errorf("read: %w", err)
		}
		status, err := client.Status(ctx, c.DirectEndpoint(k))
		if err != nil {
			return fmt.Errorf("ask for the status: %w", err)
		}
		leader = status.Leader
		return nil
	})
	return leader, err
}

// Leader waits until a majority of the members follows one of them, and gives its number.
// Until the others have noticed that a leader is isolated, that is still the leader.
func (c *Cluster) Leader() int {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), startLimit)
	defer cancel()
	var leader int
	c.poll(ctx, "there is no leader", func() (err error) {
		leader, err = c.findLeader(ctx)
		return err
	})
	return leader
}

func (c *Cluster) findLeader(ctx context.Context) (int, error) {
	numbers := make(map[uint64]int)   // of members, by id
	followers := make(map[uint64]int) // of leaders, by id
	var unknown error
	for k := range c.members {
		if c.PID(k) == 0 {
			continue
		}
		err := c.ask(ctx, k, func(ctx context.Context, client *clientv3.Client) error {
			status, err := client.Status(ctx, c.DirectEndpoint(k))
			if err != nil {
				return fmt.Errorf("ask for the status: %w", err)
			}
			numbers[status.Header.GetMemberId()] = k
			followers[status.Leader]++
			return nil
		})
		unknown = errors.Join(unknown, err)
	}
	for id, count := range followers {
		if number, known := numbers[id]; known && count > len(c.members)/2 {
			return number, nil
		}
	}
	return 0, errors.Join(errors.New("no majority follows the same member"), unknown)
}

// ask does something with a client of its own for member k, which must not have ended.
func (c *Cluster) ask(ctx context.Context, k int, do func(context.Context, *clientv3.Client) error) error {
	m := c.members[k]
	client, err := newClient(c.DirectEndpoint(k))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, statusLimit)
	defer cancel()
	err = do(ctx, client)
	if closing := client.Close(); closing != nil && !errors.Is(closing, context.Canceled) {
		err = errors.Join(err, closing)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	return nil
}

// poll waits until the condition gives no error, and fails the test when the context ends
// first or a member has ended by itself.
func (c *Cluster) poll(ctx context.Context, complaint string, condition func() error) {
	c.t.Helper()
	pause := time.NewTicker(pollPause)
	defer pause.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		c.checkRunning()
		select {
		case <-ctx.Done():
			c.t.Fatalf("%s: %v; the last look: %v", complaint, context.Cause(ctx), err)
		case <-pause.C:
		}
	}
}

// checkRunning fails the test when a member has ended that the test did not end.
func (c *Cluster) checkRunning() {
	c.t.Helper()
	for _, m := range c.members {
		p := m.running()
		if p == nil {
			continue
		}
		select {
		case <-p.exited:
			c.t.Fatalf("%s has ended by itself: %v", m.name, p.how)
		default:
		}
	}
}
