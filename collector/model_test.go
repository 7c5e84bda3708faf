package collector_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/collector"
	"github.com/roster-go/roster/internal/assert"
)

// Random operations on a registry and on maps agree.
func TestRegistryAgainstAMap(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 8))
	r := collector.New[int](quiet())
	collectors := make([]*gauges, 40)
	for i := range collectors {
		names := make(map[string]bool)
		for range random.IntN(4) {
			names[fmt.Sprintf("n%02d", random.IntN(60))] = true
		}
		collectors[i] = gauge(i, slices.Collect(maps.Keys(names))...)
	}
	owner := make(map[string]int) // of a name
	registered := make(map[int]bool)
	for step := range 20_000 {
		i := random.IntN(len(collectors))
		c := collectors[i]
		if random.IntN(2) == 0 {
			assert.Equal(t, r.Unregister(c), registered[i])
			delete(registered, i)
			maps.DeleteFunc(owner, func(_ string, by int) bool { return by == i })
		} else {
			taken := slices.ContainsFunc(c.names, func(name string) bool { _, ok := owner[name]; return ok })
			switch err := r.Register(c); {
			case len(c.names) == 0:
				assert.ErrorAs[*collector.DescriptionError](t, err)
			case registered[i]:
				assert.True(t, assert.ErrorAs[*collector.AlreadyRegisteredError[int]](t, err).Existing == c, "itself")
			case taken:
				assert.ErrorAs[*roster.DuplicateError](t, err)
			default:
				assert.NoError(t, err)
				registered[i] = true
				for _, name := range c.names {
					owner[name] = i
				}
			}
		}
		if step%100 == 0 {
			assert.Equal(t, values(t, r), owner)
			assert.Equal(t, r.Names(), slices.AppendSeq([]string{}, slices.Values(slices.Sorted(maps.Keys(owner)))))
		}
	}
	assert.Equal(t, values(t, r), owner)
}

// Two collectors fight for two names, and one more comes and goes. A Gather sees
// both names from one of them, or neither from either.
func TestRegistryConcurrentSafe(t *testing.T) {
	t.Parallel()
	const rounds = 300
	r := collector.New[int](quiet(), collector.AtOnce(2))
	r.MustRegister(gauge(9, "fixed"))
	var fighting, reading sync.WaitGroup
	done := make(chan struct{})
	for i := range 3 {
		fighting.Go(func() {
			c := gauge(i, "left", "right", fmt.Sprint("own", i))
			for range rounds {
				if err := r.Register(c); err != nil {
					if !errors.Is(err, roster.ErrDuplicate) {
						t.Error(err)
					}
					continue
				}
				if err := r.Register(c); !errors.As(err, new(*collector.AlreadyRegisteredError[int])) {
					t.Error("registered twice:", err)
				}
				runtime.Gosched()
				if !r.Unregister(c) {
					t.Error("it was registered")
				}
			}
		})
	}
	for range 2 {
		reading.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				results, err := r.Gather(t.Context())
				if err != nil {
					t.Error(err)
				}
				got := byName(results)
				left, hasLeft := got["left"]
				right, hasRight := got["right"]
				if hasLeft != hasRight || left != right || got["fixed"] != 9 {
					t.Error("torn:", got)
				}
				if names := strings.Join(r.Names(), " "); strings.Contains(names, "left") != strings.Contains(names, "right") {
					t.Error("torn:", names)
				}
				r.Describe()
			}
		})
	}
	fighting.Wait()
	close(done)
	reading.Wait()
	assert.NoError(t, r.Close(t.Context()))
	assert.Equal(t, values(t, r), map[string]int{})
}
