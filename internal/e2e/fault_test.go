package e2e_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// processLives reports whether a process exists and is not a zombie.
func processLives(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, afterName, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(afterName, "Z")
}

// pluginProcess asks the daemon for the process of its built-in plugin.
func pluginProcess(t *testing.T, d *daemon) int {
	t.Helper()
	out, code, message, err := d.call(t.Context(), "text.stats", `{"text": "a"}`)
	if err != nil || code != "" {
		t.Fatal(code, message, err)
	}
	pid, _ := out["pid"].(float64)
	return int(pid)
}

// killPlan says how much happens to the plugin, and how much more under make soak. Ten
// crashes in a minute are a crash loop, which ends in a plugin that is not started again.
func killPlan() (calls, kills int) {
	if os.Getenv("ROSTER_SOAK") != "" {
		return 50_000, 9
	}
	return 1_000, 3
}

// 1,000 calls by 16 callers while the plugin's process is killed three times: every call
// ends in a result or a typed error, in time, and the plugin is back each time.
func TestPluginKilledUnderLoad(t *testing.T) {
	t.Parallel()
	const callers = 16
	const deadline = 20 * time.Second
	calls, kills := killPlan()
	d := startDaemon(t)

	var results, unavailable, done atomic.Int64
	work := make(chan int)
	var wg sync.WaitGroup
	took := make([]time.Duration, calls) // each element is written by one caller
	for range callers {
		wg.Go(func() {
			for i := range work {
				begun := time.Now()
				ctx, cancel := context.WithTimeout(context.Background(), deadline)
				out, code, message, err := d.call(ctx, "text.stats", fmt.Sprintf(`{"text": "call %d"}`, i))
				cancel()
				took[i] = time.Since(begun)
				switch {
				case err != nil:
					t.Errorf("call %d: %v", i, err)
				case code == "unavailable":
					unavailable.Add(1)
					if strings.Contains(message, "\n") {
						t.Errorf("call %d: more than one line: %q", i, message)
					}
				case code != "":
					t.Errorf("call %d: code %s: %s", i, code, message)
				case out["words"] != 2.0:
					t.Errorf("call %d: answered %v", i, out)
				default:
					results.Add(1)
				}
				done.Add(1)
			}
		})
	}
	pids := []int{pluginProcess(t, d)}
	for i := range calls {
		work <- i
		if i%(calls/(kills+1)) == calls/(kills+1)-1 && len(pids) <= kills {
			if err := syscall.Kill(pids[len(pids)-1], syscall.SIGKILL); err != nil {
				t.Error(err)
			}
			pids = append(pids, pluginProcess(t, d))
		}
	}
	close(work)
	wg.Wait()
	t.Logf("%d calls: %d results, %d typed errors (unavailable); slowest %v; processes %v",
		done.Load(), results.Load(), unavailable.Load(), slices.Max(took).Round(time.Millisecond), pids)
	if results.Load()+unavailable.Load() != int64(calls) {
		t.Errorf("%d results and %d errors do not add up to %d calls", results.Load(), unavailable.Load(), calls)
	}
	for i := 1; i < len(pids); i++ {
		if pids[i] == pids[i-1] {
			t.Errorf("the process %d was killed and still answers", pids[i])
		}
	}
	r := d.roster(t, "ls", "plugins", "-o", "json")
	if !strings.Contains(r.stdout, fmt.Sprintf(`"restarts":%d`, kills)) {
		t.Errorf("the restarts are not counted: %s", r.stdout)
	}
}

// A host whose daemon is killed leaves no plugin behind.
func TestKilledDaemonTakesItsPluginsAlong(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	pid := pluginProcess(t, d)
	d.kill(t)
	eventually(t, 10*time.Second, "the plugin is gone with its host", func() bool { return !processLives(pid) })
}

// Data of a killed daemon's etcd serves the next one, and two at once are refused.
func TestDataDirectory(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	first := startDaemon(t, "--data", data)
	r := first.roster(t, "up", "--listen", "127.0.0.1:0", "--data", data)
	if r.code == 0 || !strings.Contains(r.stderr, data) || !strings.Contains(r.stderr, strconv.Itoa(first.pid)) {
		t.Errorf("a second daemon on one data directory: %+v", r)
	}
	first.kill(t)
	second := startDaemon(t, "--data", data)
	if pid := pluginProcess(t, second); pid == 0 {
		t.Error("the second daemon does not answer")
	}
}
