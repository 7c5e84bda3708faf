//go:build linux

package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/kill"
	"github.com/roster-go/roster/plugin"
)

// A killer kills and revives with one switch. It is safe for concurrent use.
type killer struct {
	*kill.Switch
	t     *testing.T
	epoch atomic.Uint64
}

func newKiller(t *testing.T) *killer {
	t.Helper()
	s, err := kill.Open("")
	if err != nil {
		t.Fatal(err)
	}
	return &killer{Switch: s, t: t}
}

// order applies an order and returns when that is acknowledged.
func (k *killer) order(target kill.Target, revived bool) time.Time {
	_, err := k.Apply("test", kill.Order{
		Target: target, Epoch: k.epoch.Add(1), Revived: revived, Reason: "it corrupts " + target.Name, By: "ada", At: time.Now(),
	})
	if err != nil {
		k.t.Error(err)
	}
	return time.Now()
}

func (k *killer) kill(target kill.Target) time.Time   { return k.order(target, false) }
func (k *killer) revive(target kill.Target) time.Time { return k.order(target, true) }

// isKilled fails the test unless err is a KilledError for target.
func isKilled(t *testing.T, err error, target kill.Target, running bool) {
	t.Helper()
	killed, ok := errors.AsType[*plugin.KilledError](err)
	if !ok {
		t.Fatalf("got %T %v, want a KilledError for %s", err, err, target)
	}
	if killed.Target != target || killed.Running != running || killed.By != "ada" || killed.Epoch == 0 || killed.Reason != "it corrupts "+target.Name {
		t.Errorf("got %+v, want one for %s with running %t", killed, target, running)
	}
	if code := grpcstatus.Code(killed); code != codes.FailedPrecondition {
		t.Errorf("code %s", code)
	}
}

func callHello(t *testing.T, h *plugin.Host) error {
	t.Helper()
	_, err := h.Call(t.Context(), "test.hello", json.RawMessage(`{}`))
	return err
}

func ready(t *testing.T, h *plugin.Host, name string) {
	t.Helper()
	eventually(t, name+" is ready", func() bool { return status(t, h, name).State == plugin.Ready })
}

// While callers call two plugins in turn, one of them is killed, again and again. A call
// that begins after the acknowledgement is never served by it, a call that it was
// running ends in a KilledError or had ended before, and the others do not notice.
func TestKillUnderLoad(t *testing.T) {
	k := newKiller(t)
	h := newHost(t, plugin.Options{Kill: k.Switch}.Hasten())
	for _, name := range []string{"bad", "good"} {
		add(t, h, describe(name, "", plugin.Capability{Name: "test.hello"}))
	}
	good := strconv.Itoa(status(t, h, "good").PID)
	type served struct {
		begun time.Time
		pid   string
		err   error
	}
	var mu sync.Mutex // guards calls
	var calls []served
	var stop atomic.Bool
	var calling sync.WaitGroup
	for i := range 6 {
		ctx := t.Context()
		if i%2 == 0 { // a request that is pinned to the one that will be killed
			ctx = plugin.WithKey(ctx, keyFor(t, h, "bad"))
		}
		calling.Go(func() {
			for !stop.Load() {
				s := served{begun: time.Now()}
				var answer plugin.Answer
				answer, s.err = h.Call(ctx, "test.hello", json.RawMessage(`{}`))
				var out map[string]string
				if s.err == nil && json.Unmarshal(answer.Output, &out) == nil {
					s.pid = out["pid"]
				}
				mu.Lock()
				calls = append(calls, s)
				mu.Unlock()
			}
		})
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(calls)
	}
	more := func() {
		n := count()
		eventually(t, "more calls are made", func() bool { return count() > n+200 })
	}
	type span struct {
		pid      string
		from, to time.Time
	}
	var dead []span
	for range 5 {
		more()
		pid := status(t, h, "bad").PID
		s := span{pid: strconv.Itoa(pid), from: k.kill(kill.Plugin("bad", ""))}
		if alive(pid) {
			t.Errorf("process %d is alive after the acknowledgement", pid)
		}
		more()
		s.to = time.Now()
		dead = append(dead, s)
		k.revive(kill.Plugin("bad", ""))
		ready(t, h, "bad")
	}
	stop.Store(true)
	calling.Wait()

	by := map[string]int{}
	for _, c := range calls {
		if c.err != nil {
			isKilled(t, c.err, kill.Plugin("bad", ""), true)
		}
		by[c.pid]++
		for _, s := range dead {
			switch {
			case c.pid == s.pid && !c.begun.Before(s.from):
				t.Errorf("a call that began %s after the acknowledgement was served by the killed process", c.begun.Sub(s.from))
			case c.begun.After(s.from) && c.begun.Before(s.to) && c.pid != good && c.err == nil:
				if !c.begun.After(s.to.Add(-time.Millisecond)) { // it may have waited for the revival
					t.Errorf("while it was killed, process %s served", c.pid)
				}
			}
		}
	}
	for _, s := range dead {
		if by[s.pid] == 0 {
			t.Errorf("process %s never served; the test shows nothing", s.pid)
		}
	}
	if n := status(t, h, "bad").Restarts; n != len(dead) {
		t.Errorf("%d restarts, want one for each revival", n)
	}
	t.Logf("%d calls, %d cut off", len(calls), by[""])
}

// keyFor is a key whose calls go to a plugin.
func keyFor(t *testing.T, h *plugin.Host, name string) string {
	t.Helper()
	for i := range 1000 {
		key := fmt.Sprint("key", i)
		answer, err := h.Call(plugin.WithKey(t.Context(), key), "test.hello", json.RawMessage(`{}`))
		if err == nil && answer.ServedBy.Name == name {
			return key
		}
	}
	t.Fatal("no key leads to " + name)
	return ""
}

func TestKilledPluginIsOutUntilItIsRevived(t *testing.T) {
	k := newKiller(t)
	h := newHost(t, plugin.Options{Kill: k.Switch}.Hasten())
	add(t, h, describe("p", ""))
	pid := status(t, h, "p").PID
	running := make(chan error, 1)
	go func() {
		_, err := h.Call(t.Context(), "test.sleep", json.RawMessage(`{"ms":60000}`))
		running <- err
	}()
	eventually(t, "the call runs", func() bool { return h.Calls("p") == 1 })
	changed := h.Changed()

	k.kill(kill.Plugin("p", ""))
	if alive(pid) {
		t.Errorf("process %d is alive after the acknowledgement", pid)
	}
	isKilled(t, callHello(t, h), kill.Plugin("p", ""), false)
	isKilled(t, <-running, kill.Plugin("p", ""), true)
	<-changed
	if n := len(h.Capabilities()); n != 0 {
		t.Errorf("%d capabilities are announced", n)
	}
	s := status(t, h, "p")
	if s.State != plugin.Killed || !strings.Contains(s.LastError, "plugin/p is killed by ada (epoch 1): it corrupts p") {
		t.Errorf("%+v", s)
	}
	isKilled(t, h.Replace(t.Context(), describe("p", "")), kill.Plugin("p", ""), false)
	eventually(t, "the process is put away", func() bool { return status(t, h, "p").PID == 0 })

	k.revive(kill.Plugin("p", ""))
	ready(t, h, "p")
	if err := callHello(t, h); err != nil {
		t.Error(err)
	}
	if s := status(t, h, "p"); s.Restarts != 1 || s.LastError != "" || s.PID == pid {
		t.Errorf("%+v", s)
	}
	if err := h.Remove(t.Context(), "p"); err != nil {
		t.Error(err)
	}
	k.kill(kill.Plugin("p", ""))
	isKilled(t, h.Add(t.Context(), describe("p", "")), kill.Plugin("p", ""), false)
	if n := len(h.Plugins()); n != 0 {
		t.Errorf("%d plugins are left", n)
	}
}

// A killed version is known by the descriptor or, if that names none, by what the
// process says.
func TestKilledVersion(t *testing.T) {
	for name, version := range map[string]string{"descriptor": "1.2.3", "process": ""} {
		t.Run(name, func(t *testing.T) {
			k := newKiller(t)
			h := newHost(t, plugin.Options{Kill: k.Switch}.Hasten())
			d := describe("p", "")
			d.Version = version
			add(t, h, d)
			k.kill(kill.Plugin("p", "0.9"))
			if err := callHello(t, h); err != nil {
				t.Fatalf("another version is killed: %v", err)
			}
			bad := kill.Plugin("p", "1.2.3")
			k.kill(bad)
			isKilled(t, callHello(t, h), bad, false)
			isKilled(t, h.Replace(t.Context(), d), bad, false)
			isKilled(t, callHello(t, h), bad, false)

			next := describe("p", "two")
			next.Version = map[string]string{"1.2.3": "2.0.0"}[version]
			if err := h.Replace(t.Context(), next); err != nil {
				t.Fatalf("another version is not let in: %v", err)
			}
			if err := callHello(t, h); err != nil {
				t.Errorf("another version does not serve: %v", err)
			}
			k.kill(kill.Plugin("p", ""))
			isKilled(t, callHello(t, h), kill.Plugin("p", ""), false)
			k.revive(kill.Plugin("p", "")) // the other order stands
			ready(t, h, "p")
			isKilled(t, h.Replace(t.Context(), d), bad, false)
			if err := callHello(t, h); err != nil {
				t.Errorf("the refused replacement took something along: %v", err)
			}
		})
	}
}

func TestKillDuringTheStart(t *testing.T) {
	k := newKiller(t)
	h := newHost(t, plugin.Options{Kill: k.Switch}.Hasten())
	added := make(chan error, 1)
	go func() { added <- h.Add(t.Context(), describe("p", "hang-init")) }()
	eventually(t, "the process is there", func() bool { return len(children(os.Getpid())) > 0 })
	k.kill(kill.Plugin("p", ""))
	isKilled(t, <-added, kill.Plugin("p", ""), false)
	if n := len(h.Plugins()); n != 0 {
		t.Errorf("%d plugins are left", n)
	}
}

// A host that starts while kills stand loads its folder all the same. What is killed is
// there, says so, and starts when it is revived.
func TestKilledBeforeItIsLoaded(t *testing.T) {
	k := newKiller(t)
	k.kill(kill.Plugin("bad", ""))
	h := newHost(t, plugin.Options{Kill: k.Switch}.Hasten())
	dir := t.TempDir()
	for _, name := range []string{"bad", "good"} {
		write(t, 0o600, fmt.Sprintf("name: %s\napi_version: v1\ncommand: [%s]\ncapabilities: [%s]\n",
			name, testPlugin, map[string]string{"bad": "test.hello", "good": "test.env"}[name]), dir, name, "plugin.yaml")
	}
	if err := h.LoadDir(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if s := status(t, h, "bad"); s.State != plugin.Killed || s.PID != 0 {
		t.Errorf("%+v", s)
	}
	isKilled(t, callHello(t, h), kill.Plugin("bad", ""), false)
	if names := announced(h); !slices.Equal(names, []string{"test.env"}) {
		t.Errorf("announced: %v", names)
	}
	k.revive(kill.Plugin("bad", ""))
	ready(t, h, "bad")
	if err := callHello(t, h); err != nil {
		t.Error(err)
	}
	if err := h.Remove(t.Context(), "bad"); err != nil {
		t.Error(err)
	}
}

func announced(h *plugin.Host) []string {
	var names []string
	for _, c := range h.Capabilities() {
		names = append(names, c.Name)
	}
	return names
}

// A killed plugin that was removed does not come back, and one that had crashed too
// often starts afresh.
func TestKilledPluginEnds(t *testing.T) {
	k := newKiller(t)
	h := newHost(t, plugin.Options{Kill: k.Switch}.Hasten())
	add(t, h, describe("p", ""))
	for status(t, h, "p").State != plugin.Failed {
		_, _ = h.Call(t.Context(), "test.exit", json.RawMessage(`{}`))
	}
	k.kill(kill.Plugin("p", ""))
	if s := status(t, h, "p"); s.State != plugin.Killed {
		t.Errorf("%+v", s)
	}
	k.revive(kill.Plugin("p", ""))
	ready(t, h, "p")
	k.kill(kill.Plugin("p", ""))
	if err := h.Remove(t.Context(), "p"); err != nil {
		t.Error(err)
	}
	k.revive(kill.Plugin("p", ""))
	if n := len(h.Plugins()); n != 0 {
		t.Errorf("%d plugins", n)
	}
}

func TestKilledCapability(t *testing.T) {
	k := newKiller(t)
	entered := make(chan struct{})
	services := roster.New[plugin.Service](roster.In(roster.NewDirectory()))
	services.Register("a.health", plugin.Service{Desc: &healthv1.Health_ServiceDesc, Impl: checker{}})
	h := newHost(t, plugin.Options{Kill: k.Switch, Services: services, Linked: linked(t, map[string]plugin.Function{
		"a.echo": echo,
		"a.wait": func(ctx context.Context, _ json.RawMessage) (json.RawMessage, error) {
			close(entered)
			<-h2(ctx)
			return json.RawMessage(`"done"`), nil
		},
	})}.Hasten())
	add(t, h, describe("p", "", plugin.Capability{Name: "test.hello"}, plugin.Capability{Name: "test.env"}))
	ctx, release := context.WithCancel(t.Context())
	running := make(chan error, 1)
	go func() {
		_, err := h.Call(context.WithValue(t.Context(), releaseKey{}, ctx.Done()), "a.wait", nil)
		running <- err
	}()
	<-entered
	calls := map[string]func() error{
		"a.echo":     func() error { _, err := h.Call(t.Context(), "a.echo", nil); return err },
		"a.wait":     func() error { _, err := h.Call(t.Context(), "a.wait", nil); return err },
		"test.hello": func() error { return callHello(t, h) },
		"a.health": func() error {
			_, err := healthv1.NewHealthClient(h.Conn("a.health")).Check(t.Context(), &healthv1.HealthCheckRequest{})
			return err
		},
	}
	for name, call := range calls {
		if name != "a.wait" {
			if err := call(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		changed := h.Changed()
		k.kill(kill.Capability(name))
		<-changed
		isKilled(t, call(), kill.Capability(name), false)
		if slices.Contains(announced(h), name) {
			t.Errorf("%s is announced", name)
		}
	}
	release()
	isKilled(t, <-running, kill.Capability("a.wait"), true)
	if _, err := h.Call(t.Context(), "test.env", nil); err != nil {
		t.Errorf("the plugin's other capability: %v", err)
	}
	if s := status(t, h, "p"); s.State != plugin.Ready {
		t.Errorf("%+v", s)
	}
	for name, call := range calls {
		k.revive(kill.Capability(name))
		if name != "a.wait" {
			if err := call(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if !slices.Contains(announced(h), name) {
			t.Errorf("%s is not announced again", name)
		}
	}
}

type releaseKey struct{}

// h2 is what a test passed along to release a function.
func h2(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(releaseKey{}).(<-chan struct{})
	return c
}

// A call that waits for a plugin to come back is told of the kill.
func TestKillEndsWaiting(t *testing.T) {
	k := newKiller(t)
	marker := filepath.Join(t.TempDir(), "marker")
	h := newHost(t, plugin.Options{Kill: k.Switch}.Hasten())
	d := describe("p", "fail-second")
	d.Config = json.RawMessage(`{"marker":"` + marker + `"}`)
	add(t, h, d)
	_, _ = h.Call(t.Context(), "test.exit", json.RawMessage(`{}`))
	waiting := make(chan error, 1)
	go func() { waiting <- callHello(t, h) }()
	k.kill(kill.Plugin("p", ""))
	isKilled(t, <-waiting, kill.Plugin("p", ""), false)
}

// A suspended entry of the registry "capabilities" is not served, and one of the
// registry "plugins" neither outlives the host nor blocks its name.
func TestSuspendedEntries(t *testing.T) {
	d := roster.NewDirectory()
	h := newHost(t, plugin.Options{Directory: d})
	add(t, h, describe("p", ""))
	d.Suspend("capabilities", "test.hello", errors.New("it is not safe"))
	err := callHello(t, h)
	killed, ok := errors.AsType[*plugin.KilledError](err)
	if !ok || killed.Target != kill.Entry("capabilities", "test.hello") || !strings.Contains(err.Error(), "it is not safe") {
		t.Errorf("%v", err)
	}
	if slices.Contains(announced(h), "test.hello") {
		t.Error("it is announced")
	}
	d.Suspend("plugins", "p", errors.New("it is not to be seen"))
	if err := h.Replace(t.Context(), describe("p", "")); err != nil {
		t.Error(err)
	}
	d.Resume("capabilities", "test.hello")
	if err := callHello(t, h); err != nil {
		t.Error(err)
	}
}

// Kills, revivals, replacements and calls at once leave a host that works.
func TestKillConcurrentSafe(t *testing.T) {
	k := newKiller(t)
	h := newHost(t, plugin.Options{Kill: k.Switch, StopGrace: time.Second}.Tireless())
	add(t, h, describe("p", "", plugin.Capability{Name: "test.hello"}))
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for !stop.Load() {
				_, err := h.Call(t.Context(), "test.hello", json.RawMessage(`{}`))
				var killed *plugin.KilledError
				var away *plugin.UnavailableError
				if err != nil && !errors.As(err, &killed) && !errors.As(err, &away) {
					t.Errorf("%T %v", err, err)
				}
				_ = h.Capabilities()
			}
		})
	}
	wg.Go(func() {
		for !stop.Load() {
			_ = h.Replace(t.Context(), describe("p", "", plugin.Capability{Name: "test.hello"})) // refused while it is killed
		}
	})
	rounds := 40
	if testing.Short() {
		rounds = 10
	}
	for i := range rounds {
		target := []kill.Target{kill.Plugin("p", ""), kill.Plugin("p", "1.2.3"), kill.Capability("test.hello")}[i%3]
		k.kill(target)
		for _, s := range h.Plugins() {
			if target.Kind == kill.KindPlugin && s.State == plugin.Ready {
				t.Errorf("the plugin is ready while %s is killed", target)
			}
		}
		if err := callHello(t, h); err == nil {
			t.Errorf("a call was served while %s was killed", target)
		}
		k.revive(target)
		if i%4 == 0 {
			eventually(t, "it serves again", func() bool { return callHello(t, h) == nil })
		}
	}
	stop.Store(true)
	wg.Wait()
	ready(t, h, "p")
	if err := callHello(t, h); err != nil {
		t.Error(err)
	}
}

func TestImpact(t *testing.T) {
	k := newKiller(t)
	h := newHost(t, plugin.Options{
		Kill: k.Switch, Linked: linked(t, map[string]plugin.Function{"a.echo": echo}),
		Fleet: fleet{"a.echo": {{ID: "host-b"}, {ID: "host-c"}}},
	}.Hasten())
	add(t, h, describe("one", "", plugin.Capability{Name: "test.hello"}, plugin.Capability{Name: "test.env"}))
	add(t, h, describe("two", "", plugin.Capability{Name: "test.hello"}))
	check := func(target kill.Target, want kill.Impact) {
		t.Helper()
		got := h.Impact(target)
		slices.Sort(got.Names)
		if got.Providers != want.Providers || got.Remaining != want.Remaining || !slices.Equal(got.Names, want.Names) {
			t.Errorf("%s: %+v, want %+v", target, got, want)
		}
	}
	check(kill.Capability("test.hello"), kill.Impact{Providers: 2, Names: []string{"plugin one", "plugin two"}})
	check(kill.Plugin("one", ""), kill.Impact{Providers: 1, Names: []string{"plugin one"}}) // nobody else has test.env
	check(kill.Plugin("two", "1.2.3"), kill.Impact{Providers: 1, Remaining: 1, Names: []string{"plugin two"}})
	check(kill.Plugin("two", "9"), kill.Impact{})
	check(kill.Instance("a.echo", "host-a"), kill.Impact{Providers: 1, Remaining: 2, Names: []string{"linked-in a.echo"}})
	check(kill.Instance("a.echo", "host-b"), kill.Impact{})
	check(kill.Capability("nobody.has"), kill.Impact{})
	k.kill(kill.Instance("a.echo", "host-b"))
	check(kill.Instance("a.echo", "host-a"), kill.Impact{Providers: 1, Remaining: 1, Names: []string{"linked-in a.echo"}})
	k.kill(kill.Plugin("two", ""))
	check(kill.Plugin("two", ""), kill.Impact{})
	check(kill.Plugin("one", ""), kill.Impact{Providers: 1, Names: []string{"plugin one"}})
}

// TestAnswerOfAKilledInstance: the answer of a call that was running when this host's own instance was
// killed is dropped, as that of another host's is.
func TestAnswerOfAKilledInstance(t *testing.T) {
	k := newKiller(t)
	began, release := make(chan struct{}), make(chan struct{})
	h := newHost(t, plugin.Options{Kill: k.Switch, Linked: linked(t, map[string]plugin.Function{
		"a.slow": func(_ context.Context, in json.RawMessage) (json.RawMessage, error) {
			close(began)
			<-release
			return in, nil
		},
	})})
	target := kill.Instance("a.slow", "host-a")
	failed := make(chan error, 1)
	go func() {
		_, err := h.Call(t.Context(), "a.slow", json.RawMessage(`{}`))
		failed <- err
	}()
	<-began
	k.kill(target)
	close(release)
	isKilled(t, <-failed, target, true)
}
