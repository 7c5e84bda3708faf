package rosterhttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/rosterhttp"
)

// A backend is a value that must not be used after it is retired.
type backend struct {
	version int
	closed  atomic.Bool
}

func (b *backend) Close() error {
	if b.closed.Swap(true) {
		return errors.New("closed twice")
	}
	return nil
}

func newBackends(opts ...roster.HotOption) *roster.Hot[*backend] {
	opts = append([]roster.HotOption{roster.Named("backends"), roster.Unlisted(), roster.CloseRetired()}, opts...)
	return roster.NewHot[*backend](opts...)
}

// serve starts a server that stops with the test.
func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = nil
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func get(t *testing.T, s *httptest.Server, path string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, http.NoBody)
	assert.NoError(t, err)
	response, err := s.Client().Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	assert.NoError(t, err)
	return response.StatusCode, string(text)
}

func line() int {
	pc := make([]uintptr, 1)
	runtime.Callers(2, pc)
	frame, _ := runtime.CallersFrames(pc).Next()
	return frame.Line
}

func TestARequestSeesOneVersion(t *testing.T) {
	t.Parallel()
	backends := newBackends()
	limits := roster.NewHot[int](roster.Named("limits"), roster.Unlisted())
	old := &backend{version: 1}
	backends.Register("main", old)
	limits.Register("main", 1)

	entered, proceed := make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			entered <- struct{}{}
			<-proceed
		}
		b, err := backends.From(r.Context()).Lookup("main")
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		limit, err := limits.From(r.Context()).Lookup("main")
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		fmt.Fprint(w, b.version, limit, b.closed.Load())
	})
	server := serve(t, rosterhttp.Pin(handler, backends, limits))

	answers := make(chan string, 1)
	go func() {
		_, body := get(t, server, "/slow")
		answers <- body
	}()
	<-entered
	assert.NoError(t, backends.Reload(map[string]*backend{"main": {version: 2}}))
	assert.NoError(t, limits.Reload(map[string]int{"main": 2}))
	_, body := get(t, server, "/fast")
	assert.Equal(t, body, "2 2 false") // a new request sees the new version
	assert.True(t, !old.closed.Load(), "the old value is not closed while a request may use it")
	close(proceed)
	assert.Equal(t, <-answers, "1 1 false") // the slow one what was there when it came
	assert.NoError(t, backends.Drain(t.Context()))
	assert.True(t, old.closed.Load(), "the old value is closed afterwards")
	assert.Equal(t, len(backends.Holders())+len(limits.Holders()), 0)
}

func TestAPanickingHandlerReleasesItsPins(t *testing.T) {
	t.Parallel()
	backends := newBackends()
	old := &backend{version: 1}
	backends.Register("main", old)
	entered, proceed := make(chan struct{}), make(chan struct{})
	server := serve(t, rosterhttp.Pin(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-proceed
		panic(http.ErrAbortHandler)
	}), backends))
	done := make(chan string, 1)
	go func() {
		_, failure := get(t, server, "/panic")
		done <- failure
	}()
	<-entered
	assert.NoError(t, backends.Unregister("main"))
	assert.Equal(t, len(backends.Holders()), 1)
	assert.True(t, !old.closed.Load(), "the handler still runs")
	close(proceed)
	assert.Contains(t, <-done, "EOF") // the panic passed the middleware
	assert.NoError(t, backends.Drain(t.Context()))
	assert.True(t, old.closed.Load(), "the value is closed though the handler panicked")
	assert.Equal(t, len(backends.Holders()), 0)
}

func TestAStuckRequestIsNamed(t *testing.T) {
	t.Parallel()
	reported := make(chan *roster.StuckError, 1)
	const after = 10 * time.Millisecond
	backends := newBackends(roster.ReportStuck(after, func(e *roster.StuckError) { reported <- e }))
	backends.Register("main", &backend{})
	entered, proceed := make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-proceed
	})
	pinned := line() + 1
	server := serve(t, rosterhttp.Pin(handler, backends))
	done := make(chan struct{})
	go func() {
		defer close(done)
		get(t, server, "/orders/7?token=secret")
	}()
	<-entered
	assert.NoError(t, backends.Replace("main", &backend{}))
	stuck := <-reported
	assert.Equal(t, stuck.Registry, "backends")
	assert.Equal(t, stuck.Values, 1)
	assert.Equal(t, len(stuck.Holders), 1)
	holder := stuck.Holders[0]
	assert.Equal(t, holder.Label, "GET /orders/7") // without the query, which may hold secrets
	assert.Equal(t, filepath.Base(holder.Site.File), "pin_test.go")
	assert.Equal(t, holder.Site.Line, pinned)
	assert.Contains(t, stuck.Error(), "pin of version 1 for GET /orders/7", fmt.Sprint("pin_test.go:", pinned))

	ctx, cancel := context.WithTimeout(t.Context(), after)
	defer cancel()
	err := backends.Drain(ctx)
	assert.True(t, errors.Is(err, context.DeadlineExceeded), "the drain says that time ran out")
	assert.Equal(t, assert.ErrorAs[*roster.StuckError](t, err).Holders, stuck.Holders)
	close(proceed)
	<-done
	assert.NoError(t, backends.Drain(t.Context()))
}

// A path is what a stranger sends. In a report it must neither begin a line nor
// fill a screen.
func TestAStuckReportIsSafeFromItsRequests(t *testing.T) {
	t.Parallel()
	backends := newBackends()
	var labels []string
	handler := rosterhttp.Pin(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		labels = append(labels, backends.Holders()[0].String())
	}), backends)
	for _, path := range []string{"/a%0aroster:%20forged", "/%1b[2Jcleared", "/" + strings.Repeat("long", 10_000)} {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
	}
	assert.Equal(t, len(labels), 3)
	for _, label := range labels {
		if strings.ContainsAny(label, "\n\x1b") {
			t.Errorf("control characters of a request in a report: %q", label)
		}
		if len(label) > 2_000 {
			t.Errorf("a report's line has %d bytes", len(label))
		}
	}
}

func TestWithoutAPinTheRegistryItselfAnswers(t *testing.T) {
	t.Parallel()
	backends, others := newBackends(), newBackends()
	view := backends.From(t.Context())
	assert.Equal(t, view, roster.View[*backend](backends))
	rosterhttp.Pin(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		assert.Equal(t, others.From(r.Context()), roster.View[*backend](others)) // of its own type, and not pinned
		pin, ok := backends.From(r.Context()).(roster.Pin[*backend])
		assert.True(t, ok && pin.Version() == 0, "what was pinned is a pin")
	}), backends).ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
}

func TestPinWithoutRegistriesPassesOn(t *testing.T) {
	t.Parallel()
	called := false
	rosterhttp.Pin(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true })).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
	assert.True(t, called, "the handler is called")
}

// Middleware in two layers pins twice: the inner pin is the one that counts, and
// both are released.
func TestPinsNest(t *testing.T) {
	t.Parallel()
	limits := roster.NewHot[int](roster.Unlisted())
	limits.Register("n", 1)
	inner := rosterhttp.Pin(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		v, _ := limits.From(r.Context()).Get("n")
		assert.Equal(t, v, 2)
		assert.Equal(t, len(limits.Holders()), 2)
	}), limits)
	outer := rosterhttp.Pin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.NoError(t, limits.Replace("n", 2))
		v, _ := limits.From(r.Context()).Get("n")
		assert.Equal(t, v, 1)
		inner.ServeHTTP(w, r)
	}), limits)
	outer.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
	assert.Equal(t, len(limits.Holders()), 0)
}

func TestAfterTheHandlerThePinSaysThatItIsReleased(t *testing.T) {
	t.Parallel()
	limits := roster.NewHot[int](roster.Unlisted())
	limits.Register("n", 1)
	kept := make(chan *http.Request, 1) // what a goroutine of the handler may hold on to
	rosterhttp.Pin(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { kept <- r }), limits).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
	_, err := limits.From((<-kept).Context()).Lookup("n")
	assert.True(t, errors.Is(err, roster.ErrReleased), "a goroutine that outlives its handler is told")
}

// No request may see a backend that was closed, or two versions, however often
// the registries are reloaded.
func TestPinConcurrentSafe(t *testing.T) {
	t.Parallel()
	const clients, requests = 4, 40
	names := []string{"a", "b", "c"}
	backends := newBackends()
	set := func(version int) map[string]*backend {
		m := make(map[string]*backend)
		for _, name := range names {
			m[name] = &backend{version: version}
		}
		return m
	}
	assert.NoError(t, backends.Reload(set(0)))
	server := serve(t, rosterhttp.Pin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var versions []int
		for _, name := range names {
			b, err := backends.From(r.Context()).Lookup(name)
			if err != nil || b.closed.Load() {
				http.Error(w, fmt.Sprint("closed, or ", err), http.StatusInternalServerError)
				return
			}
			versions = append(versions, b.version)
			runtime.Gosched()
		}
		if len(slices.Compact(versions)) != 1 {
			http.Error(w, fmt.Sprint(versions), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusOK)
	}), backends))
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range requests {
				if status, body := get(t, server, "/"); status != http.StatusOK {
					t.Errorf("%d %s", status, body)
				}
			}
		})
	}
	finished := make(chan struct{})
	go func() { wg.Wait(); close(finished) }()
	for version := 1; ; version++ {
		select {
		case <-finished:
			assert.NoError(t, backends.Close(t.Context()))
			return
		default:
			assert.NoError(t, backends.Reload(set(version)))
		}
	}
}
