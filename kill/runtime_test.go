package kill

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
)

// TestRuntimeWithoutNetworkStillRefuses: a runtime that is started where it reaches nobody refuses what
// was killed before, and says where it knows it from.
func TestRuntimeWithoutNetworkStillRefuses(t *testing.T) {
	f := newFabric(t, 0, nil, "eu")
	r := f.runtime("orders", "eu", nil)
	r.awaitCurrent(t)
	target := Entry("codec", "json")
	_, err := f.hubs["eu"].Kill(background(t), Request{Target: target, Reason: "r", Force: true}, nil)
	assert.NoError(t, err)
	r.stop(t)
	f.hubs["eu"].stop(t)

	r = f.runtime("orders", "eu", nil)
	<-r.Ready()
	first := r.First()
	assert.Equal(t, first.Source, SourceDisk)
	assert.True(t, !first.Confirmed && first.Err != nil && first.Orders == 1, "it says that nobody confirmed it")
	assert.Contains(t, first.String(), "from disk", "not confirmed")
	_, killed := r.sw.Killed(target)
	assert.True(t, killed, "it refuses")

	fresh := f.runtime("fresh", "eu", nil)
	<-fresh.Ready()
	assert.Equal(t, fresh.First().Source, SourceNothing)
}

// TestRuntimeLearnsFromAPeerRegionOrTheStore: with its own hub away, a runtime that starts learns what
// was killed from another region's hub, or from the store.
func TestRuntimeLearnsFromAPeerRegionOrTheStore(t *testing.T) {
	f := newFabric(t, 0, nil, "eu", "us")
	_, err := f.hubs["us"].Kill(background(t), Request{Target: Namespace("a"), Reason: "r", Force: true}, nil)
	assert.NoError(t, err)
	eu := f.hubs["eu"].address
	f.hubs["eu"].stop(t)
	hubs := []Peer{{Region: "eu", Addresses: []string{eu}}, {Region: "us", Addresses: []string{f.hubs["us"].address}}}
	r := f.runtime("one", "eu", func(o *RuntimeOptions) { o.Hubs = hubs })
	<-r.Ready()
	assert.Equal(t, r.First().Source, "peer region us")
	assert.True(t, r.First().Confirmed, "a hub has confirmed it")
	_, killed := r.sw.Killed(Namespace("a"))
	assert.True(t, killed, "it knows")

	store := &memoryStore{}
	assert.NoError(t, store.Save(t.Context(), []Order{order(Namespace("b"), 1, false)}))
	s := f.runtime("two", "eu", func(o *RuntimeOptions) { o.Store, o.StoreName = store, "etcd" })
	<-s.Ready()
	assert.Equal(t, s.First().Source, "etcd")
	assert.True(t, !s.First().Confirmed, "no hub has confirmed it")
	_, killed = s.sw.Killed(Namespace("b"))
	assert.True(t, killed, "it knows")

	// When its own hub is back, the runtime goes home.
	f.hubs["eu"] = f.startHub("eu", listen(t, eu))
	eventually(t, "the runtime is home", func() bool { return r.Status().Hub == "eu" && r.Status().Current })
}

// TestOtherHubs: hubs that become known later are used without a moment in which nobody waits for
// the runtime.
func TestOtherHubs(t *testing.T) {
	f := newFabric(t, 0, nil, "eu", "us")
	us := Peer{Region: "us", Addresses: []string{f.hubs["us"].address}}
	r := f.runtime("one", "eu", func(o *RuntimeOptions) { o.Hubs = []Peer{us} })
	r.awaitCurrent(t)
	assert.Equal(t, r.Status().Hub, "us")
	for _, bad := range [][]Peer{nil, {{Region: "eu"}}, {{Region: "eu", Addresses: []string{"no port"}}}} {
		assert.True(t, r.SetHubs(bad) != nil, "hubs that cannot be dialled are refused")
	}
	assert.NoError(t, r.SetHubs([]Peer{{Region: "eu", Addresses: []string{f.hubs["eu"].address}}, us}))
	home := func() bool { return r.Status().Hub == "eu" && r.Status().Current }
	for epoch := 1; ; epoch++ {
		report, err := f.hubs["us"].Kill(background(t), Request{Target: Namespace("a"), Reason: "again", Force: true}, nil)
		assert.NoError(t, err)
		waited := 0
		for _, region := range report.Regions {
			for _, runtime := range region.Runtimes {
				if runtime.ID == "one" && runtime.State == Acked {
					waited++
				}
			}
		}
		assert.True(t, waited > 0, "the runtime has acknowledged")
		stands, _ := r.sw.Killed(Namespace("a"))
		assert.Equal(t, stands.Epoch, uint64(epoch))
		if home() {
			break
		}
	}
}

// memoryStore is a Store in memory that can be away.
type memoryStore struct {
	mu   sync.Mutex
	set  Set
	away error
}

func (m *memoryStore) Load(context.Context) ([]Order, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.set.Orders(), m.away
}

func (m *memoryStore) Save(_ context.Context, orders []Order) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away == nil {
		m.set = m.set.Merge(orders...)
	}
	return m.away
}

// TestStoreIsNeverInTheWay: a kill completes while the store is away, and is saved when it is back;
// what another region saved is read at the start.
func TestStoreIsNeverInTheWay(t *testing.T) {
	store := &memoryStore{away: errors.New("no quorum")}
	f := newFabric(t, 0, func(o *HubOptions) { o.Store, o.StoreName = store, "etcd" }, "eu")
	r := f.runtime("one", "eu", nil)
	r.awaitCurrent(t)
	_, err := f.hubs["eu"].Kill(background(t), Request{Target: Namespace("a"), Reason: "r", Force: true}, nil)
	assert.NoError(t, err)
	eventually(t, "the status says that the store is away", func() bool { return f.hubs["eu"].Status().StoreErr == "no quorum" })
	store.mu.Lock()
	store.away = nil
	store.set = store.set.Merge(order(Namespace("b"), 1, false))
	store.mu.Unlock()
	eventually(t, "both are everywhere", func() bool {
		orders, err := store.Load(t.Context())
		_, killed := r.sw.Killed(Namespace("b"))
		return err == nil && len(orders) == 2 && killed
	})
}

// TestLateOrdersChangeNothing: what arrives late, twice or out of order does not undo a kill.
func TestLateOrdersChangeNothing(t *testing.T) {
	store := &memoryStore{}
	f := newFabric(t, 0, func(o *HubOptions) { o.Store = store }, "eu", "us")
	r := f.runtime("one", "us", nil)
	r.awaitCurrent(t)
	target := Plugin("a", "1")
	kill, err := f.hubs["eu"].Kill(background(t), Request{Target: target, Reason: "r", Force: true}, nil)
	assert.NoError(t, err)
	revive, err := f.hubs["us"].Kill(background(t), Request{Target: target, Reason: "r", Revive: true}, nil)
	assert.NoError(t, err)
	again, err := f.hubs["eu"].Kill(background(t), Request{Target: target, Reason: "again", Force: true}, nil)
	assert.NoError(t, err)
	assert.Equal(t, again.Order.Epoch, uint64(3))
	hash := r.sw.Hash()
	var told int
	defer r.sw.OnChange(func([]Order) { told++ })()
	for _, late := range []Order{kill.Order, revive.Order, again.Order, {Target: target, Epoch: 3, Revived: true, Reason: "z", At: time.Now().Add(time.Hour)}} {
		for _, hub := range f.hubs {
			hub.apply("late", []Order{late})
		}
		receipt, err := r.sw.Apply("late", late)
		assert.NoError(t, err)
		assert.Equal(t, receipt, Receipt{Durable: true, Hash: hash})
	}
	_, killed := r.sw.Killed(target)
	assert.True(t, killed, "it is killed")
	assert.Equal(t, told, 1) // when it registered
}

// TestRuntimeWithAFullDisk: it acknowledges as not durable, and again when there is room.
func TestRuntimeWithAFullDisk(t *testing.T) {
	f := newFabric(t, 0, nil, "eu")
	r := f.runtime("one", "eu", nil)
	r.awaitCurrent(t)
	failing := &fault{syscall.ENOSPC}
	r.sw.disk.io.Lock()
	faulty(failing)(r.sw)
	r.sw.disk.io.Unlock()
	report, err := f.hubs["eu"].Kill(background(t), Request{Target: Namespace("a"), Reason: "r", Force: true}, nil)
	assert.NoError(t, err)
	assert.True(t, report.Complete && !report.Durable, "it is in effect and not durable")
	_, killed := r.sw.Killed(Namespace("a"))
	assert.True(t, killed, "it is in effect")
	r.sw.disk.io.Lock()
	failing.err = nil
	r.sw.disk.io.Unlock()
	eventually(t, "the hub hears that it is durable", func() bool {
		s := f.hubs["eu"].Status()
		return len(s.Runtimes) == 1 && s.Runtimes[0].Durable
	})
}

// TestSlowRuntimeDelaysNoOther: one runtime reads nothing and another's hook hangs, and the others
// acknowledge as ever.
func TestSlowRuntimeDelaysNoOther(t *testing.T) {
	f := newFabric(t, 0, nil, "eu")
	fast := f.runtime("fast", "eu", nil)
	hung := f.runtime("hung", "eu", nil)
	fast.awaitCurrent(t)
	hung.awaitCurrent(t)
	release := make(chan struct{})
	stop := hung.sw.OnChange(func([]Order) { <-release })
	defer stop()
	defer close(release)

	// It says hello and then never reads: the connection's buffers fill.
	line := newLine(Peer{Region: "eu", Addresses: []string{f.hubs["eu"].address}}, f.ca.config(t, "roster://runtime/deaf"))
	defer line.close()
	deaf, err := line.open(background(t), pathRuntime, message{Hello: &hello{ID: "deaf", Boot: "1"}})
	assert.NoError(t, err)
	defer deaf.close()
	eventually(t, "it is connected", func() bool { return state(f.hubs["eu"].Status(), "deaf") != "" })

	for i := range 300 {
		o := largest(i)
		o.Target.Name = o.Target.Name[:MaxName-6] + string(rune('a'+i%26)) + string(rune('a'+i/26))
		f.hubs["eu"].apply("test", []Order{o})
	}
	begin := time.Now()
	report, err := f.hubs["eu"].Kill(background(t), Request{Target: Namespace("a"), Reason: "r", Force: true, Wait: 2 * time.Second}, nil)
	incomplete := assert.ErrorAs[*IncompleteError](t, err)
	assert.Equal(t, len(incomplete.Missing), 2)
	for _, r := range report.Regions[0].Runtimes {
		if r.ID == "fast" && (r.State != Acked || r.Took > time.Since(begin)/2) {
			t.Errorf("the fast one: %+v", r)
		}
	}
	_, killed := hung.sw.Killed(Namespace("a"))
	assert.True(t, killed, "it is in effect where a hook hangs")
}

// TestHookThatHangsAtTheHubStopsNoKill: what hangs in the daemon of a hub keeps its own acknowledgement
// back, and no runtime's, neither of this kill nor of the next.
func TestHookThatHangsAtTheHubStopsNoKill(t *testing.T) {
	f := newFabric(t, 0, nil, "eu")
	r := f.runtime("one", "eu", nil)
	r.awaitCurrent(t)
	release := make(chan struct{})
	stop := f.hubs["eu"].sw.OnChange(func([]Order) { <-release })
	defer stop()
	defer close(release)
	for _, n := range []string{"a", "b"} {
		report, err := f.hubs["eu"].Kill(background(t), Request{Target: Namespace(n), Reason: "r", Force: true, Wait: time.Second}, nil)
		incomplete := assert.ErrorAs[*IncompleteError](t, err)
		assert.Equal(t, incomplete.Hubs, []string{"eu"})
		assert.Equal(t, report.Count(Acked), 1)
	}
}

func TestRuntimeOptionsThatAreRefused(t *testing.T) {
	s, err := Open("")
	assert.NoError(t, err)
	_, err = NewRuntime(s, RuntimeOptions{ID: "a", Hubs: []Peer{{Region: "eu", Addresses: []string{"192.0.2.1:7"}}}})
	assert.ErrorAs[*PlainError](t, err)
	_, err = NewRuntime(s, RuntimeOptions{ID: "a"})
	assert.True(t, err != nil, "a hub is needed")
	hub, err := OpenHub(s, HubOptions{Region: "eu", Canary: -1})
	assert.NoError(t, err)
	defer hub.Close()
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	assert.NoError(t, err)
	defer listener.Close()
	assert.ErrorAs[*PlainError](t, hub.Serve(listener))
}

// junkStore has one thing that is no order.
type junkStore struct{ memoryStore }

func (s *junkStore) Load(ctx context.Context) ([]Order, error) {
	orders, _ := s.memoryStore.Load(ctx)
	return orders, errors.New("the order at plugin/x cannot be used")
}

// TestJunkInTheStoreHidesNothing: a store whose only content cannot be read is written to all the same.
func TestJunkInTheStoreHidesNothing(t *testing.T) {
	store := &junkStore{}
	f := newFabric(t, 0, func(o *HubOptions) { o.Store = store }, "eu")
	_, err := f.hubs["eu"].Kill(background(t), Request{Target: Namespace("a"), Reason: "r", Force: true}, nil)
	assert.NoError(t, err)
	eventually(t, "the order is in the store", func() bool {
		orders, _ := store.Load(t.Context())
		return len(orders) == 1
	})
}
