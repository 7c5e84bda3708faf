package strongtest

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/roster-go/roster/replica/strong"
)

func writtenIsRead(h *harness) {
	here, there := h.store(h.Engine), h.store(h.Other)
	version := h.put(here, "a/key", "value")
	entry := h.get(there, "a/key")
	if entry.Key != "a/key" || string(entry.Value) != "value" || entry.Version != version {
		h.Errorf("got %+v, written at %d", entry, version)
	}
	h.put(here, "a/key", "")
	if entry := h.get(there, "a/key"); entry.Version <= version || len(entry.Value) != 0 {
		h.Errorf("an empty value: got %+v", entry)
	}
	if entry := h.get(there, "a/ke"); entry.Version != 0 {
		h.Errorf("a prefix of a key is a key: %+v", entry)
	}
	if _, err := here.Put(h.context(), "", nil); !isA[*strong.KeyError](err) {
		h.Errorf("an empty key: %v", err)
	}
}

func versionsGrow(h *harness) {
	here, there := h.store(h.Engine), h.store(h.Other)
	last := strong.Version(0)
	for i := range 20 {
		store := here
		if i%2 == 0 {
			store = there
		}
		version := h.put(store, "key"+strconv.Itoa(i%3), "same")
		if version <= last {
			h.Fatalf("version %d after %d", version, last)
		}
		last = version
	}
	_, listed, err := here.List(h.context(), "key")
	if err != nil || listed < last {
		h.Errorf("List is at version %d, the last write at %d: %v", listed, last, err)
	}
}

func deleteRemoves(h *harness) {
	here, there := h.store(h.Engine), h.store(h.Other)
	version := h.put(here, "key", "value")
	removed, err := there.Delete(h.context(), "key")
	if err != nil || removed <= version {
		h.Errorf("Delete: version %d after %d, %v", removed, version, err)
	}
	if entry := h.get(here, "key"); entry.Version != 0 {
		h.Errorf("it is still there: %+v", entry)
	}
	if _, err := there.Delete(h.context(), "key"); err != nil {
		h.Errorf("Delete of what is not there: %v", err)
	}
}

func guardHolds(h *harness) {
	here, there := h.store(h.Engine), h.store(h.Other)
	ctx := h.context()
	first, err := here.CompareAndSet(ctx, "key", 0, []byte("first"))
	if err != nil {
		h.Fatal(err)
	}
	conflict := func(err error, expected, found strong.Version) {
		h.Helper()
		c, ok := errors.AsType[*strong.ConflictError](err)
		if !ok || c.Key != "key" || c.Expected != expected || c.Found.Version != found {
			h.Errorf("got %v, want a conflict of expected %d with found %d", err, expected, found)
		}
	}
	_, err = there.CompareAndSet(ctx, "key", 0, []byte("again"))
	conflict(err, 0, first)
	second, err := there.CompareAndSet(ctx, "key", first, []byte("second"))
	if err != nil || second <= first {
		h.Fatalf("version %d after %d: %v", second, first, err)
	}
	_, err = here.CompareAndSet(ctx, "key", first, []byte("late"))
	conflict(err, first, second)
	_, err = here.CompareAndDelete(ctx, "key", first)
	conflict(err, first, second)
	if entry := h.get(here, "key"); string(entry.Value) != "second" {
		h.Errorf("the key holds %q", entry.Value)
	}
	if _, err := here.CompareAndDelete(ctx, "key", second); err != nil {
		h.Error(err)
	}
	_, err = here.CompareAndSet(ctx, "key", second, []byte("late"))
	conflict(err, second, 0)
	third, err := here.CompareAndSet(ctx, "key", 0, []byte("third"))
	if err != nil || third <= second {
		h.Errorf("a key that is there again: version %d after %d, %v", third, second, err)
	}
}

func listIsWhole(h *harness) {
	here := h.store(h.Engine)
	for _, key := range []string{"a", "a/2", "a/1", "a0", "b/1", "a/1/x"} {
		h.put(here, key, "of "+key)
	}
	list := func(prefix, want string) {
		h.Helper()
		entries, _, err := here.List(h.context(), prefix)
		if err != nil {
			h.Fatal(err)
		}
		var got strings.Builder
		for _, entry := range entries {
			got.WriteString(entry.Key + " ")
			if string(entry.Value) != "of "+entry.Key || entry.Version == 0 {
				h.Errorf("%+v", entry)
			}
		}
		if got.String() != want {
			h.Errorf("List(%q) = %q, want %q", prefix, &got, want)
		}
	}
	list("a/", "a/1 a/1/x a/2 ")
	list("", "a a/1 a/1/x a/2 a0 b/1 ")
	list("c", "")
}

func counterIsExact(h *harness) {
	const workers, rounds = 4, 10
	var running sync.WaitGroup
	for worker := range workers {
		engine := h.Engine
		if worker%2 == 0 {
			engine = h.Other
		}
		store := h.store(engine)
		running.Go(func() {
			for done := 0; done < rounds; {
				entry, _, err := store.Get(h.context(), "counter")
				if err != nil {
					h.Error(err)
					return
				}
				n, _ := strconv.Atoi(string(entry.Value)) // 0 if it is not there
				_, err = store.CompareAndSet(h.context(), "counter", entry.Version, []byte(strconv.Itoa(n+1)))
				switch {
				case err == nil:
					done++
				case !isA[*strong.ConflictError](err):
					h.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
	if entry := h.get(h.store(h.Other), "counter"); string(entry.Value) != strconv.Itoa(workers*rounds) {
		h.Errorf("the counter is %q, want %d", entry.Value, workers*rounds)
	}
}

func lostAnswerIsInDoubt(h *harness) {
	if h.Mute == nil {
		h.Skip("the system cannot lose answers")
	}
	here, there := h.store(h.Engine), h.store(h.Other)
	h.put(here, "key", "before")
	h.Mute()
	_, err := here.Put(h.context(), "key", []byte("after"))
	doubt, ok := errors.AsType[*strong.InDoubtError](err)
	if !ok || doubt.Key != "key" || doubt.Op != "put" {
		h.Fatalf("got %v, want an InDoubtError", err)
	}
	h.eventually("the write was made", func() bool { return string(h.get(there, "key").Value) == "after" })
	h.Mend()
}

func cancelledIsNotWritten(h *harness) {
	here, there := h.store(h.Engine), h.store(h.Other)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := here.Put(ctx, "key", []byte("value"))
	if err == nil || isA[*strong.InDoubtError](err) {
		h.Errorf("got %v", err)
	}
	if entry := h.get(there, "key"); entry.Version != 0 {
		h.Errorf("it was written: %+v", entry)
	}
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
