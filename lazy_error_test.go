package roster_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

func TestLazyContainsPanics(t *testing.T) {
	t.Parallel()
	cause := errors.New("the map is nil")
	l := roster.NewLazy(func(_ context.Context, name string) (int, error) {
		if name == "error" {
			panic(cause)
		}
		panic("no " + name)
	}, quiet())
	_, err := l.Lookup("text")
	e := assert.ErrorAs[*roster.PanicError](t, err)
	assert.Equal(t, e.Value, any("no text"))
	assert.Contains(t, string(e.Stack), "lazy_error_test.go:")
	assert.Equal(t, assert.ErrorAs[*roster.LoadError](t, err).Name, "text")
	_, err = l.Lookup("error")
	assert.True(t, errors.Is(err, cause), "the cause of a panic is found")
}

// A load function that calls a test's FailNow ends its goroutine.
func TestLazyContainsGoexit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := roster.NewLazy(func(context.Context, string) (int, error) {
			runtime.Goexit()
			return 0, nil
		}, quiet())
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := l.Load(ctx, "name")
		assert.True(t, !errors.Is(err, context.DeadlineExceeded), "whoever waits for the load learns that it ended")
		assert.True(t, errors.As(err, new(*roster.PanicError)), "Goexit is contained as a panic is")
	})
}

func TestLazyErrorsAreNotForEver(t *testing.T) {
	t.Parallel()
	for what, tc := range map[string]struct {
		opts  []roster.LazyOption
		after time.Duration
	}{
		"the default": {nil, time.Second},
		"a minute":    {[]roster.LazyOption{roster.RetryAfter(time.Minute)}, time.Minute},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &workshop{err: errOutage}
				l := roster.NewLazy(w.load, append(tc.opts, quiet())...)
				for range 3 {
					_, err := l.Lookup("name")
					assert.True(t, errors.Is(err, errOutage), "the error of the load")
				}
				assert.Equal(t, w.calls.Load(), int64(1))
				const moment = time.Nanosecond
				time.Sleep(tc.after - moment)
				_, err := l.Lookup("name")
				assert.True(t, errors.Is(err, errOutage), "the error is remembered until then")
				assert.Equal(t, w.calls.Load(), int64(1))
				time.Sleep(moment)
				_, err = l.Lookup("name")
				assert.True(t, errors.Is(err, errOutage), "it failed again")
				assert.Equal(t, w.calls.Load(), int64(2))
				time.Sleep(tc.after)
				w.err = nil
				v, err := l.Lookup("name")
				assert.NoError(t, err)
				assert.Equal(t, v, 4)
				assert.Equal(t, l.Stats().Lookups, []roster.Count{
					{Name: "name", Outcome: roster.Hit, N: 1}, {Name: "name", Outcome: roster.Miss, N: 5},
				})
			})
		})
	}
}

func TestLazyRetryAtOnce(t *testing.T) {
	t.Parallel()
	w := &workshop{err: errOutage}
	l := roster.NewLazy(w.load, quiet(), roster.RetryAfter(0))
	for range 3 {
		l.Get("name")
	}
	assert.Equal(t, w.calls.Load(), int64(3))
}

func TestLazyForgetsErrorsToo(t *testing.T) {
	t.Parallel()
	w := &workshop{err: errOutage}
	l := roster.NewLazy(w.load, quiet(), roster.RetryAfter(time.Hour))
	l.Get("name")
	assert.True(t, !l.Forget("name"), "there was no value")
	w.err = nil
	_, err := l.Lookup("name")
	assert.NoError(t, err)
	assert.True(t, l.Forget("name"), "there was a value")
	assert.True(t, !l.Forget("name"), "and now there is none")
	assert.True(t, !l.Forget(""), "nor is there ever one of a malformed name")
	assert.Equal(t, l.Len(), 0)
}

// The names that fail come from outside. Neither the memory of a registry nor
// the time of a lookup may grow with their number.
func TestLazyFailuresAreBounded(t *testing.T) {
	w := &workshop{err: errOutage}
	l := roster.NewLazy(w.load, quiet(), roster.RetryAfter(time.Hour))
	const few, rounds = 1_000, 50
	fail := func(round int) {
		for i := range few {
			l.Get(fmt.Sprint("name ", round*few+i))
		}
	}
	fail(0) // as many as are remembered
	before := heapInUse()
	for round := range rounds {
		fail(round + 1)
	}
	assert.Eventually(t, func() bool { return heapInUse() < before+1<<20 }, "the heap is where it was")
	assert.Equal(t, w.calls.Load(), int64(few*(rounds+1)))
	assert.True(t, len(l.Stats().Lookups) <= 101, "the names of misses are bounded")
}

func heapInUse() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestLazyRefusesNilValues(t *testing.T) {
	t.Parallel()
	l := roster.NewLazy(func(_ context.Context, name string) (codec, error) {
		if name == "typed" {
			return (*jsonCodec)(nil), nil
		}
		return nil, nil
	}, roster.Named("codecs"), quiet())
	for name, what := range map[string]string{
		"typed": "a nil *roster_test.jsonCodec inside the interface roster_test.codec",
		"plain": "a nil roster_test.codec",
	} {
		v, err := l.Lookup(name)
		assert.True(t, v == nil, "no value comes with the error")
		assert.Equal(t, assert.ErrorAs[*roster.NilError](t, err).What, what)
		assert.Equal(t, assert.ErrorAs[*roster.LoadError](t, err).Name, name)
	}
	assert.Equal(t, l.Len(), 0)
}

func TestLazyClose(t *testing.T) {
	t.Parallel()
	started := make(chan struct{})
	l := roster.NewLazy(func(ctx context.Context, name string) (int, error) {
		if name == "slow" {
			close(started)
			<-ctx.Done()
			return 0, context.Cause(ctx)
		}
		return 1, nil
	}, quiet())
	_, ok := l.Get("fast")
	assert.True(t, ok, "it is loaded")
	waiting := make(chan error)
	go func() {
		_, err := l.Lookup("slow")
		waiting <- err
	}()
	<-started
	assert.NoError(t, l.Close(t.Context()))
	assert.True(t, errors.Is(<-waiting, context.Canceled), "a load under way is cancelled")
	assert.Equal(t, l.Len(), 0)
	for _, name := range []string{"fast", "slow", "new"} {
		_, err := l.Lookup(name)
		assert.True(t, errors.Is(err, roster.ErrSealed), "nothing is loaded any more")
	}
	assert.NoError(t, l.Close(t.Context()))
	assert.True(t, !l.Info().Sealed.IsZero(), "the registry tells who closed it")
}
