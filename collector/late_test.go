package collector_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roster-go/roster/collector"
	"github.com/roster-go/roster/internal/assert"
)

func TestALateCollectorIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := collector.New[int](quiet(), collector.Timeout(time.Minute), collector.AtOnce(1))
		release := make(chan struct{})
		var calls atomic.Int32
		hangs := script(func(_ context.Context, emit func(string, int)) error {
			calls.Add(1)
			emit("b", 1)
			<-release
			emit("a", 2)
			emit("q", 3)
			return nil
		}, "a", "b")
		r.MustRegister(hangs, gauge(9, "z"))

		// Its slot is free for the others when it is given up.
		results, err := r.Gather(t.Context())
		assert.Equal(t, byName(results), map[string]int{"b": 1, "z": 9})
		failed := failures(t, err)
		assert.Equal(t, len(failed), 1)
		e := assert.ErrorAs[*collector.LateError](t, failed[0])
		assert.Equal(t, *e, collector.LateError{Running: time.Minute + 100*time.Millisecond, Cause: context.DeadlineExceeded})
		assert.True(t, errors.Is(err, collector.ErrLate), "errors.Is ErrLate")

		// It is not called again before it has returned, and holds nobody up.
		time.Sleep(time.Minute)
		start := time.Now()
		results, err = r.Gather(t.Context())
		assert.Equal(t, time.Since(start), 0)
		assert.Equal(t, byName(results), map[string]int{"z": 9})
		e = assert.ErrorAs[*collector.LateError](t, err)
		assert.Equal(t, *e, collector.LateError{Running: 2*time.Minute + 100*time.Millisecond, Earlier: true})
		assert.Equal(t, calls.Load(), 1)

		// Nor does removing it stop it.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.True(t, r.Unregister(hangs), "it is registered")
		assert.NoError(t, r.Register(hangs))
		err = r.Close(ctx)
		e = assert.ErrorAs[*collector.LateError](t, failures(t, err)[0])
		assert.True(t, errors.Is(e.Cause, context.DeadlineExceeded), "Close had no more time")

		close(release)
		assert.NoError(t, r.Close(t.Context()))
	})
}

// When it has returned, a collector that was late is as good as any other.
func TestALateCollectorComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := collector.New[int](quiet(), collector.Timeout(time.Second))
		delay := time.Hour
		r.MustRegister(script(func(_ context.Context, emit func(string, int)) error {
			time.Sleep(delay)
			emit("a", 1)
			return nil
		}, "a"))
		results, err := r.Gather(t.Context())
		assert.Equal(t, len(results), 0)
		assert.True(t, errors.Is(err, collector.ErrLate), "late")
		time.Sleep(time.Hour)
		synctest.Wait()
		delay = 0
		assert.Equal(t, values(t, r), map[string]int{"a": 1})
	})
}

// What is emitted after Collect has returned goes nowhere, while Gather reads what
// came in time.
func TestLateEmissionsConcurrentSafe(t *testing.T) {
	t.Parallel()
	names := make([]string, 200)
	for i := range names {
		names[i] = fmt.Sprintf("n%03d", i)
	}
	r := collector.New[int](quiet())
	var emitting sync.WaitGroup
	r.MustRegister(script(func(_ context.Context, emit func(string, int)) error {
		emit(names[0], 1)
		started := make(chan struct{})
		emitting.Go(func() {
			close(started)
			for _, name := range names {
				emit(name, 2)
				emit("undescribed "+name, 2)
			}
		})
		<-started
		return nil
	}, names...))
	var gathering sync.WaitGroup
	for range 4 {
		gathering.Go(func() {
			for range 100 {
				results, _ := r.Gather(t.Context())
				if len(results) == 0 || results[0].Value != 1 {
					t.Error("the value that came in time is not there:", results)
				}
			}
		})
	}
	gathering.Wait()
	emitting.Wait()
}
