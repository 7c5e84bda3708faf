package discovery_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/internal/e2e/clustertest"
)

// Faults drawn at random, several at a time, and what writers do meanwhile. After each
// healing every view is what the store holds, and no instance that nobody announces is left
// when the leases have ended; all the time no view loses an instance that kept its lease.
// The seed can be set with ROSTER_SEED.
func TestRandomFaults(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("ROSTER_SEED"); text != "" {
		seed = must(strconv.ParseUint(text, 10, 64))(t)
	}
	t.Logf("ROSTER_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	c := clustertest.Start(t, 3, clustertest.Fast())
	var writers, readers []*process
	var views []*discovery.View
	var announcements []discovery.Announcement
	for k := range 6 {
		writers = append(writers, newProcess(t, c, k%3))
		announcements = append(announcements, announce(t, writers[k], instance("s0", strconv.Itoa(k))))
		readers = append(readers, newProcess(t, c, k%3))
		views = append(views, view(t, readers[k]))
	}
	steady := watchSteady(t, announce(t, newProcess(t, c, 0, 1, 2), instance("pay", "stable")), views)
	sleeper := startChild(t, "child", "sleeper", c.Endpoints()...)
	wanted := make([][]discovery.Instance, len(announcements)) // by each writer
	for k := range wanted {
		wanted[k] = []discovery.Instance{instance("s0", strconv.Itoa(k))}
	}
	down := -1    // the member that is not running
	stopped := -1 // the member that stands still
	isolated := 0 // members; without a quorum nothing can be compacted
	backup := ""
	faults := []func() string{
		func() string { k := random.IntN(6); readers[k].hold(); return fmt.Sprintf("reader %d held", k) },
		func() string { k := random.IntN(6); readers[k].cut(); return fmt.Sprintf("reader %d cut", k) },
		func() string { k := random.IntN(6); writers[k].hold(); return fmt.Sprintf("writer %d held", k) },
		func() string { k := random.IntN(6); writers[k].cut(); return fmt.Sprintf("writer %d cut", k) },
		func() string {
			if down >= 0 || stopped >= 0 {
				return "nothing"
			}
			down = random.IntN(3)
			c.Kill(down)
			return fmt.Sprintf("member %d killed", down)
		},
		func() string {
			if down >= 0 || stopped >= 0 {
				return "nothing"
			}
			k := random.IntN(3)
			c.Isolate(k)
			isolated++
			return fmt.Sprintf("member %d isolated", k)
		},
		func() string {
			if down >= 0 || stopped >= 0 || isolated > 0 {
				return "nothing"
			}
			c.Compact()
			return "compacted"
		},
		func() string {
			if down >= 0 || stopped >= 0 {
				return "nothing"
			}
			stopped = random.IntN(3)
			signalMember(t, c, stopped, syscall.SIGSTOP)
			return fmt.Sprintf("member %d stopped", stopped)
		},
		func() string { sleeper.signal(t, syscall.SIGSTOP); return "an announcing process stopped" },
		func() string {
			k := random.IntN(6)
			return fmt.Sprintf("a lease of writer %d revoked: %v", k, revoke(t, c, wanted[k]))
		},
	}
	rounds, made, restores := 0, 0, 0
	for end := time.Now().Add(long(10*time.Minute, 15*time.Second)); rounds < 3 || time.Now().Before(end); rounds++ {
		switch rounds % 3 { // all is healthy
		case 0:
			backup = c.Snapshot()
		case 2:
			steady.pause() // no lease is kept while the whole store is away
			c.Restore(backup)
			healthy(t, c)
			restores++
			t.Logf("round %d: restored from the backup of round %d", rounds, rounds-2)
		}
		for range 1 + random.IntN(3) {
			t.Logf("round %d: %s", rounds, faults[random.IntN(len(faults))]())
			made++
		}
		for range random.IntN(5) {
			k := random.IntN(6)
			var set []discovery.Instance
			for range random.IntN(4) {
				set = append(set, instance("s"+strconv.Itoa(random.IntN(3)), fmt.Sprintf("%d-%d", k, random.IntN(1000))))
			}
			ctx, cancel := contextWithin(t, time.Second)
			err := announcements[k].Update(ctx, set)           // it may be cut off; the set is what counts later
			if !errors.Is(err, discovery.ErrInvalidInstance) { // two of the same id are refused
				wanted[k] = set
			}
			cancel()
		}
		wait(t, time.Now(), time.Duration(random.IntN(int(2*ttl)))) // how long faults last is drawn as well
		for _, p := range append(append([]*process(nil), readers...), writers...) {
			p.mend()
		}
		sleeper.signal(t, syscall.SIGCONT)
		if stopped >= 0 {
			signalMember(t, c, stopped, syscall.SIGCONT)
			stopped = -1
		}
		c.Heal()
		isolated = 0
		if down >= 0 {
			c.Restart(down)
			down = -1
		}
		healthy(t, c)
		healed := time.Now()
		for k, a := range announcements {
			eventually(t, patience, fmt.Sprintf("seed %d, round %d: writer %d is registered", seed, rounds, k), func() bool {
				s := a.Status()
				return s.Registered && s.Err == nil
			})
		}
		t.Logf("round %d: converged after %v", rounds, converge(t, c, patience, views...))
		noPhantom(t, healed, wanted, views)
		steady.check(t, rounds)
	}
	steady.end()
	t.Logf("%d faults and %d restores in %d rounds", made, restores, rounds)
}
