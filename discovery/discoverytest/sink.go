package discoverytest

import (
	"strconv"
	"sync"

	"github.com/roster-go/roster/discovery"
)

// A judge is a sink that checks the contract of [discovery.Sink].
type judge struct {
	h *harness

	mu       sync.Mutex // held by each call: a second one at the same time breaks the contract
	synced   bool
	revision int64
	syncs    int
	held     map[discovery.Key]discovery.Instance
	abrupt   int // instances that were removed although they did not drain
}

var _ discovery.Sink = (*judge)(nil)

// enter starts a call. Fatal is for the test's own goroutine, so these report with Errorf.
func (j *judge) enter(call string) func() {
	if !j.mu.TryLock() {
		j.h.Errorf("%s was called while another call was under way", call)
		j.mu.Lock()
	}
	return j.mu.Unlock
}

func (j *judge) Sync(revision int64, all []discovery.Instance) {
	defer j.enter("Sync")()
	j.synced, j.revision = true, revision
	j.syncs++
	j.held = make(map[discovery.Key]discovery.Instance, len(all))
	for _, instance := range all {
		if _, twice := j.held[instance.Key()]; twice {
			j.h.Errorf("Sync has %s twice", instance.Key())
		}
		j.held[instance.Key()] = instance
	}
}

func (j *judge) Apply(revision int64, changes []discovery.Change) {
	defer j.enter("Apply")()
	switch {
	case !j.synced:
		j.h.Error("Apply before Sync")
	case revision <= j.revision:
		j.h.Errorf("Apply of revision %d after %d", revision, j.revision)
	}
	j.revision = revision
	for _, change := range changes {
		if change.Removed {
			if before, there := j.held[change.Instance.Key()]; there && !before.Draining {
				j.abrupt++
			}
			delete(j.held, change.Instance.Key())
		} else {
			j.held[change.Instance.Key()] = change.Instance
		}
	}
	j.whole("Apply")
}

func (j *judge) Stale(err error) {
	defer j.enter("Stale")()
	if err == nil {
		j.h.Error("Stale without a reason")
	}
}

func (j *judge) Fresh(int64) {
	defer j.enter("Fresh")()
	if !j.synced {
		j.h.Error("Fresh before Sync")
	}
}

// whole checks that pairs which are always written in one revision are never seen apart.
func (j *judge) whole(call string) {
	left, hasLeft := j.held[discovery.Key{Service: "pair", ID: "left"}]
	right, hasRight := j.held[discovery.Key{Service: "pair", ID: "right"}]
	if hasLeft != hasRight || left.Address != right.Address {
		j.h.Errorf("%s brought half a revision: %v and %v", call, left, right)
	}
}

// count returns how many instances are held and how many Syncs there were.
func (j *judge) count() (held, syncs int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.held), j.syncs
}

func sinkContract(h *harness) {
	j := &judge{h: h}
	h.watch(j)
	h.eventually("the sink is synchronised", func() bool { _, syncs := j.count(); return syncs == 1 })

	pair := func(n int) []discovery.Instance {
		address := "10.0.0.1:" + strconv.Itoa(n)
		return []discovery.Instance{instance("pair", "left", address), instance("pair", "right", address)}
	}
	announcement := h.announce(pair(1)...)
	const updates = 20
	for n := range updates {
		h.update(announcement, pair(n+2)...)
	}
	h.eventually("the sink has both", func() bool { held, _ := j.count(); return held == 2 })
	h.backend.Disconnect()
	h.backend.Reconnect()
	h.registered(announcement)
	h.eventually("the sink is synchronised again", func() bool { _, syncs := j.count(); return syncs > 1 })
	h.close(announcement)
	h.eventually("the sink has none", func() bool { held, _ := j.count(); return held == 0 })
}

func leavingIsAnnounced(h *harness) {
	j := &judge{h: h}
	h.watch(j)
	a, b, c := instance("mail", "a", "1:1"), instance("mail", "b", "2:1"), instance("sms", "c", "3:1")
	announcement := h.announce(a, b, c)
	for _, left := range [][]discovery.Instance{{a, b, c}, {b}, {}} {
		h.update(announcement, left...)
		h.eventually("the sink has what is left", func() bool { held, _ := j.count(); return held == len(left) })
	}
	h.update(announcement, a)
	h.eventually("the sink has one again", func() bool { held, _ := j.count(); return held == 1 })
	h.close(announcement)
	h.eventually("the sink has none", func() bool { held, _ := j.count(); return held == 0 })
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.abrupt > 0 {
		h.Errorf("%d instances went without having drained", j.abrupt)
	}
}
