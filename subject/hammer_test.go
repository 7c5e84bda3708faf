package subject_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/subject"
)

// Publishers, and subscribers that come and go in every way: each message that was
// taken is handled once or counted as dropped, a queue group gets each message
// once, and who stays from beginning to end gets everything.
func TestBusConcurrentSafe(t *testing.T) {
	bus := newBus()
	const publishers, each, churners = 4, 3_000, 3
	var seen [publishers * each]atomic.Int32 // by the queue group
	group := func(_ context.Context, m subject.Message[int]) error {
		seen[m.Value].Add(1)
		return nil
	}
	stays := bus.Subscribe("orders.*", ignore, subject.Buffer(4, subject.Block))
	inline := bus.Subscribe("orders.>", ignore)
	worker := bus.Subscribe("orders.*", group, subject.Queue("workers"), subject.Buffer(4, subject.Block))

	var churn, publishing sync.WaitGroup
	stop := make(chan struct{})
	var handled, lost, lostOfGroup atomic.Int64
	for range churners {
		churn.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				opts := []subject.Option{subject.Buffer(1+rand.IntN(4), subject.Block)}
				h, grouped := ignore, n%2 == 0
				if grouped {
					opts, h = append(opts, subject.Queue("workers")), group
				}
				if n%3 == 0 {
					opts = append(opts[:0:0], opts[1:]...) // inline
				}
				s := bus.Subscribe([]string{"orders.*", "orders.>", "orders.new"}[rand.IntN(3)], h, opts...)
				if n%5 == 0 {
					_ = s.Replace(h)
				}
				if rand.IntN(2) == 0 {
					s.Unsubscribe()
					<-s.Done()
				} else if err := s.Drain(bg); err != nil {
					t.Error(err)
				}
				got := s.Stats()
				handled.Add(int64(got.Handled))
				lost.Add(int64(got.Dropped))
				if grouped {
					lostOfGroup.Add(int64(got.Dropped))
				}
			}
		})
	}
	var taken atomic.Int64
	for p := range publishers {
		publishing.Go(func() {
			for n := range each {
				got, err := bus.Publish(bg, "orders.new", p*each+n)
				if err != nil {
					t.Error(err)
				}
				taken.Add(int64(got))
			}
		})
	}
	publishing.Wait()
	close(stop)
	churn.Wait()
	assert.NoError(t, bus.Close(bg))
	const all = publishers * each
	assert.Equal(t, stays.Stats(), subject.Stats{Handled: all})
	assert.Equal(t, inline.Stats(), subject.Stats{Handled: all})
	total := handled.Load() + lost.Load() + 2*all + int64(worker.Stats().Handled)
	assert.Equal(t, total, taken.Load())
	missing := int64(0)
	for i := range seen {
		switch n := seen[i].Load(); n {
		case 0:
			missing++
		case 1:
		default:
			t.Fatal(fmt.Sprint("the group handled message ", i, " ", n, " times"))
		}
	}
	assert.Equal(t, missing, lostOfGroup.Load())
	assert.Equal(t, bus.Subscriptions().Len(), 0)
}

// Subscribing, publishing and closing at the same time ends with everything done.
func TestCloseConcurrentSafe(t *testing.T) {
	for range 200 {
		bus := newBus()
		var all sync.WaitGroup
		var mu sync.Mutex
		var subs []*subject.Subscription[int]
		for range 3 {
			all.Go(func() {
				for range 20 {
					s, err := bus.TrySubscribe("a", ignore, subject.Buffer(1, subject.Block))
					if err != nil {
						return
					}
					mu.Lock()
					subs = append(subs, s)
					mu.Unlock()
				}
			})
			all.Go(func() {
				for range 20 {
					_, _ = bus.Publish(bg, "a", 1)
				}
			})
		}
		all.Go(func() {
			if err := bus.Close(bg); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		assert.Equal(t, bus.Subscriptions().Len(), 0)
		for _, s := range subs {
			select {
			case <-s.Done():
			default:
				t.Fatal(s.Name(), " is not done after Close")
			}
		}
	}
}
