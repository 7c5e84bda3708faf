package pick

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
)

func TestBalancerFollowsTheView(t *testing.T) {
	t.Parallel()
	view := &fakeView{}
	b, err := New(view, "svc", Options{})
	assert.NoError(t, err)
	_, err = b.Pick("")
	assert.True(t, errors.Is(err, ErrNone), "nothing yet")
	assert.Contains(t, err.Error(), `"svc"`)

	for n := 1; n < 5; n++ {
		view.set(instances("a", n))
		assert.Equal(t, len(b.Status()), n)
		c, err := b.Pick("")
		assert.NoError(t, err)
		other, err := b.PickOther("", c)
		assert.NoError(t, err)
		assert.Equal(t, c.Instance().ID != other.Instance().ID, n > 1)
	}
	view.set(nil)
	_, err = b.Pick("")
	assert.True(t, errors.Is(err, ErrNone), "nothing any more")
}

func TestBalancerReadsTheViewOncePerVersion(t *testing.T) {
	t.Parallel()
	view := &fakeView{}
	view.set(instances("a", 3))
	b, err := New(view, "svc", Options{})
	assert.NoError(t, err)
	for range 100 {
		_, err := b.Pick("")
		assert.NoError(t, err)
	}
	assert.Equal(t, view.gets, 1)

	before := b.pool.set.Load()
	view.set(view.list) // another service has changed
	_, err = b.Pick("")
	assert.NoError(t, err)
	assert.Equal(t, view.gets, 2)
	assert.True(t, b.pool.set.Load() == before, "nothing is computed again")
}

func TestBalancerConcurrentSafe(t *testing.T) {
	t.Parallel()
	for _, policy := range policies {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			list := instances("a", 20)
			view := &fakeView{}
			view.set(list)
			opts := Options{Policy: policy, Zone: "z", Subset: 15, Client: "me", Outliers: Outliers{Ejection: 1}}
			b, err := New(view, "svc", opts)
			assert.NoError(t, err)

			var callers, writer sync.WaitGroup
			var stop atomic.Bool
			writer.Go(func() {
				for i := 0; !stop.Load(); i++ {
					next := slices.Clone(list[i%10:])
					next[i%len(next)].Draining = true
					next[i%3].Zone = "z"
					view.set(next)
				}
			})
			for g := range 8 {
				callers.Go(func() {
					for i := range 2000 {
						c, err := b.Pick(strconv.Itoa(i))
						if err != nil {
							t.Error(err)
							return
						}
						other, err := b.PickOther(strconv.Itoa(g), c)
						if err != nil || other.Instance().ID == c.Instance().ID {
							t.Errorf("got %s again, %v", other.Instance().ID, err)
							return
						}
						other.Done(nil)
						c.Done([]error{nil, errDown, errDown, errDown, errDown, errDown, errDown}[i%7])
						if i%100 == 0 {
							b.Status()
						}
					}
				})
			}
			callers.Wait()
			stop.Store(true)
			writer.Wait()
			view.set(list)
			for _, s := range b.Status() {
				assert.Equal(t, s.InFlight, 0)
			}
			for i := range b.pool.placed {
				assert.Equal(t, b.pool.placed[i].Load(), 0)
			}
		})
	}
}

// The bound of the ring holds for picks that run at the same time, too.
func TestConsistentHashConcurrentSafe(t *testing.T) {
	t.Parallel()
	const n, callers, each = 10, 8, 250
	p := newPool(t, Options{Policy: ConsistentHash}, instances("a", n))
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for range each {
				if _, err := p.Pick("hot"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	sum := 0
	for _, load := range inFlight(p) {
		sum += load
		assert.True(t, load <= callers*each/n*5/4, fmt.Sprintf("no more than 250 calls, got %d", load))
	}
	assert.Equal(t, sum, callers*each)
}

func TestRoundRobinConcurrentSafe(t *testing.T) {
	t.Parallel()
	const n, callers, each = 8, 8, 500
	p := newPool(t, Options{}, instances("a", n))
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for range each {
				_, _ = p.Pick("")
			}
		})
	}
	group.Wait()
	for _, load := range inFlight(p) {
		assert.Equal(t, load, callers*each/n)
	}
}

// While one goroutine brings the balancer up to date, others pick from what there is, and
// wait only if there is nothing.
func TestBalancerWaitsOnlyForTheFirstInstance(t *testing.T) {
	t.Parallel()
	view := &fakeView{}
	b, err := New(view, "svc", Options{})
	assert.NoError(t, err)

	b.following.Lock()
	view.set(instances("a", 1))
	first := make(chan error)
	go func() {
		_, err := b.Pick("")
		first <- err
	}()
	select {
	case err := <-first:
		t.Fatalf("Pick did not wait: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	b.following.Unlock()
	assert.NoError(t, <-first)

	b.following.Lock()
	defer b.following.Unlock()
	view.set(instances("b", 1))
	c, err := b.Pick("")
	assert.NoError(t, err)
	assert.Equal(t, c.Instance().ID, "a-0")
}
