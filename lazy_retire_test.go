package roster_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

// What an abandoned load returns after all is not the registry's, which retires
// it.
func TestLazyRetiresWhatNobodyWaitsForAnyMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		retired, onRetire := retirement()
		w := &workshop{proceed: make(chan struct{})}
		l := roster.NewLazy(w.load, quiet(), onRetire)
		ctx, cancel := context.WithCancel(t.Context())
		abandoned := loading(ctx, l, "name")
		synctest.Wait()
		cancel()
		<-abandoned
		close(w.proceed)
		synctest.Wait()
		assert.Equal(t, retired(), []string{"name=4"})
		assert.Equal(t, l.Len(), 0)
		assert.NoError(t, l.Drain(t.Context()))
	})
}

// retirement is a retire function and what it was called with so far.
func retirement() (so func() []string, option roster.ChangingOption) {
	var mu sync.Mutex
	var calls []string
	return func() []string {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(calls)
		}, roster.OnRetire(func(name string, v int) error {
			mu.Lock()
			defer mu.Unlock()
			calls = append(calls, fmt.Sprint(name, "=", v))
			return nil
		})
}

// A retire function that calls a test's FailNow ends the goroutine that retires.
// If that is not contained the whole process ends, so that another one tries it.
func TestLazyContainsGoexitOfRetire(t *testing.T) {
	const inside = "ROSTER_TEST_GOEXIT"
	if os.Getenv(inside) == "" {
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		command.Env = append(os.Environ(), inside+"=1")
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v: %.600s", err, output)
		}
		return
	}
	var retired []string
	l := roster.NewLazy((&workshop{}).load, quiet(), roster.OnRetire(func(name string, _ int) error {
		retired = append(retired, name)
		if name == "a" {
			runtime.Goexit()
		}
		return nil
	}))
	for _, name := range []string{"a", "b"} {
		l.Get(name)
	}
	l.Forget("a")
	l.Forget("b")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	err := l.Drain(ctx)
	assert.Equal(t, assert.ErrorAs[*roster.PanicError](t, err).Name, "a")
	assert.Equal(t, retired, []string{"a", "b"})
}

// A value that was loaded and is not kept has to go somewhere.
func TestLazyRetiresWhatWasForgottenDuringItsLoad(t *testing.T) {
	t.Parallel()
	for who, wait := range map[string]func(context.Context, *roster.Lazy[int]){
		"a lookup": func(ctx context.Context, l *roster.Lazy[int]) { _, _ = l.Load(ctx, "name") },
		"a lease": func(ctx context.Context, l *roster.Lazy[int]) {
			if lease, err := l.Lease(ctx, "name"); err == nil {
				lease.Release()
			}
		},
		"nobody any more": func(ctx context.Context, l *roster.Lazy[int]) {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			_, _ = l.Load(ctx, "name")
		},
	} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				retired, onRetire := retirement()
				var calls atomic.Int64
				proceed := make(chan struct{})
				l := roster.NewLazy(func(context.Context, string) (int, error) {
					<-proceed
					return int(calls.Add(1)), nil
				}, quiet(), onRetire)
				var wg sync.WaitGroup
				wg.Go(func() { wait(t.Context(), l) })
				synctest.Wait()
				l.Forget("name")
				time.Sleep(time.Minute)
				close(proceed)
				wg.Wait()
				synctest.Wait()
				l.Forget("name")
				assert.NoError(t, l.Drain(t.Context()))
				var want []string
				for i := range calls.Load() {
					want = append(want, fmt.Sprint("name=", i+1))
				}
				assert.Equal(t, slices.Sorted(slices.Values(retired())), want) // all that was ever loaded, each once
			})
		})
	}
}

func TestLazyLeasesHoldWhatIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		retired, onRetire := retirement()
		var calls atomic.Int64
		l := roster.NewLazy(func(context.Context, string) (int, error) { return int(calls.Add(1)), nil }, quiet(), onRetire)
		at := here().next()
		first, err := l.Lease(t.Context(), "name")
		assert.NoError(t, err)
		again, err := l.Lease(t.Context(), "name")
		assert.NoError(t, err)
		assert.True(t, l.Forget("name"), "there was a value")
		second, err := l.Lease(t.Context(), "name")
		assert.NoError(t, err)
		assert.Equal(t, []int{first.Value(), again.Value(), second.Value()}, []int{1, 1, 2})
		assert.Equal(t, first.Name(), "name")

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		stuck := assert.ErrorAs[*roster.StuckError](t, l.Drain(ctx))
		assert.Equal(t, stuck.Values, 1)
		assert.Equal(t, len(stuck.Holders), 2) // of the second value nobody need let go
		isAt(t, stuck.Holders[0].Site, at)
		again.Release()
		again.Release()
		synctest.Wait()
		assert.Equal(t, len(retired()), 0)
		first.Release()
		assert.NoError(t, l.Drain(t.Context()))
		assert.Equal(t, retired(), []string{"name=1"})
		second.Release()
		synctest.Wait()
		assert.Equal(t, retired(), []string{"name=1"}) // the second is still the registry's
	})
}

// A drain whose time ran out says what it waited for: a name, or holders.
func TestLazyDrainSaysWhatItWaitedFor(t *testing.T) {
	t.Parallel()
	_, onRetire := retirement()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 200 {
		l := roster.NewLazy((&workshop{}).load, roster.Unlisted(), onRetire)
		l.Get("name")
		l.Forget("name")
		if err := l.Drain(ctx); err != nil {
			stuck := assert.ErrorAs[*roster.StuckError](t, err)
			assert.True(t, stuck.Retiring == "name" || stuck.Values == 1, "the value is named in: "+err.Error())
		}
	}
}

func TestLazyClosesWhatIsForgotten(t *testing.T) {
	t.Parallel()
	c := &closing{}
	l := roster.NewLazy(func(context.Context, string) (*closing, error) { return c, nil }, quiet(), roster.CloseRetired())
	for _, name := range []string{"one", "two"} { // one value under two names
		l.Get(name)
	}
	l.Forget("one")
	assert.NoError(t, l.Drain(t.Context()))
	assert.Equal(t, c.closed.Load(), int64(0))
	l.Forget("two")
	assert.NoError(t, l.Drain(t.Context()))
	assert.Equal(t, c.closed.Load(), int64(1))
}

type closing struct{ closed atomic.Int64 }

func (c *closing) Close() error { c.closed.Add(1); return nil }
