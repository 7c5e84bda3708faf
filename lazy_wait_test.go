package roster_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

func TestLazyACancelledWaiterLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		proceed := make(chan struct{})
		var cancelled atomic.Bool
		l := roster.NewLazy(func(ctx context.Context, name string) (int, error) {
			<-proceed
			cancelled.Store(ctx.Err() != nil)
			return len(name), nil
		}, quiet())
		ctx, cancel := context.WithCancel(t.Context())
		impatient := loading(ctx, l, "name") // it is the one that starts the load
		synctest.Wait()
		patient := loading(t.Context(), l, "name")
		synctest.Wait()
		cancel()
		a := <-impatient
		assert.True(t, errors.Is(a.err, context.Canceled), "the cancelled one learns why")
		assert.True(t, !errors.Is(a.err, roster.ErrUnknown), "the name is not unknown for that")
		assert.Equal(t, assert.ErrorAs[*roster.LoadError](t, a.err).Name, "name")
		close(proceed)
		assert.Equal(t, <-patient, answer{value: 4})
		assert.True(t, !cancelled.Load(), "the load was not cancelled")
		assert.Equal(t, l.Names(), []string{"name"})
	})
}

func TestLazyTheLastWaiterCancelsTheLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		var mu sync.Mutex
		l := roster.NewLazy(func(ctx context.Context, name string) (int, error) {
			mu.Lock()
			calls++
			first := calls == 1
			mu.Unlock()
			if first {
				<-ctx.Done()
				return 0, context.Cause(ctx)
			}
			return len(name), nil
		}, quiet(), roster.RetryAfter(time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		one, two := loading(ctx, l, "name"), loading(ctx, l, "name")
		for _, a := range []answer{<-one, <-two} {
			assert.True(t, errors.Is(a.err, context.DeadlineExceeded), "both gave up")
		}
		synctest.Wait()
		// That somebody gave up is no property of the name: nothing is remembered.
		v, err := l.Lookup("name")
		assert.NoError(t, err)
		assert.Equal(t, v, 4)
	})
}

func TestLazyDoesNotLoadForWhoeverGaveUpBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &workshop{}
		l := roster.NewLazy(w.load, quiet())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		const tries = 100
		for i := range tries {
			_, err := l.Load(ctx, fmt.Sprint("name", i))
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("unexpected error: %v", err)
			}
		}
		synctest.Wait()
		assert.Equal(t, w.calls.Load(), int64(0))
	})
}

// A context whose values take long to look up lets another load land just then:
// the lookup finds the value there though its own context is done.
func TestLazyWaiterWhoGivesUpAsTheValueLands(t *testing.T) {
	t.Parallel()
	defer func() {
		if v := recover(); v != nil {
			t.Errorf("Load panics: %v", v)
		}
	}()
	w := &workshop{}
	l := roster.NewLazy(w.load, quiet())
	done, cancel := context.WithCancel(t.Context())
	cancel()
	for i := range 50 {
		name := fmt.Sprint("name", i)
		ctx := &meanwhile{Context: done, do: func() { l.Get(name) }}
		if _, err := l.Load(ctx, name); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("unexpected error: %v", err)
		}
	}
}

// meanwhile is a context that does something when it is first asked for a value.
type meanwhile struct {
	context.Context

	once sync.Once
	do   func()
}

func (m *meanwhile) Value(key any) any {
	m.once.Do(m.do)
	return m.Context.Value(key)
}

func TestLazyReportsANameThatNeedsItself(t *testing.T) {
	t.Parallel()
	needs := map[string]string{"a": "b", "b": "c", "c": "a", "own": "own", "d": "e"}
	var l *roster.Lazy[int]
	l = roster.NewLazy(func(ctx context.Context, name string) (int, error) {
		if other, ok := needs[name]; ok {
			v, err := l.Load(ctx, other)
			return v + 1, err
		}
		return 1, nil
	}, quiet(), roster.RetryAfter(0))
	for name, chain := range map[string]string{"a": "a → b → c → a", "b": "b → c → a → b", "own": "own → own"} {
		_, err := l.Lookup(name)
		assert.Contains(t, err.Error(), "it needs itself to load: "+chain)
	}
	v, err := l.Lookup("d")
	assert.NoError(t, err)
	assert.Equal(t, v, 2)
}

// Two names that need each other, wanted at the same time: each load waits for
// the other one. Which of the lookups fails does not matter; that they wait for
// ever does.
func TestLazyReportsNamesThatNeedEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l *roster.Lazy[int]
		both := make(chan struct{})
		l = roster.NewLazy(func(ctx context.Context, name string) (int, error) {
			<-both
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			return l.Load(ctx, map[string]string{"a": "b", "b": "a"}[name])
		}, quiet())
		a, b := loading(t.Context(), l, "a"), loading(t.Context(), l, "b")
		synctest.Wait()
		close(both)
		for _, answer := range []answer{<-a, <-b} {
			if errors.Is(answer.err, context.DeadlineExceeded) {
				t.Error("the two loads wait for each other, and nobody is told")
				continue
			}
			assert.Contains(t, fmt.Sprint(answer.err), "it needs itself to load")
		}
	})
}
