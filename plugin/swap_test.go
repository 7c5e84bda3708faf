package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/plugin"
)

// version describes the test plugin p with a greeting that tells which it is.
func version(greeting string, capabilities ...plugin.Capability) plugin.Descriptor {
	d := describe("p", "", capabilities...)
	d.Config = fmt.Appendf(nil, `{"greeting": %q}`, greeting)
	return d
}

// underLoad calls test.hello from several goroutines until f has returned and at
// least so many calls are done. It fails the test for any call that fails, and says
// who answered how often.
func underLoad(t *testing.T, h *plugin.Host, atLeast int64, f func()) map[string]int {
	t.Helper()
	answers := make(map[string]int)
	var mu sync.Mutex // guards answers
	var done atomic.Int64
	var stop atomic.Bool
	var calling sync.WaitGroup
	for range 8 {
		calling.Go(func() {
			for !stop.Load() || done.Load() < atLeast {
				answer, err := h.Call(t.Context(), "test.hello", json.RawMessage(`{"name": "x"}`))
				if err != nil {
					t.Error(err)
					return
				}
				var out map[string]string
				if err := json.Unmarshal(answer.Output, &out); err != nil {
					t.Error(err)
				}
				mu.Lock()
				answers[out["text"]]++
				mu.Unlock()
				done.Add(1)
			}
		})
	}
	eventually(t, "the load is there", func() bool { return done.Load() >= atLeast/4 || t.Failed() })
	f()
	stop.Store(true)
	calling.Wait()
	return answers
}

func TestReplaceUnderLoad(t *testing.T) {
	h := newHost(t, plugin.Options{})
	add(t, h, version("v1"))
	pid := h.Plugins()[0].PID
	answers := underLoad(t, h, 2_000, func() {
		if err := h.Replace(t.Context(), version("v2")); err != nil {
			t.Error(err)
		}
		if alive(pid) {
			t.Error("the old process is there when Replace has returned")
		}
	})
	if len(answers) != 2 || answers["v1, x"] == 0 || answers["v2, x"] == 0 {
		t.Errorf("answers: %v", answers)
	}
	if text, _ := call(t, h, "test.hello", `{"name": "x"}`); text["text"] != "v2, x" {
		t.Errorf("got %v", text)
	}
	if status := h.Plugins(); len(status) != 1 || status[0].State != plugin.Ready || status[0].PID == pid {
		t.Errorf("%+v", status)
	}
}

// There and back many times: two goroutines that replace each other's versions, while
// calls go on. One of two that begin together may be told that it came too late.
func TestReplaceConcurrentSafe(t *testing.T) {
	h := newHost(t, plugin.Options{})
	add(t, h, version("v0"))
	underLoad(t, h, 500, func() {
		var replacing sync.WaitGroup
		for w := range 2 {
			replacing.Go(func() {
				for i := range 4 {
					err := h.Replace(t.Context(), version(fmt.Sprint("v", w, i)))
					if err != nil && !strings.Contains(err.Error(), "it was removed or replaced meanwhile") {
						t.Error(err)
					}
				}
			})
		}
		replacing.Wait()
	})
	if status := h.Plugins(); len(status) != 1 || status[0].State != plugin.Ready {
		t.Errorf("%+v", status)
	}
}

func TestReplacementThatDoesNotGetReady(t *testing.T) {
	h := newHost(t, plugin.Options{})
	add(t, h, version("v1"))
	bad := version("v2")
	bad.Config = json.RawMessage(`{"fail": "no licence"}`)
	answers := underLoad(t, h, 2_000, func() {
		var start *plugin.StartError
		if err := h.Replace(t.Context(), bad); !errors.As(err, &start) || !strings.Contains(err.Error(), "no licence") {
			t.Errorf("got %v", err)
		}
	})
	if len(answers) != 1 || answers["v1, x"] == 0 {
		t.Errorf("answers: %v", answers)
	}
	status := h.Plugins()
	if len(status) != 1 || status[0].State != plugin.Ready || !strings.Contains(status[0].LastError, "its replacement did not get ready") ||
		!strings.Contains(status[0].LastError, "no licence") {
		t.Errorf("%+v", status)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := h.Replace(ctx, describe("p", "hang-init")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	var unknown *roster.UnknownError
	if err := h.Replace(t.Context(), describe("q", "")); !errors.As(err, &unknown) {
		t.Errorf("got %v", err)
	}
	if text, _ := call(t, h, "test.hello", `{"name": "x"}`); text["text"] != "v1, x" {
		t.Errorf("got %v", text)
	}
}

// A call that runs when its plugin is replaced is answered by the old process.
func TestReplaceDrains(t *testing.T) {
	h := newHost(t, plugin.Options{})
	add(t, h, version("v1"))
	pid := h.Plugins()[0].PID
	slept := make(chan error, 1)
	go func() {
		_, err := h.Call(t.Context(), "test.sleep", json.RawMessage(`{"ms": 500}`))
		slept <- err
	}()
	eventually(t, "the call is with the plugin", func() bool { return h.Calls("p") > 0 })
	if err := h.Replace(t.Context(), version("v2")); err != nil {
		t.Error(err)
	}
	if err := <-slept; err != nil {
		t.Error(err)
	}
	if alive(pid) {
		t.Error("the old process is there")
	}
}

func TestReplaceChangesCapabilities(t *testing.T) {
	h := newHost(t, plugin.Options{})
	add(t, h, version("v1", plugin.Capability{Name: "test.hello"}, plugin.Capability{Name: "test.env"}))
	add(t, h, describe("other", "", plugin.Capability{Name: "test.print"}))
	if err := h.Replace(t.Context(), version("v2", plugin.Capability{Name: "test.hello"}, plugin.Capability{Name: "test.sleep"})); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range h.Capabilities() {
		names = append(names, c.Name)
	}
	if got := fmt.Sprint(names); got != "[test.hello test.print test.sleep]" {
		t.Errorf("got %s", got)
	}
	// The one that is in the way is named, and not the one that is to be replaced.
	add(t, h, describe("second", "", plugin.Capability{Name: "test.hello"}))
	var clash *plugin.OfferError
	err := h.Replace(t.Context(), version("v3", plugin.Capability{Name: "test.hello", Service: "test.v1.Streamer"}))
	if !errors.As(err, &clash) || !strings.Contains(clash.Existing, `plugin "second"`) {
		t.Errorf("got %v", err)
	}
	if err := h.Remove(t.Context(), "second"); err != nil {
		t.Error(err)
	}
	// A kind of its own may change; what another plugin offers as well may not.
	var offer *plugin.OfferError
	if err := h.Replace(t.Context(), version("v3", plugin.Capability{Name: "test.print", Service: "test.v1.Streamer"})); !errors.As(err, &offer) {
		t.Errorf("got %v", err)
	}
	if err := h.Replace(t.Context(), version("v3", plugin.Capability{Name: "test.hello", Service: "test.v1.Streamer"})); err != nil {
		t.Error(err)
	}
}

// A host that is closed while a plugin is being replaced leaves nothing behind.
func TestCloseWhileReplacing(t *testing.T) {
	h, err := plugin.NewHost(plugin.Options{Directory: roster.NewDirectory()}.Hasten())
	if err != nil {
		t.Fatal(err)
	}
	add(t, h, version("v1"))
	replaced := make(chan error, 1)
	go func() { replaced <- h.Replace(t.Context(), describe("p", "hang-init")) }()
	eventually(t, "the new process is starting", func() bool { return h.Waiting() > 0 })
	if err := h.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-replaced; err == nil {
		t.Error("replaced in a host that is closed")
	}
	if err := h.Replace(t.Context(), version("v2")); err == nil {
		t.Error("replaced in a host that is closed")
	}
}

func TestReload(t *testing.T) {
	h := newHost(t, plugin.Options{})
	file := filepath.Join(t.TempDir(), plugin.DescriptorFile)
	write := func(name, greeting string) {
		text := fmt.Sprintf("name: %s\napi_version: v1\ncommand: %s\ncapabilities: [test.hello]\nconfig: {greeting: %s}\n", name, testPlugin, greeting)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("p", "before")
	d, err := plugin.ReadDescriptor(file)
	if err != nil {
		t.Fatal(err)
	}
	add(t, h, d)
	write("p", "after")
	if err := h.Reload(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
	if out, _ := call(t, h, "test.hello", `{"name": "x"}`); out["text"] != "after, x" {
		t.Errorf("got %v", out)
	}
	write("q", "other")
	var faulty *plugin.DescriptorError
	if err := h.Reload(t.Context(), "p"); !errors.As(err, &faulty) || !strings.Contains(err.Error(), `the name is "q" now, and was "p"`) {
		t.Errorf("got %v", err)
	}
	var unknown *roster.UnknownError
	if err := h.Reload(t.Context(), "q"); !errors.As(err, &unknown) {
		t.Errorf("got %v", err)
	}
	inMemory := describe("m", "", plugin.Capability{Name: "test.env"})
	inMemory.Source = ""
	add(t, h, inMemory)
	if err := h.Reload(t.Context(), "m"); err == nil || !strings.Contains(err.Error(), "it has no descriptor file (it is added by the program); replace it in the program") {
		t.Errorf("got %v", err)
	}
	if out, _ := call(t, h, "test.hello", `{"name": "x"}`); out["text"] != "after, x" {
		t.Errorf("got %v", out)
	}
}
