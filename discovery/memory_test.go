package discovery_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/discovery/discoverytest"
	"github.com/roster-go/roster/internal/assert"
)

// faultyMemory is a Memory as the conformance kit wants it.
type faultyMemory struct {
	*discovery.Memory

	ttl time.Duration
}

func (m faultyMemory) TTL() time.Duration             { return m.ttl }
func (m faultyMemory) Crash(a discovery.Announcement) { a.(*discovery.MemoryAnnouncement).Abandon() }
func (m faultyMemory) LoseLease(a discovery.Announcement) {
	a.(*discovery.MemoryAnnouncement).LoseLease()
}
func (m faultyMemory) Disconnect() { m.Interrupt(errors.New("cut")) }
func (m faultyMemory) Reconnect()  { m.Resume() }

var _ discoverytest.Backend = faultyMemory{}

func TestMemoryConforms(t *testing.T) {
	const ttl = 60 * time.Millisecond
	discoverytest.Run(t, func(*testing.T) discoverytest.Backend {
		return faultyMemory{discovery.NewMemory(ttl), ttl}
	})
}

func TestMemoryLeaseRunsOutAfterExactlyTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := discovery.NewMemory(30 * time.Second)
		view := runView(t, memory)
		instances := []discovery.Instance{{Service: "mail", ID: "a", Address: "x:1"}}
		announcement, err := memory.Announce(t.Context(), instances)
		assert.NoError(t, err)
		time.Sleep(time.Hour) // renewed all along
		synctest.Wait()
		assert.Equal(t, len(view.Get("mail")), 1)
		assert.Equal(t, announcement.Status().Registrations, uint64(1))

		announcement.(*discovery.MemoryAnnouncement).Abandon() // just after a renewal
		time.Sleep(30*time.Second - time.Nanosecond)
		synctest.Wait()
		assert.Equal(t, len(view.Get("mail")), 1)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		assert.Equal(t, len(view.Get("mail")), 0)
	})
}

func TestMemoryLeaseRunsOutDuringInterruption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := discovery.NewMemory(30 * time.Second)
		view := runView(t, memory)
		announcement, err := memory.Announce(t.Context(), []discovery.Instance{{Service: "mail", ID: "a", Address: "x:1"}})
		assert.NoError(t, err)
		synctest.Wait()
		cut := errors.New("cut")
		memory.Interrupt(cut)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, len(view.Get("mail")), 1) // the last state, marked stale
		assert.Equal(t, view.Status().StaleSince, time.Now().Add(-time.Minute))
		assert.True(t, errors.Is(view.Status().Err, cut), "the reason of the interruption")
		assert.Equal(t, announcement.Status().Registered, false)
		assert.True(t, errors.Is(announcement.Close(context.Background()), cut), "Close reports that it could not remove")

		memory.Resume()
		synctest.Wait()
		assert.Equal(t, len(view.Get("mail")), 0)
		assert.Equal(t, view.Status().Stale, false)
	})
}

// runView runs a ready view of source until the test ends.
func runView(t *testing.T, source discovery.Source) *discovery.View {
	t.Helper()
	view := discovery.NewView(discovery.In(roster.NewDirectory()))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- view.Run(ctx, source) }()
	t.Cleanup(func() {
		cancel()
		assert.True(t, errors.Is(<-ended, context.Canceled), "Run ends with its context")
	})
	<-view.Ready()
	return view
}
