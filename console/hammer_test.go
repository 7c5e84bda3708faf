package console_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/console"
	"github.com/roster-go/roster/internal/assert"
)

// Pages are read while registries reload, are looked into, held and suspended.
// Each reload writes one generation, so an answer with two of them is torn.
func TestHandlerConcurrentSafe(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	routes := roster.NewHot[int](roster.Named("routes"), roster.In(d), roster.OnRetire(func(string, int) error { return nil }))
	h := console.Handler(d, console.Redact(func(f console.Field) (string, bool) { return f.Text, true }))
	const names, rounds = 50, 60
	var readers, writers sync.WaitGroup
	done := make(chan struct{})
	writers.Go(func() {
		for generation := range rounds {
			entries := make(map[string]int)
			for i := range names {
				entries[fmt.Sprintf("%d/%d", generation, i)] = generation + 1
			}
			if err := routes.Reload(entries); err != nil {
				t.Error(err)
			}
		}
	})
	writers.Go(func() {
		for i := range rounds {
			name := fmt.Sprintf("%d/1", i)
			if lease, err := routes.Lease(name); err == nil {
				lease.Release()
			}
			pin := routes.Pin()
			routes.Get(name)
			pin.Release()
			d.Suspend("routes", name, nil)
			d.Resume("routes", name)
			roster.NewScope[int](routes, roster.In(d)).Register("own", 1)
		}
	})
	for reader := range 4 {
		readers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				path := []string{"", "/routes", "/routes?sort=-hits&limit=10", "/routes?q=7", "/routes%20%28scope%29", "/none"}[(i+reader)%6]
				if i%2 == 0 {
					ask(h, http.MethodGet, console.Path+path, asBrowser)
					continue
				}
				w := ask(h, http.MethodGet, console.Path+path, "")
				var a answer
				if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
					t.Error(err)
				}
				if path != "/routes" || w.Code != http.StatusOK {
					continue
				}
				generations := make(map[string]bool)
				for _, e := range a.Registries[0].Entries {
					generation, _, _ := strings.Cut(e.Name, "/")
					generations[generation] = true
				}
				if n := len(a.Registries[0].Entries); len(generations) > 1 || n != 0 && n != names {
					t.Errorf("%d entries of generations %v", n, generations)
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	assert.NoError(t, routes.Drain(t.Context()))
	assert.Equal(t, strconv.FormatUint(routes.Version(), 10), strconv.Itoa(rounds))
}

// Lookups pay nothing for pages that are there or were read.
func TestLookupsDoNotAllocateBesideThePages(t *testing.T) {
	d := roster.NewDirectory()
	r, hot := roster.New[int](roster.Named("r"), roster.In(d)), roster.NewHot[int](roster.Named("h"), roster.In(d))
	r.Register("a", 1)
	hot.Register("a", 1)
	r.Get("missing")
	hot.Get("missing")
	h := console.Handler(d)
	for _, path := range []string{"", "/r", "/h"} {
		browse(t, h, path)
	}
	for what, get := range map[string]func(string) (int, bool){"Registry": r.Get, "Hot": hot.Get} {
		for _, name := range []string{"a", "missing"} {
			allocs := testing.AllocsPerRun(100, func() { get(name) })
			assert.Equal(t, fmt.Sprint(what, " ", name, ": ", allocs), fmt.Sprint(what, " ", name, ": 0"))
		}
	}
	runtime.KeepAlive(r)
	runtime.KeepAlive(hot)
}
