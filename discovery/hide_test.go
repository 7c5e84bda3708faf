package discovery_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/kill"
)

func newSwitch(t *testing.T) (s *kill.Switch, order func(target kill.Target, revived bool)) {
	t.Helper()
	s, err := kill.Open("")
	assert.NoError(t, err)
	var epoch uint64
	return s, func(target kill.Target, revived bool) {
		epoch++
		_, err := s.Apply("test", kill.Order{Target: target, Epoch: epoch, Revived: revived, Reason: "a test"})
		if err != nil {
			t.Error(err)
		}
	}
}

// ids are the ids of a service's instances.
func ids(view *discovery.View, service string) []string {
	var list []string
	for _, i := range view.Get(service) {
		list = append(list, i.ID)
	}
	return list
}

func TestKilledInstancesAreHidden(t *testing.T) {
	s, order := newSwitch(t)
	order(kill.Instance("mail", "a"), false)
	view := discovery.NewView(discovery.In(roster.NewDirectory()), discovery.HideKilled(s))
	view.Sync(1, []discovery.Instance{at("mail", "a", "x:1"), at("mail", "b", "x:2"), at("sms", "a", "x:1")})
	assert.Equal(t, ids(view, "mail"), []string{"b"})
	assert.Equal(t, ids(view, "sms"), []string{"a"})
	status := view.Status()
	assert.Equal(t, [3]int{status.Instances, status.Services, status.Hidden}, [3]int{2, 2, 1})

	version := view.Version()
	order(kill.Instance("mail", "b"), false)
	assert.Equal(t, ids(view, "mail"), nil)
	assert.Equal(t, view.Services(), []string{"sms"})
	assert.True(t, view.Version() > version, "a picker notices")
	view.Apply(2, []discovery.Change{put(at("mail", "a", "x:9")), put(at("mail", "c", "x:3"))}) // a late write revives nothing
	assert.Equal(t, ids(view, "mail"), []string{"c"})

	order(kill.Capability("mail"), false)
	order(kill.Capability("fax"), false) // not there yet
	view.Apply(3, []discovery.Change{put(at("fax", "a", "x:1")), gone("mail", "b")})
	assert.Equal(t, view.Services(), []string{"sms"})
	assert.Equal(t, view.Status().Hidden, 3)

	order(kill.Instance("mail", "a"), true)
	assert.Equal(t, ids(view, "mail"), nil)
	order(kill.Capability("mail"), true)
	assert.Equal(t, view.Get("mail"), []discovery.Instance{at("mail", "a", "x:9"), at("mail", "c", "x:3")})
	order(kill.Capability("fax"), true)
	status = view.Status()
	assert.Equal(t, [3]int{status.Instances, status.Services, status.Hidden}, [3]int{4, 3, 0})
}

// Whatever is announced, withdrawn, killed and revived, the view shows what a map says,
// and its changes add up to it.
func TestHidingAgreesWithAMap(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	hidden := map[discovery.Key]bool{}
	view := discovery.NewView(discovery.In(roster.NewDirectory()),
		discovery.Hide(func(i discovery.Instance) bool { return hidden[i.Key()] }),
		discovery.Hide(func(i discovery.Instance) bool { return i.Zone == "closed" }))
	all, told := map[discovery.Key]discovery.Instance{}, map[discovery.Key]discovery.Instance{}
	instance := func() discovery.Instance {
		i := at(fmt.Sprint("s", random.IntN(4)), fmt.Sprint("i", random.IntN(6)), fmt.Sprint("x:", random.IntN(3)))
		if random.IntN(8) == 0 {
			i.Zone = "closed"
		}
		return i
	}
	view.Sync(1, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	steps := int64(2)
	for batch := range view.Changes(ctx) {
		follow(t, told, batch)
		changed := false
		for !changed && !t.Failed() {
			before := content(view)
			switch i := instance(); random.IntN(5) {
			case 0, 1:
				all[i.Key()] = i
				view.Apply(steps, []discovery.Change{put(i)})
			case 2:
				delete(all, i.Key())
				view.Apply(steps, []discovery.Change{gone(i.Service, i.ID)})
			case 3:
				hidden[i.Key()] = !hidden[i.Key()]
				view.Reconsider()
			default:
				other := instance()
				all[i.Key()], all[other.Key()] = i, other
				view.Sync(steps, slices.Collect(maps.Values(all)))
			}
			steps++
			want := maps.Clone(all)
			maps.DeleteFunc(want, func(k discovery.Key, i discovery.Instance) bool { return hidden[k] || i.Zone == "closed" })
			assert.Equal(t, content(view), want)
			status := view.Status()
			assert.Equal(t, [2]int{status.Instances, status.Hidden}, [2]int{len(want), len(all) - len(want)})
			changed = !maps.EqualFunc(before, want, discovery.Instance.Equal)
		}
		if steps > 2000 {
			break
		}
	}
}

// What is hidden stays in the copy on disk, and is hidden again when it is read.
func TestHiddenInstancesAreCopied(t *testing.T) {
	path := filepath.Join(t.TempDir(), "copy")
	s, order := newSwitch(t)
	store := discovery.NewMemory(discovery.DefaultTTL)
	_, err := store.Announce(t.Context(), []discovery.Instance{at("mail", "a", "x:1"), at("mail", "b", "x:2")})
	assert.NoError(t, err)
	run := func(source discovery.Source, while func(view *discovery.View)) {
		view := discovery.NewView(discovery.In(roster.NewDirectory()), discovery.KeepCopy(path), discovery.HideKilled(s))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = view.Run(ctx, source) }()
		<-view.Ready()
		while(view)
		cancel()
		<-ended
	}
	order(kill.Instance("mail", "a"), false)
	run(store, func(view *discovery.View) { assert.Equal(t, ids(view, "mail"), []string{"b"}) })
	run(away{}, func(view *discovery.View) {
		assert.True(t, view.Status().FromCopy, "it is the copy")
		assert.Equal(t, ids(view, "mail"), []string{"b"})
		order(kill.Instance("mail", "a"), true)
		assert.Equal(t, ids(view, "mail"), []string{"a", "b"})
	})
}

// away is a source whose store does not answer.
type away struct{}

func (away) Watch(ctx context.Context, sink discovery.Sink) error {
	sink.Stale(context.DeadlineExceeded)
	<-ctx.Done()
	return ctx.Err()
}

// When Apply has returned nobody sees the instance, whatever the store says meanwhile.
func TestHideKilledConcurrentSafe(t *testing.T) {
	s, order := newSwitch(t)
	view := discovery.NewView(discovery.In(roster.NewDirectory()), discovery.HideKilled(s))
	view.Sync(1, []discovery.Instance{at("mail", "a", "x:1"), at("mail", "b", "x:1")})
	var killed atomic.Int64 // odd while the kill is acknowledged
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for revision := int64(2); !stop.Load(); revision++ {
			view.Apply(revision, []discovery.Change{put(at("mail", "a", fmt.Sprint("x:", revision)))})
		}
	})
	for range 2 {
		wg.Go(func() {
			for !stop.Load() {
				before := killed.Load()
				seen := slices.Contains(ids(view, "mail"), "a")
				if seen && before%2 == 1 && killed.Load() == before {
					t.Error("seen after the acknowledgement")
				}
			}
		})
	}
	for range 200 {
		order(kill.Instance("mail", "a"), false)
		killed.Add(1)
		runtime.Gosched()
		killed.Add(1)
		order(kill.Instance("mail", "a"), true)
	}
	stop.Store(true)
	wg.Wait()
	assert.Equal(t, ids(view, "mail"), []string{"a", "b"})
}

func TestTheSwitchDoesNotKeepTheView(t *testing.T) {
	s, _ := newSwitch(t)
	ref := weak.Make(discovery.NewView(discovery.In(roster.NewDirectory()), discovery.HideKilled(s)))
	deadline := time.Now().Add(20 * time.Second)
	for ref.Value() != nil && time.Now().Before(deadline) {
		runtime.GC()
	}
	assert.True(t, ref.Value() == nil, "the view is collected")
	runtime.KeepAlive(s)
}

// A view does not show what was killed, and shows it again when it is revived.
func ExampleHideKilled() {
	s, _ := kill.Open("") // from a file in a real program, so that it is remembered
	view := discovery.NewView(discovery.HideKilled(s), discovery.In(roster.NewDirectory()))
	view.Sync(1, []discovery.Instance{
		{Service: "mail", ID: "host-a", Address: "10.0.0.1:25"}, {Service: "mail", ID: "host-b", Address: "10.0.0.2:25"},
	})
	_, _ = s.Apply("hub eu", kill.Order{Target: kill.Instance("mail", "host-a"), Epoch: 1, Reason: "its disk is corrupt", By: "ada"})
	fmt.Println(view.Get("mail")[0].ID, view.Status().Hidden)
	_, _ = s.Apply("hub eu", kill.Order{Target: kill.Instance("mail", "host-a"), Epoch: 2, Revived: true, Reason: "new disk", By: "ada"})
	fmt.Println(view.Get("mail")[0].ID, view.Status().Hidden)
	// Output:
	// host-b 1
	// host-a 0
}
