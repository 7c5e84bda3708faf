package collector_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roster-go/roster/collector"
	"github.com/roster-go/roster/internal/assert"
)

// More collectors hang than may run at once: the others get their turn all the
// same, and a collector that ends the goroutine it is called on does not take
// the turns of those that would have been called there.
func TestHangingCollectorsDoNotStarveTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const hanging, sound = 7, 20
		r := collector.New[int](quiet(), collector.AtOnce(2), collector.Timeout(time.Second))
		release := make(chan struct{})
		want := make(map[string]int)
		for i := range hanging {
			r.MustRegister(script(func(context.Context, func(string, int)) error { <-release; return nil }, fmt.Sprint("a", i)))
		}
		for i := range sound {
			name := fmt.Sprintf("b%02d", i)
			want[name] = i
			r.MustRegister(gauge(i, name), script(func(context.Context, func(string, int)) error {
				runtime.Goexit()
				return nil
			}, name+" exits"))
		}
		start := time.Now()
		results, err := r.Gather(t.Context())
		assert.Equal(t, byName(results), want)
		assert.Equal(t, len(failures(t, err)), hanging+sound)
		assert.Equal(t, time.Since(start), (hanging+1)/2*(time.Second+100*time.Millisecond))

		// Those that hang are known now, and cost no time.
		start = time.Now()
		results, err = r.Gather(t.Context())
		assert.Equal(t, byName(results), want)
		assert.Equal(t, len(failures(t, err)), hanging+sound)
		assert.Equal(t, time.Since(start), 0)
		close(release)
		assert.NoError(t, r.Close(t.Context()))
	})
}

// A collector's context has its full time, or a hundredth less, however many
// were called before it, and ends at the latest when its Gather's worker does.
func TestContextsHaveTheirTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := collector.New[int](quiet(), collector.AtOnce(1), collector.Timeout(time.Minute))
		var seen []context.Context
		for i := range 200 {
			r.MustRegister(collector.Func(fmt.Sprintf("c%03d", i), "", func(ctx context.Context) (int, error) {
				deadline, ok := ctx.Deadline()
				left := time.Until(deadline)
				assert.True(t, ok && left <= time.Minute && left >= time.Minute*99/100, fmt.Sprint("a minute, not ", left))
				assert.NoError(t, ctx.Err())
				seen = append(seen, ctx)
				time.Sleep(170 * time.Millisecond)
				return i, nil
			}))
		}
		assert.Equal(t, len(values(t, r)), 200)
		synctest.Wait()
		for _, ctx := range seen {
			assert.True(t, ctx.Err() != nil, "the context ended")
		}
	})
}

// Collectors that misbehave in every way at random, gathered by several at a
// time while others come and go: values are never another collector's, and
// every goroutine ends.
func TestGatherConcurrentSafe(t *testing.T) {
	t.Parallel()
	const collectors, gathers = 40, 60
	r := collector.New[int](quiet(), collector.AtOnce(4), collector.Timeout(time.Millisecond))
	release := make(chan struct{})
	misbehave := func(i int) collector.Collector[int] {
		names := []string{fmt.Sprintf("c%02d", i), fmt.Sprintf("c%02d more", i)}
		return script(func(ctx context.Context, emit func(string, int)) error {
			emit(names[0], i)
			switch rand.IntN(40) {
			case 0:
				panic("oh no")
			case 1:
				runtime.Goexit()
			case 2:
				return errors.New("broken")
			case 3:
				emit("another", i)
			case 4:
				<-ctx.Done()
			case 5:
				go emit(names[1], i)
			case 6:
				if i%10 == 0 {
					<-release
				}
			}
			emit(names[1], i)
			return nil
		}, names...)
	}
	for i := range collectors {
		r.MustRegister(misbehave(i))
	}
	var gathering sync.WaitGroup
	for range 4 {
		gathering.Go(func() {
			for range gathers {
				results, _ := r.Gather(t.Context())
				for _, v := range results {
					if v.Name != fmt.Sprintf("c%02d", v.Value) && v.Name != fmt.Sprintf("c%02d more", v.Value) {
						t.Errorf("%s has the value %d", v.Name, v.Value)
					}
				}
			}
		})
	}
	gathering.Go(func() {
		for i := range gathers {
			c := misbehave(collectors + i%3)
			r.MustRegister(c)
			runtime.Gosched()
			if !r.Unregister(c) {
				t.Error("it was registered")
			}
		}
	})
	gathering.Wait()
	close(release)
	assert.NoError(t, r.Close(t.Context()))
}
