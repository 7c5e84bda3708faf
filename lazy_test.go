package roster_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

// A workshop makes the values of a lazy registry: each name's value is its
// length. It counts the calls and, if told to, waits.
type workshop struct {
	calls   atomic.Int64
	proceed chan struct{} // a load waits until this is closed, if it is not nil
	err     error
}

func (w *workshop) load(_ context.Context, name string) (int, error) {
	w.calls.Add(1)
	if w.proceed != nil {
		<-w.proceed
	}
	return len(name), w.err
}

// An answer is what a call returned.
type answer struct {
	value int
	err   error
}

// loading starts a Load and delivers its answer.
func loading(ctx context.Context, l *roster.Lazy[int], name string) <-chan answer {
	c := make(chan answer, 1)
	go func() {
		v, err := l.Load(ctx, name)
		c <- answer{v, err}
	}()
	return c
}

func TestLazyLoadsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const callers = 1_000
		w := &workshop{proceed: make(chan struct{})}
		l := roster.NewLazy(w.load, quiet())
		answers := make([]<-chan answer, callers)
		for i := range answers {
			answers[i] = loading(t.Context(), l, "name")
		}
		synctest.Wait()
		assert.Equal(t, w.calls.Load(), int64(1))
		close(w.proceed)
		for _, a := range answers {
			assert.Equal(t, <-a, answer{value: 4})
		}
		v, ok := l.Get("name")
		assert.True(t, ok && v == 4, "it is kept")
		assert.Equal(t, w.calls.Load(), int64(1))
		assert.Equal(t, l.Stats(), roster.Stats{
			Lookups:       []roster.Count{{Name: "name", Outcome: roster.Hit, N: callers + 1}},
			Registrations: []roster.Count{{Name: "name", Outcome: roster.Success, N: 1}},
		})
	})
}

func TestLazyIsAView(t *testing.T) {
	t.Parallel()
	w := &workshop{}
	l := roster.NewLazy(w.load, roster.Named("lengths"), quiet())
	assert.Equal(t, l.Len(), 0)
	v, err := l.Lookup("four")
	assert.NoError(t, err)
	assert.Equal(t, v, 4)
	v, err = l.Load(t.Context(), "seventh")
	assert.NoError(t, err)
	assert.Equal(t, v, 7)
	assert.Equal(t, l.Name(), "lengths")
	assert.Equal(t, l.Names(), []string{"four", "seventh"})
	assert.Equal(t, l.Len(), 2)
	assert.Equal(t, maps.Collect(l.All()), map[string]int{"four": 4, "seventh": 7})
	info := l.Info()
	assert.Equal(t, info.Lifecycle, roster.LoadOnUse)
	assert.Equal(t, info.Size, 2)
	at := here().next()
	l.Get("x")
	entries := slices.Collect(l.Entries())
	isAt(t, entries[2].Registered, at) // the lookup that caused the load
	assert.Equal(t, w.calls.Load(), int64(3))
}

// A name that loads slowly holds up those who want it, and nobody else.
func TestLazyLookupsDoNotWaitForOtherNames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		proceed := make(chan struct{})
		l := roster.NewLazy(func(_ context.Context, name string) (int, error) {
			if name == "slow" {
				<-proceed
			}
			return len(name), nil
		}, quiet())
		slow := loading(t.Context(), l, "slow")
		synctest.Wait()
		v, ok := l.Get("fast")
		assert.True(t, ok && v == 4, "another name is loaded meanwhile")
		assert.Equal(t, l.Names(), []string{"fast"})
		assert.True(t, !l.Forget("other"), "Forget does not wait")
		close(proceed)
		assert.Equal(t, <-slow, answer{value: 4})
	})
}

func TestLazyLoadGetsTheCallersValuesAndNotItsDeadline(t *testing.T) {
	t.Parallel()
	type key struct{}
	l := roster.NewLazy(func(ctx context.Context, _ string) (string, error) {
		_, limited := ctx.Deadline()
		return fmt.Sprint(ctx.Value(key{}), limited), nil
	}, quiet())
	ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "trace "), time.Minute)
	defer cancel()
	v, err := l.Load(ctx, "name")
	assert.NoError(t, err)
	assert.Equal(t, v, "trace false")
}

func TestLazyMalformedNamesNeverReachTheLoadFunction(t *testing.T) {
	t.Parallel()
	w := &workshop{}
	l := roster.NewLazy(w.load, quiet())
	for _, name := range []string{"", " a", "a\n", "a\x00b", "\xff", strings.Repeat("n", roster.MaxNameLen+1)} {
		for verb, lookUp := range map[string]func() error{
			"Load":   func() error { _, err := l.Load(t.Context(), name); return err },
			"Lookup": func() error { _, err := l.Lookup(name); return err },
			"Lease":  func() error { _, err := l.Lease(t.Context(), name); return err },
		} {
			e := assert.ErrorAs[*roster.NameError](t, lookUp())
			assert.True(t, e.Name == name && errors.Is(e, roster.ErrInvalidName), verb+" refuses it")
		}
		_, ok := l.Get(name)
		assert.True(t, !ok, "Get does not find it")
	}
	assert.Equal(t, w.calls.Load(), int64(0))
}

func TestLazyForgetDuringALoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		proceed := make(chan struct{})
		l := roster.NewLazy(func(context.Context, string) (int, error) {
			n := int(calls.Add(1))
			if n == 1 {
				<-proceed
			}
			return n, nil
		}, quiet())
		old := loading(t.Context(), l, "name")
		synctest.Wait()
		assert.True(t, !l.Forget("name"), "there is no value yet")
		again := loading(t.Context(), l, "name") // does not join the load that was forgotten
		synctest.Wait()
		close(proceed)
		assert.Equal(t, <-old, answer{value: 1})
		assert.Equal(t, <-again, answer{value: 2})
		v, _ := l.Get("name")
		assert.Equal(t, v, 2)
		assert.Equal(t, l.Stats().Lookups, []roster.Count{{Name: "name", Outcome: roster.Hit, N: 3}})
	})
}

// A lease is one lookup, whether or not it had to load.
func TestLazyLeaseCountsOnce(t *testing.T) {
	t.Parallel()
	w := &workshop{}
	l := roster.NewLazy(w.load, quiet())
	for i := range 2 {
		lease, err := l.Lease(t.Context(), "name")
		assert.NoError(t, err)
		lease.Release()
		assert.Equal(t, l.Stats().Lookups, []roster.Count{{Name: "name", Outcome: roster.Hit, N: uint64(i + 1)}})
	}
}

// Load functions open files and dial hosts: two at a time for one name is what a
// lazy registry is there to prevent, also when everybody gave up on the first.
func TestLazyNeverLoadsANameTwiceAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int64
		l := roster.NewLazy(func(context.Context, string) (int, error) {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			time.Sleep(time.Minute) // it does not listen to its context
			return 1, nil
		}, quiet())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := l.Load(ctx, "name")
		assert.True(t, errors.Is(err, context.DeadlineExceeded), "the first gave up")
		_, err = l.Load(t.Context(), "name")
		assert.NoError(t, err)
		assert.Equal(t, most.Load(), int64(1))
	})
}

// Forgetting a name that is not there is cheap, however many others are: it
// does not look for near ones.
func TestLazyForgetOfAnAbsentNameIsCheap(t *testing.T) {
	w := &workshop{}
	l := roster.NewLazy(w.load, quiet())
	for i := range 5_000 {
		l.Get(fmt.Sprint("name of a value ", i))
	}
	allocs := testing.AllocsPerRun(10, func() { l.Forget("name of a value") })
	assert.True(t, allocs < 10, fmt.Sprint("few allocations, there were ", allocs))
}
