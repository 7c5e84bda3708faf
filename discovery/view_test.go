package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/internal/assert"
)

func newView() *discovery.View { return discovery.NewView(discovery.In(roster.NewDirectory())) }

func at(service, id, address string) discovery.Instance {
	return discovery.Instance{Service: service, ID: id, Address: address}
}

func put(instance discovery.Instance) discovery.Change { return discovery.Change{Instance: instance} }

func gone(service, id string) discovery.Change {
	return discovery.Change{Removed: true, Instance: discovery.Instance{Service: service, ID: id}}
}

func content(view *discovery.View) map[discovery.Key]discovery.Instance {
	all := make(map[discovery.Key]discovery.Instance)
	for _, instances := range view.All() {
		for _, instance := range instances {
			all[instance.Key()] = instance
		}
	}
	return all
}

func TestViewStartsEmptyAndStale(t *testing.T) {
	view := newView()
	view.Apply(5, []discovery.Change{put(at("mail", "a", "x:1"))}) // before any Sync
	view.Fresh(6)
	status := view.Status()
	assert.Equal(t, status.Ready, false)
	assert.Equal(t, status.Stale, true)
	assert.True(t, status.Err != nil, "a reason for being stale")
	assert.Equal(t, status.Revision, int64(0))
	assert.Equal(t, len(view.Services()), 0)
}

func TestViewAppearsInTheDirectory(t *testing.T) {
	directory := roster.NewDirectory()
	view := discovery.NewView(discovery.In(directory))
	view.Sync(1, []discovery.Instance{at("mail", "a", "x:1"), at("sms", "a", "x:1")})
	view.Get("mail")
	view.Get("fax")
	totals := directory.Totals()
	assert.Equal(t, len(totals), 1)
	assert.Equal(t, totals[0].Registry, "services")
	assert.Equal(t, totals[0].Size, 2)
	assert.Equal(t, len(totals[0].Lookups), 2) // one hit, one miss
	assert.Equal(t, view.Table().Names(), []string{"mail", "sms"})
}

func TestViewAppliesARevisionWhole(t *testing.T) {
	view := newView()
	view.Sync(1, []discovery.Instance{at("mail", "b", "x:2"), at("mail", "a", "x:1")})
	before := view.Get("mail")
	assert.Equal(t, before, []discovery.Instance{at("mail", "a", "x:1"), at("mail", "b", "x:2")})

	view.Apply(3, []discovery.Change{
		gone("mail", "a"), put(at("mail", "c", "x:3")), put(at("sms", "a", "x:1")),
		gone("mail", "nobody"), put(at("mail", "b", "x:9")),
	})
	assert.Equal(t, view.Get("mail"), []discovery.Instance{at("mail", "b", "x:9"), at("mail", "c", "x:3")})
	assert.Equal(t, view.Get("sms"), []discovery.Instance{at("sms", "a", "x:1")})
	assert.Equal(t, before[0].ID, "a") // what a reader holds does not change
	status := view.Status()
	assert.Equal(t, [3]int{int(status.Revision), status.Instances, status.Services}, [3]int{3, 3, 2})

	view.Apply(3, []discovery.Change{gone("sms", "a")}) // not after revision 3
	assert.Equal(t, len(view.Get("sms")), 1)
	view.Apply(4, []discovery.Change{gone("sms", "a")})
	assert.Equal(t, view.Services(), []string{"mail"})
}

func TestViewLeavesOutInvalidInstances(t *testing.T) {
	view := newView()
	view.Sync(1, []discovery.Instance{at("mail", "a", "x:1"), at("a/b", "a", "x:1"), at("mail", "b", "")})
	view.Apply(2, []discovery.Change{put(at("", "a", "x:1")), put(at("mail", "c", "x:1"))})
	assert.Equal(t, len(content(view)), 2)
	assert.Equal(t, view.Status().Invalid, uint64(3))
	assert.Equal(t, view.Status().Stale, false)
}

func TestViewAcceptsAStoreThatWentBack(t *testing.T) {
	view := newView()
	view.Sync(100, []discovery.Instance{at("mail", "a", "x:1"), at("mail", "b", "x:1")})
	view.Sync(7, []discovery.Instance{at("mail", "b", "x:1")})
	view.Apply(8, []discovery.Change{put(at("mail", "c", "x:1"))})
	assert.Equal(t, slices.Sorted(maps.Keys(idsOf(view.Get("mail")))), []string{"b", "c"})
	assert.Equal(t, view.Status().Resyncs, uint64(1))
}

func idsOf(instances []discovery.Instance) map[string]bool {
	ids := make(map[string]bool)
	for _, instance := range instances {
		ids[instance.ID] = true
	}
	return ids
}

func TestViewStaleness(t *testing.T) {
	view := newView()
	view.Sync(1, []discovery.Instance{at("mail", "a", "x:1")})
	first, second := errors.New("first"), errors.New("second")
	view.Stale(first)
	since := view.Status().StaleSince
	view.Stale(second)
	status := view.Status()
	assert.Equal(t, status.StaleSince, since) // since the first reason
	assert.True(t, errors.Is(status.Err, second), "the latest reason")
	assert.Equal(t, len(view.Get("mail")), 1)
	view.Fresh(4)
	status = view.Status()
	assert.True(t, !status.Stale && status.Err == nil && status.StaleSince.IsZero(), "a fresh view")
	assert.Equal(t, status.Revision, int64(4))
}

func TestViewRunsOneSourceAtATime(t *testing.T) {
	memory := discovery.NewMemory(0)
	view := newView()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- view.Run(ctx, memory) }()
	<-view.Ready()
	assert.True(t, errors.Is(view.Run(t.Context(), memory), discovery.ErrRunning), "a second Run is refused")
	cancel()
	assert.True(t, errors.Is(<-ended, context.Canceled), "Run returns why its context ended")
	assert.True(t, view.Status().Stale, "a view without a source is stale")

	again, stop := context.WithCancel(t.Context())
	stop()
	assert.True(t, errors.Is(view.Run(again, memory), context.Canceled), "Run may be called again")
}

// A view must be what a plain map is after the same operations, whatever they are.
func TestViewAgreesWithAMap(t *testing.T) {
	const seed1, seed2 = 1, 2
	random := rand.New(rand.NewPCG(seed1, seed2))
	view := newView()
	model := make(map[discovery.Key]discovery.Instance)
	anything := func() discovery.Instance {
		return at("s"+strconv.Itoa(random.IntN(4)), "i"+strconv.Itoa(random.IntN(5)), "x:"+strconv.Itoa(random.IntN(3)))
	}
	view.Sync(1, nil)
	for revision := range int64(2000) {
		if random.IntN(20) == 0 {
			clear(model)
			for range random.IntN(10) {
				instance := anything()
				model[instance.Key()] = instance
			}
			view.Sync(revision+2, slices.Collect(maps.Values(model)))
		} else {
			var changes []discovery.Change
			for range random.IntN(4) {
				instance := anything()
				if random.IntN(2) == 0 {
					delete(model, instance.Key())
					changes = append(changes, gone(instance.Service, instance.ID))
				} else {
					model[instance.Key()] = instance
					changes = append(changes, put(instance))
				}
			}
			view.Apply(revision+2, changes)
		}
		assert.Equal(t, content(view), model)
		assert.Equal(t, view.Status().Instances, len(model))
		assert.Equal(t, view.Status().Services, len(view.Services()))
	}
}

func TestViewGetDoesNotAllocate(t *testing.T) {
	view := newView()
	view.Sync(1, []discovery.Instance{at("mail", "a", "x:1")})
	assert.Equal(t, testing.AllocsPerRun(100, func() { view.Get("mail") }), 0.0)
}

func TestViewConcurrentSafe(t *testing.T) {
	view := newView()
	view.Sync(1, nil)
	const writes, readers = 500, 4
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() {
			var last int
			for {
				select {
				case <-done:
					return
				default:
				}
				// All is one revision: the writer keeps two services equal and growing.
				sizes := make(map[string]int)
				for service, instances := range view.All() {
					sizes[service] = len(instances)
				}
				if sizes["left"] != sizes["right"] || sizes["left"] < last {
					t.Errorf("saw %v after %d", sizes, last)
				}
				last = sizes["left"]
				view.Get("left")
				view.Services()
				view.Status()
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	for range readers {
		wg.Go(func() {
			model := make(map[discovery.Key]discovery.Instance)
			for batch := range view.Changes(ctx) {
				follow(t, model, batch)
				if len(model) == 2*writes {
					return
				}
			}
		})
	}
	for n := range writes {
		id := fmt.Sprintf("i%03d", n)
		view.Apply(int64(n+2), []discovery.Change{put(at("left", id, "x:1")), put(at("right", id, "x:1"))})
	}
	close(done)
	wg.Wait()
	cancel()
}

// follow applies a batch to model and checks that it fits.
func follow(t *testing.T, model map[discovery.Key]discovery.Instance, batch discovery.Batch) {
	t.Helper()
	latest := discovery.Removed
	for _, event := range batch.Events {
		if event.Kind < latest {
			t.Errorf("%v after %v", event.Kind, latest)
		}
		latest = event.Kind
		key := event.Instance.Key()
		known, exists := model[key]
		switch event.Kind {
		case discovery.Added:
			if exists {
				t.Errorf("%v was added twice", key)
			}
			model[key] = event.Instance
		case discovery.Updated:
			if !exists || !known.Equal(event.Previous) || known.Equal(event.Instance) {
				t.Errorf("%v: %v was updated from %v to %v", key, known, event.Previous, event.Instance)
			}
			model[key] = event.Instance
		case discovery.Removed:
			if !exists || !known.Equal(event.Instance) {
				t.Errorf("%v: %v was removed as %v", key, known, event.Instance)
			}
			delete(model, key)
		}
	}
}
