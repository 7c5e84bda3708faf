//go:build unix

package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/roster-go/roster/plugin"
	"github.com/roster-go/roster/plugin/internal/testplugin/streamer"
)

// bystander adds a second plugin and calls it all the time: whatever the first one does,
// its calls succeed, within a bound.
func bystander(t *testing.T, h *plugin.Host) {
	t.Helper()
	add(t, h, describe("bystander", "", plugin.Capability{Name: "test.env"}))
	const bound = 3 * time.Second // for a call that takes a millisecond, on a busy machine
	stop := make(chan struct{})
	var calling sync.WaitGroup
	calls := 0
	calling.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			begun := time.Now()
			ctx, cancel := context.WithTimeout(context.Background(), bound)
			_, err := h.Call(ctx, "test.env", nil)
			cancel()
			calls++
			if err != nil {
				t.Errorf("the bystander after %v: %v", time.Since(begun), err)
				return
			}
		}
	})
	t.Cleanup(func() { // before the host is closed
		close(stop)
		calling.Wait()
		if calls == 0 {
			t.Error("the bystander was not called")
		}
	})
}

var hello = plugin.Capability{Name: "test.hello"}

// A plugin that writes without end to its standard error slows nobody down.
func TestFloodOfStderr(t *testing.T) {
	t.Parallel()
	h := newHost(t, plugin.Options{}.Hasten())
	bystander(t, h)
	add(t, h, describe("p", "flood", hello))
	for range 100 {
		call(t, h, "test.hello", `{}`)
	}
	if s := status(t, h, "p"); s.State != plugin.Ready || s.Restarts != 0 {
		t.Errorf("%+v", s)
	}
	if err := h.Remove(t.Context(), "p"); err != nil {
		t.Error(err)
	}
}

// An answer of a gigabyte is refused, and so is one beyond the limit of the SDK; both
// plugins go on.
func TestAnswerOfAGigabyte(t *testing.T) {
	h := newHost(t, plugin.Options{}.NeverCheckHealth()) // a test's host is in more of a hurry than a gigabyte
	bystander(t, h)
	add(t, h, describe("p", "", plugin.Capability{Name: "test.huge"}, hello))
	before, _ := call(t, h, "test.hello", `{}`)
	_, err := h.Call(t.Context(), "test.huge", json.RawMessage(`{"ms": 128}`))
	if grpcstatus.Code(err) != codes.ResourceExhausted {
		t.Errorf("%.300v", err)
	}
	if after, _ := call(t, h, "test.hello", `{}`); after["pid"] != before["pid"] {
		t.Error("it was another process")
	}

	d := describe("plain", "plain", streams) // its server has no limit of its own
	d.GoPlugin = &plugin.GoPlugin{CookieKey: "BASIC_PLUGIN", CookieValue: "hello", Protocol: 3}
	add(t, h, d)
	stream := chat(timeout(t, time.Minute), t, h.Conn(streamer.Name))
	if _, err := say(t, stream, "huge"); grpcstatus.Code(err) != codes.ResourceExhausted {
		t.Errorf("%.300v", err)
	}
	stream = chat(timeout(t, time.Minute), t, h.Conn(streamer.Name))
	if reply, err := say(t, stream, "hello"); err != nil || reply != "you said hello" {
		t.Errorf("%q %v", reply, err)
	}
}

// A stream without end is held up by a caller that does not read, and ends with it.
func TestEndlessStream(t *testing.T) {
	t.Parallel()
	h := newHost(t, plugin.Options{}.Hasten())
	bystander(t, h)
	add(t, h, describe("p", "", streams))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream := chat(ctx, t, h.Conn(streamer.Name))
	for range 1000 {
		if reply, err := say(t, stream, "endless"); err != nil || reply != "more" {
			t.Fatalf("%q %v", reply, err)
		}
	}
	if h.Calls("p") != 1 {
		t.Errorf("%d calls run", h.Calls("p"))
	}
	cancel()
	eventually(t, "the call is over", func() bool { return h.Calls("p") == 0 })
}

// A plugin that ignores Shutdown, the end of its standard input and SIGTERM is killed.
func TestStubbornPlugin(t *testing.T) {
	t.Parallel()
	h := newHost(t, plugin.Options{StopGrace: 300 * time.Millisecond}.Hasten())
	bystander(t, h)
	add(t, h, describe("p", "stubborn", plugin.Capability{Name: "bad.fine"}))
	pid := status(t, h, "p").PID
	begun := time.Now()
	if err := h.Remove(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > 3*time.Second || alive(pid) {
		t.Errorf("took %v, alive %v", took, alive(pid))
	}
}

// A plugin that ends after each answer serves all the same, until it is left alone; the
// others are not affected.
func TestExitAfterEachAnswer(t *testing.T) {
	t.Parallel()
	h := newHost(t, plugin.Options{CallTimeout: 5 * time.Second}.Hasten())
	bystander(t, h)
	add(t, h, describe("p", "", plugin.Capability{Name: "test.last"}))
	answers := 0
	eventually(t, "it is left alone", func() bool {
		_, err := h.Call(t.Context(), "test.last", json.RawMessage(`{}`))
		var crash *plugin.CrashedError
		var away *plugin.UnavailableError
		switch {
		case err == nil:
			answers++
		case !errors.As(err, &crash) && !errors.As(err, &away):
			t.Errorf("%v", err)
		}
		return status(t, h, "p").State == plugin.Failed
	})
	if answers == 0 {
		t.Error("no answer came through")
	}
	if s := status(t, h, "p"); !strings.Contains(s.LastError, "10 crashes within") || !strings.Contains(s.LastError, "exit status 6") {
		t.Errorf("%s", s.LastError)
	}
}

// A plugin that is stopped by a signal is found out by its health, and replaced by a new
// process; until then calls end with their deadline.
func TestStoppedBySignal(t *testing.T) {
	t.Parallel()
	h := newHost(t, plugin.Options{}.Hasten())
	bystander(t, h)
	add(t, h, describe("p", "", hello))
	pid := status(t, h, "p").PID
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a call that ends with its deadline", func() bool { // its threads stop one after the other
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		begun := time.Now()
		_, err := h.Call(ctx, "test.hello", json.RawMessage(`{}`))
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
		var interrupted *plugin.InterruptedError
		return errors.As(err, &interrupted)
	})
	eventually(t, "a new process", func() bool {
		s := status(t, h, "p")
		return s.State == plugin.Ready && s.PID != pid && strings.Contains(s.LastError, "failed health checks")
	})
	call(t, h, "test.hello", `{}`)
	if alive(pid) {
		t.Error("the stopped process is left")
	}
}

// Sockets that somebody deletes, as programs that tidy up do, are not needed any more.
func TestSocketsAreDeleted(t *testing.T) {
	t.Parallel()
	h := newHost(t, plugin.Options{}.Hasten())
	bystander(t, h)
	add(t, h, describe("p", "", hello))
	before, _ := call(t, h, "test.hello", `{}`)
	sockets, err := filepath.Glob(filepath.Join(h.SocketDir(), "*", "*"))
	if err != nil || len(sockets) == 0 {
		t.Fatalf("%v %v", sockets, err)
	}
	for _, socket := range sockets {
		if err := os.Remove(socket); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		if got, _ := call(t, h, "test.hello", `{}`); got["pid"] != before["pid"] {
			t.Fatal("it was another process")
		}
	}
	if err := syscall.Kill(status(t, h, "p").PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another process, with sockets of its own", func() bool {
		answer, err := h.Call(t.Context(), "test.hello", json.RawMessage(`{}`))
		return err == nil && !strings.Contains(string(answer.Output), `"pid":"`+before["pid"]+`"`)
	})
}
