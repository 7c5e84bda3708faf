package subject_test

import (
	"context"
	"errors"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/subject"
)

func TestASuspendedSubscriptionGetsNothing(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	bus := subject.New[int](roster.In(d))
	got := map[string]int{}
	for _, name := range []string{"a", "b"} {
		bus.Subscribe("n.*", func(context.Context, subject.Message[int]) error { got[name]++; return nil }, subject.Name(name))
	}
	for _, name := range []string{"one", "two"} {
		bus.Subscribe("n.>", func(context.Context, subject.Message[int]) error { got[name]++; return nil },
			subject.Name(name), subject.Queue("group"))
	}
	d.Suspend("subjects", "a", errors.New("it is wrong"))
	d.Suspend("subjects", "one", errors.New("it is wrong"))
	for range 20 {
		took, err := bus.Publish(t.Context(), "n.x", 1)
		assert.NoError(t, err)
		assert.Equal(t, took, 2)
	}
	assert.Equal(t, got, map[string]int{"b": 20, "two": 20})
	matching := 0
	for s := range bus.Matching("n.x") {
		assert.True(t, s.Name() == "b" || s.Name() == "two", "only what gets it")
		matching++
	}
	assert.Equal(t, matching, 2)
	d.Resume("subjects", "a")
	_, err := bus.Publish(t.Context(), "n.x", 1)
	assert.NoError(t, err)
	assert.Equal(t, got["a"], 1)
	assert.NoError(t, bus.Close(t.Context()))
}

func TestWhatWaitsForASuspendedSubscriptionIsReported(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	bus := subject.New[int](roster.In(d))
	lost := make(chan *subject.DeliveryError, 1)
	bus.OnError = func(err *subject.DeliveryError) { lost <- err }
	entered, leave := make(chan struct{}), make(chan struct{})
	s := bus.Subscribe("n", func(_ context.Context, m subject.Message[int]) error {
		if m.Value != 1 {
			t.Error("a message was handled after the suspension")
		}
		close(entered)
		<-leave
		return nil
	}, subject.Name("slow"), subject.Buffer(2, subject.Block))
	for i := range 2 {
		_, err := bus.Publish(t.Context(), "n", i+1)
		assert.NoError(t, err)
	}
	<-entered
	d.Suspend("subjects", "slow", errors.New("it is wrong"))
	close(leave)
	assert.True(t, errors.Is(<-lost, roster.ErrSuspended), "why it was lost")
	assert.NoError(t, bus.Close(t.Context()))
	assert.Equal(t, s.Stats().Dropped, uint64(1))
}
