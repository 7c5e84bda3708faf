package plugin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/roster-go/roster/plugin"
	"github.com/roster-go/roster/plugin/internal/testplugin/streamer"
)

// recorder is an observer that keeps what it is told.
type recorder struct {
	mu    sync.Mutex
	lines []string
}

func (r *recorder) add(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
}

func (r *recorder) has(line string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.lines, line)
}

func (r *recorder) Call(ctx context.Context, name, method string) (context.Context, func(string, error)) {
	return ctx, func(code string, err error) { r.add(fmt.Sprint(name, " ", method, " ", code, " ", err != nil)) }
}

func (r *recorder) Restarted(name, reason string) { r.add(name + " restarted: " + reason) }

func TestObserver(t *testing.T) {
	t.Parallel()
	seen := &recorder{}
	h := newHost(t, plugin.Options{Observer: seen}.Hasten())
	add(t, h, describe("p", "", append(slices.Clone(allFunctions), streams)...))
	call(t, h, "test.hello", `{}`)
	if _, err := h.Call(t.Context(), "test.hello", json.RawMessage(`{"x": 1}`)); err == nil {
		t.Error("an unknown field is taken")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := h.Call(ctx, "test.sleep", json.RawMessage(`{"ms": 5000}`)); err == nil {
		t.Error("it slept")
	}
	stream := chat(t.Context(), t, h.Conn(streamer.Name))
	if _, err := say(t, stream, "fail"); err == nil {
		t.Error("it did not fail")
	}
	short, stop := context.WithCancel(t.Context())
	stream = chat(short, t, h.Conn(streamer.Name))
	if _, err := say(t, stream, "hello"); err != nil {
		t.Error(err)
	}
	stop()
	if err := syscall.Kill(status(t, h, "p").PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"p test.hello OK false", "p test.hello InvalidArgument true", "p test.sleep DeadlineExceeded true",
		"p " + streamer.ChatMethod + " DataLoss true", "p " + streamer.ChatMethod + " Canceled true", "p restarted: exit",
	} {
		eventually(t, want, func() bool { return seen.has(want) })
	}
}

// The trace context of the caller reaches the plugin, over each of the two ways.
func TestTraceContextReachesThePlugin(t *testing.T) {
	t.Parallel()
	h := newHost(t, plugin.Options{}.Hasten())
	add(t, h, describe("p", "", plugin.Capability{Name: "test.trace"}, streams))
	id := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1, 2, 3}, SpanID: trace.SpanID{4, 5}, TraceFlags: trace.FlagsSampled})
	ctx := trace.ContextWithSpanContext(t.Context(), id)
	answer, err := h.Call(ctx, "test.trace", json.RawMessage(`{}`))
	if err != nil || string(answer.Output) != `"`+id.TraceID().String()+`"` {
		t.Errorf("%s %v", answer.Output, err)
	}
	stream := chat(ctx, t, h.Conn(streamer.Name))
	if reply, err := say(t, stream, "trace"); err != nil || reply != "you said "+id.TraceID().String() {
		t.Errorf("%q %v", reply, err)
	}
}

// A plugin that fails a capability again and again is not asked for it for a while: calls
// go to others, or fail at once; its other capabilities are served meanwhile.
func TestCircuit(t *testing.T) {
	t.Parallel()
	h := newHost(t, plugin.Options{}.Hasten())
	add(t, h, describe("bad", ""))
	fails := func() error {
		_, err := h.Call(t.Context(), "test.unavailable", json.RawMessage(`{}`))
		return err
	}
	for range 5 {
		if err := fails(); err == nil || !strings.Contains(err.Error(), "the database is away") {
			t.Fatalf("%v", err)
		}
	}
	if err := fails(); err == nil || !strings.Contains(err.Error(), `plugin bad: its circuit is open after failures in a row`) {
		t.Errorf("%v", err)
	}
	if s := status(t, h, "bad"); !slices.Equal(s.Open, []string{"test.unavailable"}) || s.State != plugin.Ready {
		t.Errorf("%+v", s)
	}
	call(t, h, "test.hello", `{}`)
	for range 20 { // what a function says about its input is no failure
		if _, err := h.Call(t.Context(), "test.hello", json.RawMessage(`{"x": 1}`)); err == nil || strings.Contains(err.Error(), "circuit") {
			t.Fatalf("%v", err)
		}
	}
	eventually(t, "one call may try", func() bool { return strings.Contains(fails().Error(), "the database is away") })
	if err := fails(); err == nil || !strings.Contains(err.Error(), "its circuit is open") {
		t.Errorf("%v", err)
	}
	if err := h.Replace(t.Context(), describe("bad", "", allFunctions...)); err != nil { // another process gets a new chance
		t.Fatal(err)
	}
	if err := fails(); err == nil || !strings.Contains(err.Error(), "the database is away") {
		t.Errorf("%v", err)
	}
	for range 6 { // deadlines count if there was time
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
		_, err := h.Call(ctx, "test.sleep", json.RawMessage(`{"ms": 5000}`))
		cancel()
		if err == nil {
			t.Error("it slept")
		}
	}
	if s := status(t, h, "bad"); !slices.Contains(s.Open, "test.sleep") {
		t.Errorf("%+v", s)
	}
}
