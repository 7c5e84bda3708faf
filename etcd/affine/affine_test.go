package affine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roster-go/roster/etcd/affine"
	"github.com/roster-go/roster/replica/move"
)

func TestHomeServesAndOthersNameIt(t *testing.T) {
	w := newWorld(t, "eu", "us")
	w.create("orders", "eu")
	ctx := t.Context()
	home := w.regions["eu"].Namespace("orders")
	receipt, err := home.Put(ctx, "a/1", []byte("one"))
	must(t, err)
	if receipt.Home != "eu" || receipt.Epoch == 0 {
		t.Errorf("receipt %+v", receipt)
	}
	for _, key := range []string{"a/2", "b"} {
		_, err := home.Put(ctx, key, []byte(key))
		must(t, err)
	}
	if value, found, err := home.Get(ctx, "a/1"); err != nil || !found || string(value) != "one" {
		t.Errorf("Get: %q, %v, %v", value, found, err)
	}
	list, err := home.List(ctx, "a/")
	if err != nil || len(list) != 2 || list[0].Key != "a/1" || string(list[1].Value) != "a/2" {
		t.Errorf("List: %v, %v", list, err)
	}
	_, err = home.Delete(ctx, "a/1")
	must(t, err)
	if _, found, err := home.Get(ctx, "a/1"); err != nil || found {
		t.Errorf("after Delete: %v, %v", found, err)
	}

	must(t, w.regions["us"].store.Barrier(ctx))
	elsewhere := w.regions["us"].Namespace("orders")
	check := func(err error) {
		t.Helper()
		other, ok := errors.AsType[*affine.NotHomeError](err)
		if !ok || other.Home != "eu" || other.Region != "us" || other.Epoch != receipt.Epoch {
			t.Errorf("asked in us: %v", err)
		}
	}
	_, err = elsewhere.Put(ctx, "k", nil)
	check(err)
	_, _, err = elsewhere.Get(ctx, "k")
	check(err)
	_, err = elsewhere.List(ctx, "")
	check(err)

	_, err = w.regions["eu"].Namespace("order").Put(ctx, "k", nil)
	if unknown, ok := errors.AsType[*affine.UnknownError](err); !ok || !slices.Equal(unknown.Known, []string{"orders"}) {
		t.Errorf("an unknown namespace: %v", err)
	}
	_, err = home.Put(ctx, "", nil)
	if !isA[*affine.NameError](err) {
		t.Errorf("an empty key: %v", err)
	}
	_, err = home.Put(ctx, "large", make([]byte, affine.MaxValue+1))
	if !isA[*affine.NameError](err) {
		t.Errorf("a large value: %v", err)
	}
}

func TestMoveTakesEverythingAlong(t *testing.T) {
	w := newWorld(t, "eu", "us")
	w.create("orders", "eu")
	ctx := t.Context()
	const n = 1200 // several pages
	for i := range n {
		_, err := w.regions["eu"].Namespace("orders").Put(ctx, fmt.Sprintf("k%04d", i), []byte(strings.Repeat("x", i%50)))
		must(t, err)
	}
	before, err := w.regions["eu"].Contents().Sum(ctx, "orders")
	must(t, err)
	report, err := w.mover().Move(ctx, "orders", "us")
	must(t, err)
	t.Logf("%d items moved, frozen for %v", report.Contents.Items, report.Frozen)
	if report.Contents != before || report.Record.Home != "us" || report.From != "eu" || report.Lost != "" || report.Frozen == 0 {
		t.Errorf("report %+v, before %+v", report, before)
	}
	w.eventually("us takes writes", func() bool {
		_, err := w.regions["us"].Namespace("orders").Put(ctx, "k0000", []byte("after"))
		return err == nil
	})
	must(t, w.regions["eu"].store.Barrier(ctx))
	_, err = w.regions["eu"].Namespace("orders").Put(ctx, "k", nil)
	if !isA[*affine.NotHomeError](err) {
		t.Errorf("the old home: %v", err)
	}
	w.eventually("the old home is clean", func() bool { return len(w.raw("eu", "affine/")) == 0 })
	if left := w.raw("eu", "affine-orphans/"); left != nil {
		t.Errorf("a planned move set aside %v", left)
	}

	// And back again, over what is left of the first time.
	_, err = w.mover().Move(ctx, "orders", "eu")
	must(t, err)
	w.eventually("eu has what us wrote", func() bool {
		value, _, err := w.regions["eu"].Namespace("orders").Get(ctx, "k0000")
		return err == nil && string(value) == "after"
	})
}

// dead is what a test ends a mover with.
var errDead = errors.New("the mover is dead")

// TestFailoverBeginsWithTheStandby has another region follow the home.
func TestFailoverBeginsWithTheStandby(t *testing.T) {
	w := newWorld(t, "eu", "us")
	w.create("orders", "eu")
	home := w.regions["eu"].Namespace("orders")
	put := func(key, value string) {
		_, err := home.Put(t.Context(), key, []byte(value))
		must(t, err)
	}
	put("kept", "1")
	put("removed", "1")
	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex // guards last
	var last affine.Round
	ended := make(chan error, 1)
	go func() {
		ended <- w.mover().Follow(ctx, "orders", "us", 20*time.Millisecond, func(round affine.Round) {
			mu.Lock()
			defer mu.Unlock()
			last = round
		})
	}()
	reaches := func(at time.Time) {
		w.eventually("the copy is as of now", func() bool {
			mu.Lock()
			defer mu.Unlock()
			if last.Err != nil {
				t.Errorf("a round: %v", last.Err)
			}
			return last.AsOf.After(at)
		})
	}
	reaches(time.Now())
	put("added", "2")
	put("kept", "2")
	_, err := home.Delete(t.Context(), "removed")
	must(t, err)
	reaches(time.Now())
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Follow returned %v", err)
	}
	if digest, err := w.regions["eu"].Contents().Sum(t.Context(), "orders"); err != nil || digest != last.Contents {
		t.Errorf("the copy is %+v, the home %+v, %v", last.Contents, digest, err)
	}
	put("late", "3") // after the last round

	w.regions["eu"].way.Cut()
	// An executor that dies after it has taken the copy over is no harm.
	dying, die := context.WithTimeout(t.Context(), quick.TTL/2+quick.TTL/2)
	_, err = w.mover().Force(dying, "orders", "us", true)
	die()
	if err == nil {
		t.Error("a failover did not wait")
	}
	report, err := w.mover().Force(t.Context(), "orders", "us", true)
	must(t, err)
	if !report.Standby || report.Contents.Items != 2 || !strings.Contains(report.Lost, "last round") {
		t.Errorf("report %+v", report)
	}
	successor := w.regions["us"].Namespace("orders")
	w.eventually("the new home has the copy", func() bool {
		list, err := successor.List(t.Context(), "")
		return err == nil && len(list) == 2 && string(list[0].Value) == "2" && list[1].Key == "kept" && string(list[1].Value) == "2"
	})

	// The copy is of another home now: it is no copy for the next failover.
	w.regions["eu"].way.Mend()
	w.eventually("the old home has set its contents aside", func() bool { return len(w.raw("eu", "affine/")) == 0 })
	w.eventually("the record says so, too", func() bool {
		_, err = w.mover().Move(t.Context(), "orders", "eu")
		return !errors.Is(err, move.ErrState)
	})
	must(t, err)
	report, err = w.mover().Force(t.Context(), "orders", "us", true)
	must(t, err)
	if report.Standby || report.Contents.Items != 0 {
		t.Errorf("an old copy was used: %+v", report)
	}
}

// TestMoveKilledAnywhereResumesOrRollsBack ends a mover after each thing it does, under writes,
// and lets another go on, or go back.
func TestMoveKilledAnywhereResumesOrRollsBack(t *testing.T) {
	w := newWorld(t, "eu", "us", "ap")
	var places []string
	defer func() { t.Logf("died at %q", places) }()
	for _, end := range []string{"resume", "again", "abort"} {
		for death := 0; ; death++ {
			namespace := fmt.Sprintf("%s-%d", end, death)
			w.create(namespace, "eu")
			writers := w.write(namespace)
			writers.await(5)

			ctx, cancel := context.WithCancelCause(t.Context())
			mover, events, where := w.mover(), 0, ""
			mover.Observe(func(event affine.Event) {
				if events == death {
					where = fmt.Sprintf("%s %s", event.Step.Action, event.Phase)
					cancel(errDead)
				}
				events++
			})
			_, err := mover.Move(ctx, namespace, "us")
			died := where != ""
			if end == "resume" && died {
				places = append(places, where)
			}
			cancel(nil)
			if died && err == nil && !strings.HasPrefix(where, "clean") && where != "open stored" {
				t.Errorf("%s: the dead mover finished", where)
			}
			switch end {
			case "resume":
				_, err = w.mover().Resume(t.Context(), namespace)
			case "again":
				_, err = w.mover().Move(t.Context(), namespace, "us")
				if errors.Is(err, move.ErrState) { // it is there already
					err = nil
				}
			case "abort":
				_, err = w.mover().Abort(t.Context(), namespace)
				if errors.Is(err, move.ErrState) { // it has flipped already, or not begun
					_, err = w.mover().Resume(t.Context(), namespace)
				}
			}
			if err != nil {
				t.Errorf("%s, %s: %v", where, end, err)
			}
			writers.await(5)
			writers.check(t, where+", "+end)
			if !died {
				if death < 8 {
					t.Errorf("a move has only %d places to die in", death)
				}
				break
			}
		}
	}
}

func TestMoveOfWhatIsBeingOpened(t *testing.T) {
	w := newWorld(t, "eu", "us")
	for i := range 20 {
		namespace := fmt.Sprint("new", i)
		_, err := w.dir.Create(t.Context(), namespace, "eu")
		must(t, err)
		if report, err := w.mover().Move(t.Context(), namespace, "us"); err != nil || report.Record.Home != "us" {
			t.Fatalf("%+v, %v", report, err)
		}
	}
}

func TestCutOffHomeStopsByItself(t *testing.T) {
	w := newWorld(t, "eu", "us")
	w.create("orders", "eu")
	ctx := t.Context()
	home := w.regions["eu"].Namespace("orders")
	_, err := home.Put(ctx, "key", []byte("before"))
	must(t, err)

	w.regions["eu"].way.Cut()
	cut := time.Now()
	for {
		began := time.Now()
		_, err := home.Put(ctx, "key", []byte("after"))
		if err == nil {
			if since := began.Sub(cut); since > quick.TTL+quick.Grace+200*time.Millisecond {
				t.Fatalf("%v after the cut it still takes writes", since)
			}
			continue
		}
		if !isA[*affine.UnprovenError](err) {
			t.Errorf("got %v", err)
		}
		t.Logf("%v after the cut: %v", time.Since(cut), err)
		break
	}
	if _, _, err := home.Get(ctx, "key"); !isA[*affine.UnprovenError](err) {
		t.Errorf("a read: %v", err)
	}
	if value, found, err := home.Peek(ctx, "key"); err != nil || !found || string(value) != "after" {
		t.Errorf("Peek: %q, %v, %v", value, found, err)
	}
	// The lease in its own store runs out, too: not even what was sent long ago is taken then.
	w.eventually("the region's lease runs out", func() bool { return len(w.raw("eu", "affine-alive")) == 0 })

	w.regions["eu"].way.Mend()
	w.eventually("it takes writes again", func() bool {
		_, err := home.Put(ctx, "key", []byte("again"))
		return err == nil
	})
}

func TestFailoverSetsTheOldHomeAside(t *testing.T) {
	w := newWorld(t, "eu", "us")
	w.create("orders", "eu")
	ctx := t.Context()
	home := w.regions["eu"].Namespace("orders")
	_, err := home.Put(ctx, "key", []byte("of eu"))
	must(t, err)

	if _, err := w.mover().Force(ctx, "orders", "us", false); !isA[*affine.HomeAliveError](err) {
		t.Fatalf("a failover from a home that lives: %v", err)
	}
	w.regions["eu"].way.Cut()
	report, err := w.mover().Force(ctx, "orders", "us", false)
	must(t, err)
	t.Logf("waited %v; %s", report.Waited, report.Lost)
	if report.Waited < quick.TTL+quick.Grace || report.Lost == "" || report.Record.Home != "us" {
		t.Errorf("report %+v", report)
	}
	successor := w.regions["us"].Namespace("orders")
	w.eventually("us takes writes", func() bool {
		_, err := successor.Put(ctx, "key", []byte("of us"))
		return err == nil
	})
	if _, err := home.Put(ctx, "key", []byte("late")); err == nil {
		t.Error("the old home takes writes")
	}
	w.regions["eu"].way.Mend()
	w.eventually("the old home has set its contents aside", func() bool {
		return len(w.raw("eu", "affine/")) == 0 && len(w.raw("eu", "affine-orphans/orders/")) == 1
	})
	_, err = home.Put(ctx, "key", []byte("late"))
	if !isA[*affine.NotHomeError](err) {
		t.Errorf("the old home after its return: %v", err)
	}
	if left := w.raw("eu", "affine-orphans/orders/"); !strings.HasSuffix(left[0], "/key=of eu") {
		t.Errorf("set aside: %v", left)
	}
	if value, _, err := successor.Get(ctx, "key"); err != nil || string(value) != "of us" {
		t.Errorf("the new home: %q, %v", value, err)
	}
}

// stalling contents hold back what is copied while the namespace is closed, until they are told
// to go on.
type stalling struct {
	affine.Contents

	epoch   uint64 // of the old home
	stalled chan<- struct{}
	goOn    <-chan struct{}
}

func (s stalling) Apply(ctx context.Context, namespace string, guard move.Guard, puts []affine.Item, deletes []string) error {
	if guard.Epoch > s.epoch {
		close(s.stalled)
		<-s.goOn
	}
	return s.Contents.Apply(ctx, namespace, guard, puts, deletes)
}

// TestOvertakenMoverDoesNothing stops a mover before it writes, lets another finish and the new home
// write, and then lets the first go on.
func TestOvertakenMoverDoesNothing(t *testing.T) {
	w := newWorld(t, "eu", "us")
	w.create("orders", "eu")
	ctx := t.Context()
	const keys = 50
	fill := func(home, value string) {
		for i := range keys {
			w.eventually(home+" takes writes", func() bool {
				_, err := w.regions[home].Namespace("orders").Put(ctx, fmt.Sprint("key", i), []byte(value))
				return err == nil
			})
		}
	}
	fill("eu", "first")
	stalled, goOn := make(chan struct{}), make(chan struct{})
	record, err := w.dir.Get(ctx, "orders")
	must(t, err)
	slow := affine.NewMover(w.dir, func(name string) (affine.Contents, error) {
		if name == "us" {
			return stalling{w.regions[name].Contents(), record.Epoch, stalled, goOn}, nil
		}
		return w.regions[name].Contents(), nil
	})
	slow.Observe(func(event affine.Event) {
		if event.Step.Action == move.Fence && event.Phase == affine.Started {
			// Something is left to copy after what was copied ahead. Its clients see that it
			// moves, so it is put there as a write that was under way.
			contents := w.regions["eu"].Contents()
			guard := move.Guard{Epoch: record.Epoch, Mode: move.Open}
			if err := contents.Apply(ctx, "orders", guard, []affine.Item{{Key: "key0", Value: []byte("second")}}, nil); err != nil {
				t.Error(err)
			}
		}
	})
	ended := make(chan error, 1)
	go func() {
		_, err := slow.Move(ctx, "orders", "us")
		ended <- err
	}()
	<-stalled
	_, err = w.mover().Resume(ctx, "orders")
	must(t, err)
	home := w.regions["us"].Namespace("orders")
	w.eventually("us has what was written last", func() bool {
		value, _, err := home.Get(ctx, "key0")
		return err == nil && string(value) == "second"
	})
	fill("us", "third")
	close(goOn)
	must(t, <-ended)
	list, err := home.List(ctx, "")
	must(t, err)
	for _, item := range list {
		if string(item.Value) != "third" {
			t.Errorf("the overtaken mover wrote %s=%s", item.Key, item.Value)
		}
	}
	if len(list) != keys {
		t.Errorf("%d items, want %d", len(list), keys)
	}
}
