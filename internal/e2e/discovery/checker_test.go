package discovery_test

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/internal/e2e/clustertest"
)

// A steadyCheck looks all the time whether the views show an instance that no fault is aimed
// at, and keeps what it saw until it is known whether the lease was kept.
type steadyCheck struct {
	announcement discovery.Announcement
	views        []*discovery.View
	done         chan struct{}
	wg           sync.WaitGroup
	looked       atomic.Int64

	mu       sync.Mutex // guards the fields below
	lost     []string   // since the last check: view and when
	excused  bool       // the store was away since the last check
	expected uint64     // leases taken at the last check
}

func watchSteady(t *testing.T, announcement discovery.Announcement, views []*discovery.View) *steadyCheck {
	t.Helper()
	eventually(t, patience, "the steady one is seen", func() bool {
		return !slices.ContainsFunc(views, func(v *discovery.View) bool { return !has(v, "pay", "stable") })
	})
	s := &steadyCheck{announcement: announcement, views: views, done: make(chan struct{}), expected: announcement.Status().Registrations}
	s.wg.Go(func() {
		for {
			select {
			case <-s.done:
				return
			case <-time.After(time.Millisecond):
			}
			s.looked.Add(1)
			for i, v := range views {
				if !has(v, "pay", "stable") {
					s.mu.Lock()
					if len(s.lost) < 10 {
						s.lost = append(s.lost, "view "+strconv.Itoa(i)+" at "+time.Now().Format(time.TimeOnly))
					}
					s.mu.Unlock()
				}
			}
		}
	})
	t.Cleanup(s.end)
	return s
}

// pause excuses losses until the next check.
func (s *steadyCheck) pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.excused = true
}

// check fails the test if a view lost the instance although its lease was kept. Everything
// has healed, so the announcement knows whether it was.
func (s *steadyCheck) check(t *testing.T, round int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.announcement.Status().Registrations
	switch {
	case len(s.lost) > 0 && taken == s.expected && !s.excused:
		t.Errorf("round %d: an instance that kept its lease was lost: %q", round, s.lost)
	case taken != s.expected:
		t.Logf("round %d: the steady instance lost its lease with the store", round)
	}
	s.lost, s.excused, s.expected = nil, false, taken
}

func (s *steadyCheck) end() {
	select {
	case <-s.done:
	default:
		close(s.done)
	}
	s.wg.Wait()
}

// noPhantom waits until the leases that were there at the healing have ended, and then fails
// the test if a view shows an instance of the writers that none of them announces. Etcd gives
// a lease its whole time again at an election, with an election timeout on top, and looks
// every half second.
func noPhantom(t *testing.T, healed time.Time, wanted [][]discovery.Instance, views []*discovery.View) {
	t.Helper()
	known := map[discovery.Key]bool{{Service: "pay", ID: "stable"}: true, {Service: "child", ID: "sleeper"}: true}
	for _, set := range wanted {
		for _, i := range set {
			known[i.Key()] = true
		}
	}
	phantoms := func() (list []string) {
		for n, v := range views {
			for _, instances := range v.All() {
				for _, i := range instances {
					if !known[i.Key()] {
						list = append(list, "view "+strconv.Itoa(n)+" has "+i.Key().String())
					}
				}
			}
		}
		return list
	}
	limit := healed.Add(ttl + 2*time.Second + stretched)
	for len(phantoms()) > 0 && time.Now().Before(limit) {
		time.Sleep(5 * time.Millisecond)
	}
	if left := phantoms(); len(left) > 0 {
		t.Errorf("%v after the healing, with leases of %v: %q", time.Since(healed), ttl, left)
	}
}

// signalMember stops a member of the store without ending it, or lets it go on.
func signalMember(t *testing.T, c *clustertest.Cluster, k int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(c.PID(k), signal); err != nil {
		t.Fatal(err)
	}
}

// revoke ends the lease of a set of instances, as an operator may, if the store answers.
func revoke(t *testing.T, c *clustertest.Cluster, set []discovery.Instance) bool {
	t.Helper()
	if len(set) == 0 {
		return false
	}
	client := c.Client(t)
	ctx, cancel := contextWithin(t, 2*time.Second)
	defer cancel()
	got, err := client.Get(ctx, "services/"+set[0].Key().String())
	if err != nil || len(got.Kvs) == 0 || got.Kvs[0].GetLease() == 0 {
		return false
	}
	_, err = client.Revoke(ctx, clientv3.LeaseID(got.Kvs[0].GetLease()))
	return err == nil
}
