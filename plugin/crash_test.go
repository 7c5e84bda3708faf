package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/roster-go/roster/plugin"
)

// Killed again and again while 16 callers make 1,000 calls, the plugin comes
// back, and every call ends in a result or a typed error within its deadline.
func TestKillDuringCalls(t *testing.T) {
	h := newHost(t, plugin.Options{}.Hasten())
	add(t, h, describe("p", ""))
	const calls, callers, kills = 1000, 16, 3
	const deadline = 10 * time.Second

	var next, ok, crashed, unavailable, other, late atomic.Int64
	pids := map[int]bool{}
	var running sync.WaitGroup
	for range callers {
		running.Go(func() {
			for next.Add(1) <= calls {
				ctx, cancel := context.WithTimeout(t.Context(), deadline)
				start := time.Now()
				_, err := h.Call(ctx, "test.sleep", json.RawMessage(`{"ms":5}`))
				cancel()
				if time.Since(start) > deadline+time.Second {
					late.Add(1)
				}
				var crash *plugin.CrashedError
				var away *plugin.UnavailableError
				switch {
				case err == nil:
					ok.Add(1)
				case errors.As(err, &crash):
					crashed.Add(1)
					if grpcstatus.Code(err) != codes.Unavailable || crash.Exit != "signal: killed" {
						t.Errorf("%v (exit %q)", err, crash.Exit)
					}
				case errors.As(err, &away):
					unavailable.Add(1)
				default:
					other.Add(1)
					t.Errorf("%T %v", err, err)
				}
			}
		})
	}
	for kill := range kills {
		eventually(t, "calls go on", func() bool { return next.Load() > int64(kill+1)*200 })
		pid := 0
		eventually(t, "the plugin is ready", func() bool {
			s := status(t, h, "p")
			pid = s.PID
			return s.State == plugin.Ready && !pids[pid] // the last one may not be known to be dead yet
		})
		pids[pid] = true
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	running.Wait()
	eventually(t, "the plugin is ready at the end", func() bool { return status(t, h, "p").State == plugin.Ready })
	s := status(t, h, "p")
	pids[s.PID] = true
	t.Logf("%d calls by %d callers, %d kills: %d ok, %d lost with the process, %d not started, %d other, %d past the deadline; %d restarts, %d pids",
		calls, callers, kills, ok.Load(), crashed.Load(), unavailable.Load(), other.Load(), late.Load(), s.Restarts, len(pids))
	if sum := ok.Load() + crashed.Load() + unavailable.Load() + other.Load(); sum != calls {
		t.Errorf("%d calls ended, want %d", sum, calls)
	}
	if late.Load() != 0 || crashed.Load() == 0 || s.Restarts != kills || len(pids) != kills+1 {
		t.Errorf("late %d, crashed %d, restarts %d, pids %v", late.Load(), crashed.Load(), s.Restarts, pids)
	}
	if !strings.Contains(s.LastError, "signal: killed") {
		t.Errorf("last error %q", s.LastError)
	}
}

// The error of a call that took its process down says how the process ended and
// what it said, and the restarted process has been initialised.
func TestCrashTellsWhy(t *testing.T) {
	h := newHost(t, plugin.Options{}.Hasten())
	d := describe("p", "")
	d.Config = json.RawMessage(`{"greeting":"Salut"}`)
	add(t, h, d)
	before, _ := call(t, h, "test.hello", `{}`)

	_, err := h.Call(t.Context(), "test.exit", json.RawMessage(`{}`))
	const want = `plugin: plugin p was lost during a call of "test.exit": it ended with exit status 7; its last words: "giving up the ghost"; the call may have taken effect, repeat it only if that does no harm`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	after, _ := call(t, h, "test.hello", `{"name":"Ada"}`) // waits for the restart
	if after["text"] != "Salut, Ada" || after["inits"] != "1" || after["pid"] == before["pid"] {
		t.Errorf("before %v, after %v", before, after)
	}
	if s := status(t, h, "p"); s.Restarts != 1 {
		t.Errorf("%d restarts", s.Restarts)
	}
}

// A call that crashed is run again only where the descriptor says that it may,
// and then not for ever.
func TestIdempotentCallIsRepeated(t *testing.T) {
	h := newHost(t, plugin.Options{}.Hasten())
	add(t, h, describe("p", "", plugin.Capability{Name: "test.exit", Idempotent: true}, plugin.Capability{Name: "test.sleep", Idempotent: true}))

	// A call in flight survives the death of its process.
	done := make(chan error, 1)
	go func() {
		_, err := h.Call(t.Context(), "test.sleep", json.RawMessage(`{"ms":300}`))
		done <- err
	}()
	pid := status(t, h, "p").PID
	time.AfterFunc(100*time.Millisecond, func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	if err := <-done; err != nil {
		t.Errorf("idempotent call: %v", err)
	}
	if n := status(t, h, "p").Restarts; n != 1 {
		t.Errorf("%d restarts, want 1", n)
	}
	// One that always crashes its process gives up.
	var crash *plugin.CrashedError
	if _, err := h.Call(t.Context(), "test.exit", json.RawMessage(`{}`)); !errors.As(err, &crash) {
		t.Errorf("deadly call: %v", err)
	}
	eventually(t, "three more restarts", func() bool { return status(t, h, "p").Restarts == 4 })
}

func TestCrashLoopStops(t *testing.T) {
	h := newHost(t, plugin.Options{}.Hasten())
	add(t, h, describe("p", ""))
	for range 10 {
		var crash *plugin.CrashedError
		if _, err := h.Call(timeout(t, 10*time.Second), "test.exit", json.RawMessage(`{}`)); !errors.As(err, &crash) {
			t.Fatal(err)
		}
	}
	eventually(t, "the plugin has failed", func() bool { return status(t, h, "p").State == plugin.Failed })
	s := status(t, h, "p")
	const want = `10 crashes within 1m0s, not started again: correct the plugin, then remove and add it, or restart the host; last crash: the process ended with exit status 7; its last words: "giving up the ghost"`
	if s.LastError != want || s.PID != 0 {
		t.Errorf("got  %+v\nwant %s", s, want)
	}
	if n := len(h.Capabilities()); n != 0 {
		t.Errorf("a failed plugin serves %d capabilities", n)
	}
	_, err := h.Call(t.Context(), "test.hello", nil)
	var unavailable *plugin.UnavailableError
	if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), "plugin p: failed: 10 crashes within 1m0s") {
		t.Errorf("call: %v", err)
	}
	// The way out that the error names.
	if err := h.Remove(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
	add(t, h, describe("p", ""))
	call(t, h, "test.hello", `{}`)
}

// A process that answers no health check is replaced.
func TestHealth(t *testing.T) {
	t.Run("sick", func(t *testing.T) {
		h := newHost(t, plugin.Options{}.Hasten())
		add(t, h, describe("p", "sick"))
		first := status(t, h, "p").PID
		eventually(t, "the sick process is replaced", func() bool {
			s := status(t, h, "p")
			return s.Restarts > 0 && s.PID != first && s.PID != 0
		})
		if s := status(t, h, "p"); !strings.Contains(s.LastError, "killed after 3 failed health checks") || !strings.Contains(s.LastError, "not well") {
			t.Errorf("last error %q", s.LastError)
		}
	})
	t.Run("stopped", func(t *testing.T) {
		h := newHost(t, plugin.Options{}.Hasten())
		add(t, h, describe("p", ""))
		first := status(t, h, "p").PID
		if err := syscall.Kill(first, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the stopped process is replaced", func() bool {
			s := status(t, h, "p")
			return s.Restarts == 1 && s.PID != first && s.State == plugin.Ready
		})
		if out, _ := call(t, h, "test.hello", `{"name":"x"}`); out["text"] != "Hello, x" {
			t.Errorf("%v", out)
		}
	})
}

// A call whose deadline comes before the restart says what it waited for.
func TestCallWaitsForRestart(t *testing.T) {
	h := newHost(t, plugin.Options{}.NeverCheckHealth())
	marker := filepath.Join(t.TempDir(), "marker")
	d := describe("p", "fail-second")
	d.Config = json.RawMessage(`{"marker":` + strconv.Quote(marker) + `}`)
	add(t, h, d)
	if err := syscall.Kill(status(t, h, "p").PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a restart has failed", func() bool { return strings.Contains(status(t, h, "p").LastError, "the vault is sealed") })
	if n := len(h.Capabilities()); n != 0 {
		t.Errorf("a plugin that restarts serves %d capabilities", n)
	}
	_, err := h.Call(timeout(t, 100*time.Millisecond), "test.hello", nil)
	var unavailable *plugin.UnavailableError
	if !errors.As(err, &unavailable) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "the vault is sealed") {
		t.Errorf("call: %v", err)
	}
	if err := os.Remove(marker); err != nil {
		t.Fatal(err)
	}
	if _, by := call(t, h, "test.hello", `{}`); by.Name != "p" {
		t.Errorf("served by %s", by)
	}
}
