package affine_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/roster-go/roster/etcd/affine"
)

// writers write to a namespace from every region, whoever its home is: each its own key, ever
// greater numbers.
type writers struct {
	w         *world
	namespace string
	stop      context.CancelFunc
	running   sync.WaitGroup

	mu    sync.Mutex     // guards the fields below
	last  map[string]int // acknowledged, by key
	tried map[string]int
	taken []acceptance
}

// An acceptance is a write that was acknowledged.
type acceptance struct {
	affine.Receipt

	called, returned time.Time
}

func (w *world) write(namespace string) *writers {
	ctx, cancel := context.WithCancel(context.Background())
	ws := &writers{w: w, namespace: namespace, stop: cancel, last: make(map[string]int), tried: make(map[string]int)}
	for name, r := range w.regions {
		ws.running.Go(func() {
			for n := 1; ctx.Err() == nil; n++ {
				called := time.Now()
				ws.mu.Lock()
				ws.tried[name] = n
				ws.mu.Unlock()
				receipt, err := r.Namespace(namespace).Put(ctx, "from-"+name, []byte(strconv.Itoa(n)))
				if err != nil {
					time.Sleep(2 * time.Millisecond) // the pace of those that are refused
					continue
				}
				ws.mu.Lock()
				ws.last[name] = n
				ws.taken = append(ws.taken, acceptance{receipt, called, time.Now()})
				ws.mu.Unlock()
			}
		})
	}
	w.t.Cleanup(ws.end)
	return ws
}

func (ws *writers) end() {
	ws.stop()
	ws.running.Wait()
}

// await waits for some more writes to be acknowledged.
func (ws *writers) await(more int) {
	ws.w.t.Helper()
	count := func() int {
		ws.mu.Lock()
		defer ws.mu.Unlock()
		return len(ws.taken)
	}
	before := count()
	ws.w.eventually("writes to "+ws.namespace+" are taken", func() bool { return count() >= before+more })
}

// check ends the writers and verifies that no write was lost and no two homes took writes at the
// same time.
func (ws *writers) check(t *testing.T, what string) {
	t.Helper()
	ws.end()
	record, err := ws.w.dir.Get(t.Context(), ws.namespace)
	must(t, err)
	home := ws.w.regions[record.Home].Namespace(ws.namespace)
	for name, last := range ws.last {
		value, _, err := home.Get(t.Context(), "from-"+name)
		must(t, err)
		if n, _ := strconv.Atoi(string(value)); n < last || n > ws.tried[name] {
			t.Errorf("%s: %d from %s was acknowledged, the home has %q", what, last, name, value)
		}
	}
	if fault := overlap(ws.taken); fault != "" {
		t.Errorf("%s: %s", what, fault)
	}
}

// overlap finds a write of an earlier epoch that was called after one of a later epoch had
// returned, and epochs that two homes used.
func overlap(taken []acceptance) string {
	homes := make(map[uint64]string)
	for _, a := range taken {
		if home, used := homes[a.Epoch]; used && home != a.Home {
			return fmt.Sprintf("epoch %d was used by %s and %s", a.Epoch, home, a.Home)
		}
		homes[a.Epoch] = a.Home
		for _, b := range taken {
			if b.Epoch > a.Epoch && b.returned.Before(a.called) {
				return fmt.Sprintf("%s took a write at epoch %d after %s had taken one at epoch %d", a.Home, a.Epoch, b.Home, b.Epoch)
			}
		}
	}
	return ""
}
