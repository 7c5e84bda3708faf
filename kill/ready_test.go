package kill

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
)

// TestReadyWaitsForTheHooks: when a runtime is ready, what obeys the switch by a hook has been told, so
// that nothing is served that was killed before the start.
func TestReadyWaitsForTheHooks(t *testing.T) {
	f := newFabric(t, 0, nil, "eu")
	_, err := f.hubs["eu"].Kill(background(t), Request{Target: Entry("codec", "json"), Reason: "r", Force: true}, nil)
	assert.NoError(t, err)
	var told atomic.Bool
	sw, err := Open("")
	assert.NoError(t, err)
	defer sw.OnChange(func([]Order) {
		time.Sleep(100 * time.Millisecond)
		told.Store(true)
	})()
	r, err := NewRuntime(sw, RuntimeOptions{
		ID: "one", Region: "eu", TLS: f.ca.config(t, "roster://runtime/one"), Hubs: []Peer{{Region: "eu", Addresses: []string{f.hubs["eu"].address}}},
	})
	assert.NoError(t, err)
	ctx, cancel := context.WithCancel(background(t))
	done := make(chan struct{})
	go func() { _ = r.Run(ctx); close(done) }()
	defer func() { cancel(); <-done }()
	<-r.Ready()
	assert.True(t, r.First().Confirmed, "a hub has confirmed it")
	assert.True(t, told.Load(), "the hook was told before")
}

// TestCurrentIsNotDurableBeforeTheDisk: a hub that says nothing but that the set is current hears nothing
// of the disk that is not true of what came another way.
func TestCurrentIsNotDurableBeforeTheDisk(t *testing.T) {
	sw := open(t, filepath.Join(t.TempDir(), "kill.log"))
	_, err := sw.take("etcd", []Order{order(Namespace("a"), 1, false)}) // in effect, and not yet on disk
	assert.NoError(t, err)
	s := &standingStream{r: &Runtime{sw: sw}, wake: make(chan struct{}, 1)}
	hash := sw.Hash()
	s.take(message{Current: &hash, Seq: 1})
	receipt, err := sw.finish(s.taken)
	assert.NoError(t, err)
	assert.True(t, receipt.Durable, "it says so")
	assert.True(t, sw.Durable(), "and it is")
}
