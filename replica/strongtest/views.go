package strongtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roster-go/roster/replica/strong"
)

// shown is what a view shows, as key=value@version.
func shown(view *strong.View) string {
	var text strings.Builder
	for entry := range view.List("") {
		text.WriteString(line(entry))
	}
	return text.String()
}

func line(entry strong.Entry) string {
	return fmt.Sprintf("%s=%s@%d ", entry.Key, entry.Value, entry.Version)
}

// held is what the store holds.
func (h *harness) held() string {
	h.Helper()
	entries, _, err := h.store(h.Other).List(h.context(), "")
	if err != nil {
		h.Fatal(err)
	}
	var text strings.Builder
	for _, entry := range entries {
		text.WriteString(line(entry))
	}
	return text.String()
}

func viewFollows(h *harness) {
	there := h.store(h.Other)
	h.put(there, "before", "1")
	here := h.running(h.Engine)
	if entry, ok := here.View().Get("before"); !ok || string(entry.Value) != "1" {
		h.Errorf("a view that is ready has %+v", entry)
	}
	h.put(there, "after", "2")
	h.put(there, "after", "3")
	if _, err := there.Delete(h.context(), "before"); err != nil {
		h.Fatal(err)
	}
	want := h.held()
	h.eventually("the view shows "+want, func() bool { return shown(here.View()) == want })
	view := here.View()
	h.put(there, "later", "4")
	h.eventually("another view", func() bool { return here.View().Len() == 2 })
	if shown(view) != want {
		h.Errorf("a view has changed: it was %s and is %s", want, shown(view))
	}
}

func awaitShowsOwnWrites(h *harness) {
	here := h.running(h.Engine)
	for i := range 20 {
		value := strconv.Itoa(i)
		version := h.put(here, "key", value)
		if err := here.Await(h.context(), version); err != nil {
			h.Fatal(err)
		}
		if entry, _ := here.View().Get("key"); string(entry.Value) != value {
			h.Fatalf("wrote %s, the view has %+v", value, entry)
		}
	}
}

func barrierShowsAll(h *harness) {
	here, there := h.running(h.Engine), h.store(h.Other)
	for i := range 20 {
		value := strconv.Itoa(i)
		h.put(there, "key", value)
		h.barrier(here)
		if entry, _ := here.View().Get("key"); string(entry.Value) != value {
			h.Fatalf("%s was acknowledged before the barrier, the view has %+v", value, entry)
		}
	}
}

// asOfIsTrue writes an ever greater number and notes when each was acknowledged; no view may
// claim a time and not have the number acknowledged before it.
func asOfIsTrue(h *harness) {
	here, there := h.running(h.Engine), h.store(h.Other)
	const writes = 200
	var mu sync.Mutex // guards acknowledged
	acknowledged := make([]time.Time, 0, writes)
	var done atomic.Bool
	var running sync.WaitGroup
	running.Go(func() {
		defer done.Store(true)
		for i := range writes {
			if _, err := there.Put(h.context(), "key", []byte(strconv.Itoa(i))); err != nil {
				h.Error(err)
				return
			}
			mu.Lock()
			acknowledged = append(acknowledged, time.Now())
			mu.Unlock()
		}
	})
	checked := 0
	for checked < 2 || !done.Load() {
		if err := here.Barrier(h.context()); err != nil {
			h.Error(err)
			break
		}
		view, err := here.Local(h.Wait)
		if err != nil {
			h.Error(err)
			break
		}
		number := -1
		if entry, ok := view.Get("key"); ok {
			number, _ = strconv.Atoi(string(entry.Value))
		}
		mu.Lock()
		for i, at := range acknowledged {
			if at.Before(view.AsOf()) && i > number {
				h.Errorf("a view as of %v has %d, but %d was acknowledged before", view.AsOf(), number, i)
				done.Store(true)
				break
			}
		}
		mu.Unlock()
		checked++
	}
	running.Wait()
	if checked < 2 {
		h.Errorf("only %d views were checked", checked)
	}
}

func changesAddUp(h *harness) {
	here, there := h.running(h.Engine), h.store(h.Other)
	h.put(there, "first", "1")
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex // guards sum
	sum := make(map[string]strong.Entry)
	var running sync.WaitGroup
	running.Go(func() {
		for batch := range here.Changes(ctx) {
			mu.Lock()
			for _, change := range batch.Changes {
				if change.Removed {
					delete(sum, change.Key)
				} else {
					sum[change.Key] = change.Entry
				}
			}
			mu.Unlock()
		}
	})
	defer running.Wait()
	defer cancel()
	for i := range 50 {
		key := "key" + strconv.Itoa(i%7)
		if i%5 == 4 {
			if _, err := there.Delete(h.context(), key); err != nil {
				h.Fatal(err)
			}
			continue
		}
		h.put(there, key, strconv.Itoa(i))
	}
	h.barrier(here)
	h.eventually("the changes add up to the view", func() bool {
		view := here.View()
		mu.Lock()
		defer mu.Unlock()
		if len(sum) != view.Len() {
			return false
		}
		for entry := range view.List("") {
			if line(sum[entry.Key]) != line(entry) {
				return false
			}
		}
		return true
	})
}

func noQuorumIsClear(h *harness) {
	here, there := h.running(h.Engine), h.store(h.Other)
	h.put(there, "key", "before")
	h.barrier(here)
	h.Cut()
	h.eventually("the view says that contact is lost", func() bool { return here.View().Err() != nil })
	check := func(op string, err error) {
		h.Helper()
		none, ok := errors.AsType[*strong.NoQuorumError](err)
		if !ok || none.Op != op || none.Since.IsZero() || len(none.Asked) == 0 || none.Have == 0 {
			h.Errorf("%s: got %v (%+v)", op, err, none)
		}
	}
	short := func() context.Context {
		ctx, cancel := context.WithTimeout(h.context(), h.Wait/4)
		h.Cleanup(cancel)
		return ctx
	}
	_, err := here.Put(short(), "key", []byte("minority"))
	check("put", err)
	_, err = here.CompareAndSet(short(), "other", 0, []byte("minority"))
	check("compare and set", err)
	_, _, err = here.Get(short(), "key")
	check("get", err)
	_, _, err = here.List(short(), "")
	check("list", err)
	ctx, cancel := context.WithTimeout(h.context(), 50*time.Millisecond)
	defer cancel()
	check("barrier", here.Barrier(ctx))

	h.Mend()
	h.barrier(here)
	if got := h.held(); got != shown(here.View()) || string(h.get(there, "key").Value) != "before" || h.get(there, "other").Version != 0 {
		h.Errorf("what was refused was written: %s", got)
	}
}

func noQuorumReadsGoOn(h *harness) {
	here, there := h.running(h.Engine), h.store(h.Other)
	h.put(there, "key", "before")
	h.barrier(here)
	if _, err := here.Local(h.Wait); err != nil {
		h.Errorf("with contact: %v", err)
	}
	h.Cut()
	h.put(there, "key", "after")
	const bound = 50 * time.Millisecond
	h.eventually("Local refuses", func() bool { _, err := here.Local(bound); return err != nil })
	h.eventually("the view says that contact is lost", func() bool { return here.View().Err() != nil })
	_, err := here.Local(bound)
	stale, ok := errors.AsType[*strong.StaleError](err)
	if !ok || stale.Bound != bound || stale.Age <= bound || stale.Have == 0 || stale.Err == nil {
		h.Errorf("got %v (%+v)", err, stale)
	}
	view := here.View()
	if entry, _ := view.Get("key"); string(entry.Value) != "before" || view.Lost().IsZero() {
		h.Errorf("the view has %+v, lost since %v", entry, view.Lost())
	}
	h.Mend()
	h.barrier(here)
	if view := here.View(); view.Err() != nil || !view.Lost().IsZero() {
		h.Errorf("after the outage: %v since %v", view.Err(), view.Lost())
	}
}

func mendedIsExact(h *harness) {
	here, there := h.running(h.Engine), h.store(h.Other)
	for _, key := range []string{"kept", "changed", "removed"} {
		h.put(there, key, "before")
	}
	h.barrier(here)
	h.Cut()
	h.put(there, "changed", "after")
	h.put(there, "added", "after")
	if _, err := there.Delete(h.context(), "removed"); err != nil {
		h.Fatal(err)
	}
	h.eventually("the view says that contact is lost", func() bool { return here.View().Err() != nil })
	h.Mend()
	h.barrier(here)
	if want := h.held(); shown(here.View()) != want {
		h.Errorf("the view shows %s, the store holds %s", shown(here.View()), want)
	}
}
