//go:build linux

package plugin_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/plugin"
)

// Two hundred times the process is killed at a moment of its own, while callers call:
// every call ends in a result or in a typed error, none runs twice, and nothing is left.
func TestTwoHundredKills(t *testing.T) {
	const kills, callers = 200, 8
	ledger := filepath.Join(t.TempDir(), "ledger")
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	h, err := plugin.NewHost(plugin.Options{Directory: roster.NewDirectory()}.Tireless())
	if err != nil {
		t.Fatal(err)
	}
	add(t, h, describe("p", "", plugin.Capability{Name: "test.write"}))

	var made, ok, lost, notStarted atomic.Int64
	stop := make(chan struct{})
	var calling sync.WaitGroup
	for range callers {
		calling.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				id := made.Add(1)
				input, _ := json.Marshal(map[string]string{"name": ledger + " " + strconv.FormatInt(id, 10)})
				_, err := h.Call(t.Context(), "test.write", input)
				var crash *plugin.CrashedError
				var away *plugin.UnavailableError
				switch {
				case err == nil:
					ok.Add(1)
				case errors.As(err, &crash):
					lost.Add(1)
				case errors.As(err, &away):
					notStarted.Add(1)
				default:
					t.Errorf("%T %v", err, err)
				}
			}
		})
	}
	killed := 0
	for deadline := time.Now().Add(2 * time.Minute); killed < kills && time.Now().Before(deadline); {
		time.Sleep(rand.N(10 * time.Millisecond)) // the moment is what the test is about
		for _, pid := range children(os.Getpid()) {
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				killed++
			}
		}
	}
	eventually(t, "it is back", func() bool { return status(t, h, "p").State == plugin.Ready })
	close(stop)
	calling.Wait()
	restarts := status(t, h, "p").Restarts
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := h.Close(ctx); err != nil {
		t.Fatal(err)
	}

	t.Logf("%d kills, %d restarts, %d calls: %d results, %d lost with the process, %d not started",
		killed, restarts, made.Load(), ok.Load(), lost.Load(), notStarted.Load())
	if killed < kills || restarts < kills/4 || ok.Load() == 0 || lost.Load() == 0 {
		t.Error("too little happened")
	}
	if sum := ok.Load() + lost.Load() + notStarted.Load(); sum != made.Load() {
		t.Errorf("%d calls were made, %d ended", made.Load(), sum)
	}
	runs := map[string]int{}
	file, err := os.Open(ledger)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		runs[strings.TrimSpace(lines.Text())]++
	}
	for id, times := range runs {
		if times != 1 {
			t.Errorf("call %s ran %d times", id, times)
		}
	}
	if n := int64(len(runs)); n < ok.Load() || n > ok.Load()+lost.Load() {
		t.Errorf("%d calls ran, %d have a result and %d were lost", n, ok.Load(), lost.Load())
	}

	if left := children(os.Getpid()); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	if _, err := os.Stat(h.SocketDir()); !os.IsNotExist(err) {
		t.Errorf("%s is left", h.SocketDir())
	}
	_ = file.Close()
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines })
	if now := openFiles(t); now > files {
		t.Errorf("%d files are open, %d were before", now, files)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
