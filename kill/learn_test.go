package kill

import (
	"context"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
)

// slowStore takes its time to be read.
type slowStore struct{ memoryStore }

func (s *slowStore) Load(ctx context.Context) ([]Order, error) {
	pause(ctx, 200*time.Millisecond)
	return s.memoryStore.Load(ctx)
}

// TestHubThatStartsAsksBeforeItIsBelieved: a hub that was away, or lost its disk, tells no runtime that it
// is current before it has asked the store and the other regions what was killed meanwhile.
func TestHubThatStartsAsksBeforeItIsBelieved(t *testing.T) {
	store := &slowStore{}
	store.set = store.set.Merge(order(Namespace("a"), 1, false))
	f := newFabric(t, 0, func(o *HubOptions) {
		if o.Region == "eu" {
			o.Store, o.StoreName = store, "etcd"
		}
	}, "eu")
	r := f.runtime("one", "eu", nil)
	<-r.Ready()
	assert.True(t, r.First().Confirmed, "the hub has confirmed it")
	_, killed := r.sw.Killed(Namespace("a"))
	assert.True(t, killed, "it has what the store has")

	g := newFabric(t, 100*time.Millisecond, nil, "eu", "us")
	_, err := g.hubs["us"].sw.Apply("test", order(Namespace("b"), 1, false))
	assert.NoError(t, err)
	g.restart("eu")
	r = g.runtime("two", "eu", nil)
	<-r.Ready()
	_, killed = r.sw.Killed(Namespace("b"))
	assert.True(t, killed, "it has what the other region has")

	// One that hears nothing is believed after a while.
	mute := []Peer{{Region: "us", Addresses: []string{silent(t)}}}
	h := newFabric(t, 0, func(o *HubOptions) { o.Peers = func() []Peer { return mute } }, "eu")
	began := time.Now()
	r = h.runtime("three", "eu", nil)
	<-r.Ready()
	assert.True(t, r.First().Confirmed, "the hub has confirmed it")
	assert.True(t, time.Since(began) < defaultPatience, "before the runtime lost its patience")
}

// silent is the address of somebody who accepts connections and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	l := listen(t, "127.0.9.1:0")
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}
