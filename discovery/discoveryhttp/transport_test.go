package discoveryhttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/discovery/discoveryhttp"
	"github.com/roster-go/roster/discovery/pick"
)

// fleet returns a store and a ready view of it.
func fleet(t *testing.T, instances ...discovery.Instance) (*discovery.Memory, *discovery.View) {
	t.Helper()
	store := discovery.NewMemory(time.Minute)
	if _, err := store.Announce(t.Context(), instances); err != nil {
		t.Fatal(err)
	}
	view := discovery.NewView(discovery.In(roster.NewDirectory()))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = view.Run(ctx, store) }()
	t.Cleanup(func() { cancel(); <-ended })
	<-view.Ready()
	return store, view
}

func client(t *testing.T, view *discovery.View, opts discoveryhttp.Options) *http.Client {
	t.Helper()
	transport, err := discoveryhttp.NewTransport(view, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// echo answers with its name and what it was asked.
func echo(t *testing.T, name string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s %s", name, r.Method, r.Host, r.URL, body)
	}))
	t.Cleanup(server.Close)
	return server
}

func get(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	response, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// deadAddress returns an address that refuses connections.
func deadAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestTransportReachesInstances(t *testing.T) {
	t.Parallel()
	a, b, plain := echo(t, "a"), echo(t, "b"), echo(t, "plain")
	host := func(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }
	_, view := fleet(t,
		discovery.Instance{Service: "pay", ID: "a", Address: host(a)},
		discovery.Instance{Service: "pay", ID: "b", Address: b.URL + "/base/"})
	c := client(t, view, discoveryhttp.Options{})
	seen := make(map[string]int)
	for range 10 {
		seen[get(t, c, "http://PAY.roster/v1/x%2Fy?q=1")]++
	}
	want := map[string]int{
		fmt.Sprintf("a GET %s /v1/x%%2Fy?q=1 ", host(a)):      5,
		fmt.Sprintf("b GET %s /base/v1/x%%2Fy?q=1 ", host(b)): 5,
	}
	for answer, n := range want {
		if seen[answer] != n {
			t.Errorf("%q came %d times, want %d; all: %v", answer, seen[answer], n, seen)
		}
	}
	if got := get(t, c, plain.URL+"/z"); !strings.HasPrefix(got, "plain GET") {
		t.Errorf("another host was answered %q", got)
	}
	_, err := c.Get("http://nobody.roster/") //nolint:bodyclose // there is none
	if !errors.Is(err, pick.ErrNone) || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("an unknown service: %v", err)
	}
}

func TestTransportRetriesOnlyWhereSafe(t *testing.T) { //nolint:tparallel // likewise
	t.Parallel()
	var cut atomic.Int64
	cutting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cut.Add(1)
		panic(http.ErrAbortHandler) // the request arrived, and there is no answer
	}))
	t.Cleanup(cutting.Close)
	good := echo(t, "good")
	address := func(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }
	header := http.Header{"Idempotency-Key": {"7"}}
	for _, c := range []struct {
		name, method, bad string
		body              io.Reader
		header            http.Header
		safe              bool
	}{
		{"GET to a dead port", "GET", deadAddress(t), nil, nil, true},
		{"POST to a dead port", "POST", deadAddress(t), strings.NewReader("hi"), nil, true},
		{"POST to a dead port, body that cannot be repeated", "POST", deadAddress(t), io.MultiReader(strings.NewReader("hi")), nil, false},
		{"GET that is cut off", "GET", address(cutting), nil, nil, true},
		{"PUT that is cut off", "PUT", address(cutting), strings.NewReader("hi"), nil, true},
		{"POST that is cut off", "POST", address(cutting), strings.NewReader("hi"), nil, false},
		{"POST with a key that is cut off", "POST", address(cutting), strings.NewReader("hi"), header, true},
	} {
		t.Run(c.name, func(t *testing.T) { //nolint:paralleltest // the count of what was cut off is read after all
			_, view := fleet(t,
				discovery.Instance{Service: "pay", ID: "bad", Address: c.bad},
				discovery.Instance{Service: "pay", ID: "good", Address: address(good)})
			// Keyed picks begin with the same instance each time.
			key := ""
			for n := 0; ; n++ {
				key = strconv.Itoa(n)
				b, err := pick.New(view, "pay", pick.Options{Policy: pick.ConsistentHash})
				if err != nil {
					t.Fatal(err)
				}
				if p, err := b.Pick(key); err == nil && p.Instance().ID == "bad" {
					break
				}
			}
			h := client(t, view, discoveryhttp.Options{
				Pick: pick.Options{Policy: pick.ConsistentHash},
				Key:  func(*http.Request) string { return key },
			})
			req, err := http.NewRequestWithContext(t.Context(), c.method, "http://pay.roster/", c.body)
			if err != nil {
				t.Fatal(err)
			}
			maps.Copy(req.Header, c.header)
			response, err := h.Do(req)
			if !c.safe {
				if err == nil || !strings.Contains(err.Error(), "instance bad of pay at "+c.bad) {
					t.Fatalf("err = %v, want one that names the instance", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			text, _ := io.ReadAll(response.Body)
			if !strings.HasPrefix(string(text), "good "+c.method) || (c.body != nil && !strings.HasSuffix(string(text), "hi")) {
				t.Errorf("answer %q", text)
			}
		})
	}
	if cut.Load() == 0 {
		t.Error("no request was cut off")
	}
}

// A rolling restart of all servers, each leaving before its port closes, fails no request.
func TestServeLeavesBeforeItCloses(t *testing.T) {
	t.Parallel()
	store, view := fleet(t)
	start := func(n int) (stop func()) {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, "server %d", n)
		})}
		go func() {
			ended <- discoveryhttp.Serve(ctx, store, server, listener, discovery.Service{
				Instances: []discovery.Instance{{Service: "pay", ID: strconv.Itoa(n), Address: listener.Addr().String()}},
				Linger:    200 * time.Millisecond,
			})
		}()
		for len(view.Get("pay")) == 0 || !announced(view, strconv.Itoa(n)) {
			time.Sleep(time.Millisecond)
		}
		return func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("server %d: %v", n, err)
			}
			if announced(view, strconv.Itoa(n)) {
				t.Errorf("server %d has stopped and is still announced", n)
			}
		}
	}
	stops := []func(){start(0), start(1)}
	c := client(t, view, discoveryhttp.Options{Attempts: 1})
	done := make(chan struct{})
	var calls, failed atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				calls.Add(1)
				response, err := c.Post("http://pay.roster/", "text/plain", http.NoBody)
				if err != nil {
					failed.Add(1)
					t.Errorf("call: %v", err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
		})
	}
	for n := range 6 {
		stops = append(stops, start(n+2))
		stops[n]()
	}
	close(done)
	wg.Wait()
	for _, stop := range stops[6:] {
		stop()
	}
	t.Logf("%d calls, %d failed", calls.Load(), failed.Load())
	if calls.Load() < 100 {
		t.Errorf("only %d calls", calls.Load())
	}
}

func announced(view *discovery.View, id string) bool {
	for _, instance := range view.Get("pay") {
		if instance.ID == id && !instance.Draining {
			return true
		}
	}
	return false
}

func TestTransportOptions(t *testing.T) {
	t.Parallel()
	_, view := fleet(t)
	for _, opts := range []discoveryhttp.Options{{Suffix: "roster"}, {Suffix: "."}, {Pick: pick.Options{Policy: "best"}}} {
		if _, err := discoveryhttp.NewTransport(view, opts); err == nil {
			t.Errorf("%+v was accepted", opts)
		}
	}
}

func ExampleServe() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	store := discovery.NewMemory(0) // in a fleet, package etcd

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	server := &http.Server{Handler: http.NotFoundHandler()}
	served := make(chan error)
	go func() {
		served <- discoveryhttp.Serve(ctx, store, server, listener, discovery.Service{
			Instances: []discovery.Instance{{Service: "payments", ID: "a", Address: listener.Addr().String()}},
		})
	}()

	stop() // as on SIGTERM: it leaves the fleet, and then the port closes
	fmt.Println(<-served)
	// Output: <nil>
}

func ExampleNewTransport() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "paid at", r.URL.Path)
	}))
	defer server.Close()

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	store := discovery.NewMemory(0) // in a fleet, package etcd
	announcement, err := store.Announce(ctx, []discovery.Instance{{Service: "payments", ID: "a", Address: server.URL}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer announcement.Close(ctx)
	view := discovery.NewView()
	go view.Run(ctx, store)
	<-view.Ready()

	transport, err := discoveryhttp.NewTransport(view, discoveryhttp.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: transport}
	response, err := client.Get("http://payments.roster/v1/invoices")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	fmt.Print(string(text))
	// Output: paid at /v1/invoices
}

// An instance that accepts requests and never answers is ejected like one that fails.
func TestTransportEjectsAHungInstance(t *testing.T) {
	t.Parallel()
	var hungCalls atomic.Int64
	stop := make(chan struct{})
	hung := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hungCalls.Add(1); <-stop }))
	t.Cleanup(hung.Close)
	t.Cleanup(func() { close(stop) })
	good := echo(t, "good")
	_, view := fleet(t,
		discovery.Instance{Service: "pay", ID: "hung", Address: strings.TrimPrefix(hung.URL, "http://")},
		discovery.Instance{Service: "pay", ID: "good", Address: strings.TrimPrefix(good.URL, "http://")})
	c := client(t, view, discoveryhttp.Options{Pick: pick.Options{Outliers: pick.Outliers{Failures: 3, Ejection: time.Hour}}})
	for range 30 {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://pay.roster/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := c.Do(req); err == nil {
			response.Body.Close()
		}
		cancel()
	}
	if n := hungCalls.Load(); n > 4 {
		t.Errorf("the hung instance got %d of 30 calls, want 3", n)
	}
}
