package kill_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/kill"
)

func entryOrder(name string, epoch uint64, revived bool) kill.Order {
	return kill.Order{Target: kill.Entry("codecs", name), Epoch: epoch, Revived: revived, Reason: "it reads out of bounds", By: "ada"}
}

func TestSuspendFollowsTheSwitch(t *testing.T) {
	t.Parallel()
	s, err := kill.Open("")
	assert.NoError(t, err)
	d := roster.NewDirectory()
	apply := func(o kill.Order) {
		t.Helper()
		_, err := s.Apply("test", o)
		assert.NoError(t, err)
	}
	apply(entryOrder("gob", 1, false))
	early := roster.NewHot[int](roster.In(d), roster.Named("codecs"))
	early.Register("gob", 1)
	early.Register("json", 2)
	pin := early.Pin()
	defer pin.Release()
	stop := kill.Suspend(s, d)
	late := roster.New[int](roster.In(d), roster.Named("codecs"))
	late.Register("gob", 1)

	for what, view := range map[string]roster.View[int]{"pin": pin, "hot": early, "late": late} {
		_, err := view.Lookup("gob")
		killed, ok := errors.AsType[*kill.KilledError](err)
		assert.True(t, ok && errors.Is(err, roster.ErrSuspended) && killed.Order.Epoch == 1, what+" refuses with the order")
	}
	assert.Equal(t, kill.CountEntries(d, kill.Entry("codecs", "gob")), kill.Impact{})
	assert.Equal(t, kill.CountEntries(d, kill.Entry("codecs", "json")), kill.Impact{Providers: 1, Names: []string{"entry/codecs/json"}})

	apply(entryOrder("gob", 1, true)) // a revival needs a higher epoch
	_, ok := late.Get("gob")
	assert.True(t, !ok, "the kill stands")
	apply(entryOrder("gob", 2, true))
	for what, view := range map[string]roster.View[int]{"pin": pin, "hot": early, "late": late} {
		_, ok := view.Get("gob")
		assert.True(t, ok, what+" gives it out again")
	}
	assert.Equal(t, kill.CountEntries(d, kill.Entry("codecs", "gob")), kill.Impact{
		Providers: 2, Names: []string{"entry/codecs/gob", "entry/codecs/gob"},
	})
	stop()
	apply(entryOrder("gob", 3, false))
	_, ok = late.Get("gob")
	assert.True(t, ok, "nobody follows any more")
}

// When Apply has returned, no lookup that begins finds the entry, whatever else goes on.
func TestSuspendIsAcknowledgedConcurrentSafe(t *testing.T) {
	t.Parallel()
	s, err := kill.Open("")
	assert.NoError(t, err)
	d := roster.NewDirectory()
	defer kill.Suspend(s, d)()
	h := roster.NewHot[int](roster.In(d), roster.Named("codecs"))
	h.Register("gob", 1)
	var acknowledged atomic.Int64 // odd while a kill is
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for !stop.Load() {
				before := acknowledged.Load()
				_, ok := h.Get("gob")
				if ok && before%2 == 1 && acknowledged.Load() == before {
					t.Error("found after the acknowledgement")
				}
				_ = h.Replace("gob", 1)
			}
		})
	}
	for epoch := uint64(1); epoch < 2000; epoch += 2 {
		_, err := s.Apply("test", entryOrder("gob", epoch, false))
		assert.NoError(t, err)
		acknowledged.Add(1)
		acknowledged.Add(1)
		_, err = s.Apply("test", entryOrder("gob", epoch+1, true))
		assert.NoError(t, err)
	}
	stop.Store(true)
	wg.Wait()
}

// A program refuses an entry that was killed, wherever it is registered.
func ExampleSuspend() {
	d := roster.NewDirectory()
	codecs := roster.New[string](roster.Named("codecs"), roster.In(d))
	codecs.Register("gob", "encoding/gob")

	s, _ := kill.Open("") // from a file in a real program, so that it is remembered
	defer kill.Suspend(s, d)()
	_, _ = s.Apply("hub eu", kill.Order{Target: kill.Entry("codecs", "gob"), Epoch: 1, Reason: "CVE-2026-1", By: "ada"})

	_, err := codecs.Lookup("gob")
	killed, _ := errors.AsType[*kill.KilledError](err)
	fmt.Println(errors.Is(err, roster.ErrSuspended), killed)

	_, _ = s.Apply("hub eu", kill.Order{Target: kill.Entry("codecs", "gob"), Epoch: 2, Revived: true, Reason: "fixed", By: "ada"})
	fmt.Println(codecs.Lookup("gob"))
	// Output:
	// true entry/codecs/gob is killed by ada (epoch 1): CVE-2026-1
	// encoding/gob <nil>
}
