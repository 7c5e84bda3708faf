package consolepage

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/kill"
)

// limit bounds what a test waits for.
const limit = 30 * time.Second

// hostile is a name that would be a script if it were not escaped.
const hostile = `"><script>alert('x')</script>`

// A fakeSource says what it is told to.
type fakeSource struct {
	mu     sync.Mutex // guards the fields below
	state  State
	lines  []LogLine
	orders []kill.Request // without dry runs
	last   bool           // what is killed is the last implementation
	hold   chan struct{}  // an order waits for it, unless it is nil
	audit  []Audit
	caller string

	unrecorded error // why an order cannot be written down
}

func (f *fakeSource) set(change func(*State)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.state)
}

func (f *fakeSource) State(context.Context) State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

func (f *fakeSource) Log(string) []LogLine { return f.lines }

func (f *fakeSource) Audit(context.Context) ([]Audit, bool) { return f.audit, f.audit != nil }

func (f *fakeSource) Caller(*http.Request) Caller { return Caller{Name: f.caller} }

func (f *fakeSource) Record(context.Context, kill.Request) error { return f.unrecorded }

func (f *fakeSource) given() []kill.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]kill.Request(nil), f.orders...)
}

func (f *fakeSource) Kill(ctx context.Context, request kill.Request, progress func(kill.Progress)) (kill.Report, error) {
	report := kill.Report{DryRun: request.DryRun, Asked: 1, Impact: kill.Impact{Providers: 1, Names: []string{"plugin " + hostile}}}
	if f.last {
		report.Last = []string{"host-1"}
	}
	if request.DryRun {
		return report, nil
	}
	f.mu.Lock()
	f.orders = append(f.orders, request)
	f.mu.Unlock()
	if f.last && !request.Force {
		return report, &kill.LastError{Target: request.Target, Runtimes: report.Last}
	}
	report.Order = kill.Order{Target: request.Target, Epoch: 7, Reason: request.Reason, By: request.By}
	pending := kill.RuntimeReport{ID: "host-1", State: kill.Pending}
	progress(kill.Progress{Region: "eu", State: kill.Acked, Durable: true, Runtimes: []kill.RuntimeReport{pending}, Waiting: 1})
	region := kill.RegionReport{Region: "eu", State: kill.Acked, Durable: true}
	if f.hold != nil {
		select {
		case <-f.hold:
		case <-ctx.Done():
			region.Runtimes = []kill.RuntimeReport{pending}
			report.Regions = []kill.RegionReport{region}
			return report, &kill.IncompleteError{Order: report.Order, Missing: region.Runtimes, Err: ctx.Err()}
		}
	}
	region.Runtimes = []kill.RuntimeReport{{ID: "host-1", State: kill.Acked, Durable: true}}
	report.Regions, report.Complete, report.Durable = []kill.RegionReport{region}, true, true
	return report, nil
}

// full is a state with something of everything, under hostile names.
func full() State {
	since := time.Now().Add(-time.Minute)
	return State{
		Version: "0.1.0", Host: "host-1", Region: "eu", Zone: "a",
		Ready: api.Ready{Ready: true, Degraded: "the view of other hosts is stale"},
		Plugins: []api.Plugin{
			{Name: "markdown", Version: "1.0.0", State: "ready", PID: 42, Since: since, Capabilities: []string{"markdown.render"}, Sandbox: []api.Control{
				{Name: "files", State: "enforced", Wanted: "its own folder"},
				{Name: "network", State: "unavailable", Wanted: "none", Detail: "the kernel has no Landlock"},
			}},
			{Name: hostile, State: "failed", Since: since, LastError: hostile + " password=hunter2", Capabilities: []string{hostile}, Source: hostile},
		},
		Capabilities: []Capability{{
			Capability: api.Capability{Name: "markdown.render", Kind: "function", Providers: []api.Provider{{Kind: "plugin", Name: hostile}, {Kind: "remote", Host: hostile, Region: hostile}}},
			Shares: []Share{
				{Plugin: "markdown", State: "ready", Weight: 9, Calls: 80},
				{Plugin: hostile, State: "failed", Weight: 1, Calls: 20}, {Plugin: "spare", State: "ready", Weight: 5, Standby: true},
			},
		}},
		Instances: api.Instances{
			Stale: true, StaleSince: &since, Reason: hostile, Revision: 17,
			Instances: []api.Instance{{Service: "markdown.render", ID: hostile, Address: "127.0.0.1:1", Region: "eu", Zone: "a", Draining: true}, {Service: hostile, ID: "x", Region: hostile}},
		},
		Regions: api.Regions{Region: "eu", Replicating: true, Leader: true, Regions: []api.Region{{Name: "eu"}, {Name: "us", Connected: true}, {Name: hostile}}},
		Lags: []Lag{
			{From: "eu", To: "us", Known: true, Connected: true, Lag: 12 * time.Millisecond, Equal: true},
			{From: "us", To: "eu", Known: true, Connected: true, Lag: 6 * time.Second},
			{From: "eu", To: hostile, Known: true, Lag: 40 * time.Second, Problem: hostile}, {From: hostile, To: "eu"},
		},
		Kills: api.Kills{
			Connected: true, Hub: "eu", Durable: true, Problem: hostile,
			Orders: []kill.Order{{Target: kill.Plugin("old", ""), Epoch: 3, Reason: hostile, By: hostile, At: since}, {Target: kill.Plugin("mended", ""), Epoch: 2, Revived: true, Reason: "ok", At: since}},
			Status: &kill.Status{
				Runtimes: []kill.RuntimeReport{{ID: hostile, State: kill.Unreachable, Seen: since, Twice: true}, {ID: "host-1", State: kill.Acked}},
				Peers:    []kill.PeerStatus{{Region: "us", Equal: true, Seen: since}, {Region: hostile, Err: hostile}},
			},
		},
	}
}

// newConsole serves a console of the source, with a registry that was asked for hostile names.
func newConsole(t *testing.T, source Source, options Options) (*Console, *httptest.Server, *roster.Hot[string]) {
	t.Helper()
	if options.Directory == nil {
		options.Directory = roster.NewDirectory()
	}
	codecs := roster.NewHot[string](roster.Named("codecs"), roster.In(options.Directory))
	codecs.Register("json", "application/json")
	if options.Interval == 0 {
		options.Interval = 10 * time.Millisecond
	}
	c := New(source, options)
	server := httptest.NewServer(c)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		c.Close()
		runtime.KeepAlive(codecs)
	})
	return c, server, codecs
}

// An answer is what a test looks at of one.
type answer struct {
	StatusCode int
	Header     http.Header
}

func get(t *testing.T, address string) (answer, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

func do(t *testing.T, req *http.Request) (answer, string) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header}, string(body)
}

// forbidden are what a strict policy would refuse, and what an unescaped name would be.
var forbidden = regexp.MustCompile(`(?i)<script>|<style|\sstyle=|\son[a-z]+=|javascript:|alert\('|https?://[^w]`)

// Every page is whole, needs nothing from elsewhere, and escapes what others have named.
func TestPagesEscapeHostileNames(t *testing.T) {
	source := &fakeSource{state: full(), lines: []LogLine{{At: time.Now(), Level: "info", Text: hostile}}, audit: []Audit{{Time: time.Now(), Who: hostile, Action: "kill", Target: hostile, Why: hostile, From: hostile, Outcome: hostile}}}
	_, server, codecs := newConsole(t, source, Options{})
	codecs.Get(hostile)
	codecs.Get("jsno")
	for path, parts := range map[string][]string{
		"":                                    {"1<small> / 2</small>", "network not enforced", "Did you mean <code>json</code>?", "cut off, 40 s", "1 kill is in force"},
		"/registries":                         {"codecs", "consolepage", "hot"},
		"/misses":                             {"jsno", "Did you mean <code>json</code>?", "&lt;script&gt;"},
		"/plugins":                            {"markdown", "failed", "process 42", "network not enforced"},
		"/plugins/markdown":                   {"Not enforced:", "the kernel has no Landlock", "&lt;script&gt;"},
		"/plugins/" + url.PathEscape(hostile): {"failed", "password=[hidden]"},
		"/capabilities":                       {"90 %", "80 %", "standby", "80 calls"},
		"/services":                           {"Stale since", "draining", "as last seen"},
		"/regions":                            {"12 ms", "6.0 s", "cut off, 40 s", "not known", "<svg"},
		"/kills":                              {"plugin/old", "killed", "revived", "unreachable", "hub of us"},
		"/audit":                              {"kill", "&lt;script&gt;"},
		"/kill":                               {"Step 1 of 2", "plugin/markdown@1.0.0"},
	} {
		res, body := get(t, server.URL+Path+path)
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", path, res.StatusCode)
		}
		if found := forbidden.FindString(body); found != "" {
			t.Errorf("%s has %q", path, found)
		}
		for _, part := range append(parts, "host-1", `lang="en"`, `class="skip"`) {
			if !strings.Contains(body, part) {
				t.Errorf("%s is without %q:\n%s", path, part, body)
			}
		}
		if strings.Contains(body, "cannot be made") || strings.Contains(body, "ZgotmplZ") || strings.Contains(body, "hunter2") {
			t.Errorf("%s is broken:\n%s", path, body)
		}
		if policy := res.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s has the policy %q", path, policy)
		}
	}
	for _, path := range []string{"/absent", "/plugins/absent", "/kills/absent"} {
		if res, body := get(t, server.URL+Path+path); res.StatusCode != http.StatusNotFound || !strings.Contains(body, "<h1>") {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
	for _, asset := range []string{"console.css", "page.css", "console.js"} {
		if res, body := get(t, server.URL+Path+"/assets/"+asset); res.StatusCode != http.StatusOK || body == "" {
			t.Errorf("%s: %d", asset, res.StatusCode)
		}
	}
}

// An empty daemon says of each thing what to do about it.
func TestPagesOfAnEmptyDaemon(t *testing.T) {
	_, server, _ := newConsole(t, &fakeSource{state: State{Host: "h", Region: "eu", Ready: api.Ready{Ready: true}, Regions: api.Regions{Region: "eu"}}}, Options{})
	for path, part := range map[string]string{
		"": "All is well", "/misses": "Nobody has asked in vain", "/plugins": "--plugins DIR", "/capabilities": "Nothing can be called",
		"/services": "No services are announced", "/regions": "roster region add", "/kills": "Nothing was ever killed", "/audit": "records no audit trail",
	} {
		if res, body := get(t, server.URL+Path+path); res.StatusCode != http.StatusOK || !strings.Contains(body, part) {
			t.Errorf("%s: %d, without %q:\n%s", path, res.StatusCode, part, body)
		}
	}
}

// An event of a stream.
type event struct{ name, data string }

// follow reads a stream until the test ends.
func follow(t *testing.T, address string) <-chan event {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if kind := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("status %d, %s", res.StatusCode, kind)
	}
	seen := make(chan event)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(seen)
		defer func() { _ = res.Body.Close() }()
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 1<<20)
		var e event
		for lines.Scan() {
			switch line := lines.Text(); {
			case strings.HasPrefix(line, "event: "):
				e.name = line[len("event: "):]
			case strings.HasPrefix(line, "data: "):
				e.data = line[len("data: "):]
			case line == "":
				select {
				case seen <- e:
				case <-ctx.Done():
					return
				}
			}
		}
	})
	t.Cleanup(func() { cancel(); reading.Wait() })
	return seen
}

// await returns the next event for which holds is true, and those before it.
func await(t *testing.T, events <-chan event, what string, holds func(event) bool) (found event, before []event) {
	t.Helper()
	deadline := time.After(limit)
	for {
		select {
		case e, open := <-events:
			if !open {
				t.Fatalf("the stream ended before %s", what)
			}
			if holds(e) {
				return e, before
			}
			before = append(before, e)
		case <-deadline:
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// A stream brings all parts, then those that change, and says in words what has happened.
func TestStreamBringsWhatChanges(t *testing.T) {
	source := &fakeSource{state: full()}
	_, server, codecs := newConsole(t, source, Options{})
	events := follow(t, server.URL+Path+"/events?page=overview")
	_, first := await(t, events, "the first beat", func(e event) bool { return e.name == "beat" })
	if got, want := len(first), len(pageNamed("overview").parts); got != want {
		t.Fatalf("%d parts at first, want %d", got, want)
	}
	source.set(func(s *State) { s.Plugins = []api.Plugin{{Name: "markdown", State: "backoff", Restarts: 1}} })
	e, before := await(t, events, "the word of the plugin", func(e event) bool { return e.name == "say" && strings.Contains(e.data, "markdown") })
	if !strings.Contains(e.data, "Plugin markdown is backoff.") {
		t.Errorf("said %s", e.data)
	}
	var changed []string
	for _, e := range before {
		var p part
		if e.name == "part" && json.Unmarshal([]byte(e.data), &p) == nil {
			changed = append(changed, p.ID)
		}
	}
	if got := strings.Join(changed, " "); !strings.Contains(got, "pluginsbrief") || strings.Contains(got, "map") {
		t.Errorf("changed: %s", got)
	}
	codecs.Get("jsno")
	await(t, events, "the word of the miss", func(e event) bool {
		return e.name == "say" && strings.Contains(e.data, "jsno was asked for in vain in codecs.")
	})
}

// When the daemon stops, so do the streams; and a page whose subject is gone is told.
func TestStreamsEnd(t *testing.T) {
	closing := make(chan struct{})
	source := &fakeSource{state: full()}
	_, server, _ := newConsole(t, source, Options{Closing: closing})
	events := follow(t, server.URL+Path+"/events?page=plugins")
	about := follow(t, server.URL+Path+"/events?page=plugin&arg=markdown")
	await(t, about, "a beat", func(e event) bool { return e.name == "beat" })
	source.set(func(s *State) { s.Plugins = nil })
	await(t, about, "the word that it is gone", func(e event) bool { return e.name == "gone" })
	await(t, events, "a beat", func(e event) bool { return e.name == "beat" })
	close(closing)
	for deadline := time.After(limit); ; {
		select {
		case _, open := <-events:
			if !open {
				return
			}
		case <-deadline:
			t.Fatal("the stream goes on after the daemon is closing")
		}
	}
}

// There is an end to how many pages may be open, and a reader who takes nothing makes room.
func TestStreamsAreBounded(t *testing.T) {
	source := &fakeSource{state: full()}
	c, server, _ := newConsole(t, source, Options{})
	c.patience = 3 * time.Second
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 16 { // more than sockets hold
		source.lines = append(source.lines, LogLine{Text: strings.Repeat("x", 1<<20)})
	}
	slow := server.URL + Path + "/events?page=plugin&arg=markdown"
	for range 3 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, slow, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := new(http.Client).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		if res.StatusCode != http.StatusOK {
			t.Fatalf("status %d", res.StatusCode)
		}
	}
	deadline := time.Now().Add(limit)
	for len(c.streams) > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%d readers that take nothing still hold a stream", len(c.streams))
		}
		time.Sleep(10 * time.Millisecond)
	}
	for range maxStreams {
		c.streams <- struct{}{}
	}
	if res, body := get(t, server.URL+Path+"/events?page=overview"); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("one more: %d %s", res.StatusCode, body)
	}
}
