package plugin_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/roster-go/roster/plugin"
)

// alive reports whether a process exists and is not a zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return syscall.Kill(pid, 0) == nil && runtime.GOOS != "linux"
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

// children lists the processes whose parent is pid.
func children(pid int) []int {
	var found []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			found = append(found, child)
		}
	}
	return found
}

func TestCloseLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	var pids []int
	var sockets string
	func() {
		h, err := plugin.NewHost(plugin.Options{}.Hasten())
		if err != nil {
			t.Fatal(err)
		}
		sockets = h.SocketDir()
		for i := range 3 {
			add(t, h, describe(fmt.Sprintf("p%d", i), ""))
			call(t, h, "test.hello", `{}`)
		}
		// One is killed and restarted on the way, one fails to start.
		if err := syscall.Kill(status(t, h, "p1").PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "restarted", func() bool { return status(t, h, "p1").Restarts == 1 })
		d := describe("bad", "")
		d.Command = []string{"/bin/true"}
		if h.Add(t.Context(), d) == nil {
			t.Error("/bin/true was added")
		}
		entries, err := os.ReadDir(sockets)
		if err != nil || len(entries) != 3+3+1 {
			t.Errorf("%d entries in the host's folder, want a folder and a word about its process for each plugin, and the host's lock: %v", len(entries), err)
		}
		if info, err := os.Stat(sockets); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("socket directory: %v, %v", info.Mode(), err)
		}
		for _, s := range h.Plugins() {
			pids = append(pids, s.PID)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}()
	for _, pid := range pids {
		if alive(pid) {
			t.Errorf("process %d is left", pid)
		}
	}
	if _, err := os.Stat(sockets); !os.IsNotExist(err) {
		t.Errorf("%s is left", sockets)
	}
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
}

// Close takes no longer than the stop grace, SIGTERM's share and a second, be
// the plugin stopped by a signal or its grandchild in possession of its pipes.
func TestCloseIsBounded(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, pid int) (also []int){
		"stopped by a signal": func(t *testing.T, pid int) []int {
			t.Helper()
			if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			return nil
		},
		"a grandchild holds stderr": func(t *testing.T, pid int) []int {
			t.Helper()
			grandchildren := children(pid)
			if len(grandchildren) == 0 {
				t.Fatal("the plugin has no child")
			}
			return grandchildren
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, plugin.Options{StopGrace: 300 * time.Millisecond}.NeverCheckHealth())
			add(t, h, describe("p", "orphan"))
			pid := status(t, h, "p").PID
			pids := append(prepare(t, pid), pid)
			start := time.Now()
			if err := h.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("took %s", took)
			}
			for _, pid := range pids {
				eventually(t, fmt.Sprintf("process %d is gone", pid), func() bool { return !alive(pid) })
			}
		})
	}
}

// Remove lets calls finish; with no time left it ends them all the same.
func TestRemoveDrains(t *testing.T) {
	h := newHost(t, plugin.Options{StopGrace: 5 * time.Second})
	add(t, h, describe("p", ""))
	sleep := func(ms int) chan error {
		done := make(chan error, 1)
		started := make(chan struct{})
		go func() {
			close(started)
			_, err := h.Call(t.Context(), "test.sleep", json.RawMessage(fmt.Sprintf(`{"ms":%d}`, ms)))
			done <- err
		}()
		<-started
		time.Sleep(50 * time.Millisecond) // lets the call get on its way; too little would only make the test weaker
		return done
	}
	done := sleep(400)
	if err := h.Remove(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("the call was cut off: %v", err)
	}

	h = newHost(t, plugin.Options{StopGrace: 100 * time.Millisecond})
	add(t, h, describe("p", ""))
	done = sleep(60_000)
	start := time.Now()
	if err := h.Remove(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil || time.Since(start) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
}

// Close with an expired context kills, and says that it could not wait.
func TestCloseInAHurry(t *testing.T) {
	h := newHost(t, plugin.Options{StopGrace: time.Minute}.NeverCheckHealth())
	add(t, h, describe("p", ""))
	pid := status(t, h, "p").PID
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	err := h.Close(timeout(t, 100*time.Millisecond))
	if err == nil || !strings.Contains(err.Error(), "stop of plugin p: context deadline exceeded") {
		t.Errorf("%v", err)
	}
	if took := time.Since(start); took > 5*time.Second || alive(pid) {
		t.Errorf("took %s, process alive %t", took, alive(pid))
	}
}

// Add that is called off leaves nothing.
func TestAddIsCalledOff(t *testing.T) {
	h := newHost(t, plugin.Options{})
	start := time.Now()
	err := h.Add(timeout(t, 300*time.Millisecond), describe("p", "hang-init"))
	if err == nil || time.Since(start) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
	if n := len(h.Plugins()); n != 0 {
		t.Errorf("%d plugins are left", n)
	}
}

// When the host is killed its plugins end with it: by the parent-death signal,
// and without that, as a process that a script has started, by the end of their
// standard input.
func TestHostIsKilled(t *testing.T) {
	t.Run("plugin", func(t *testing.T) {
		hostIsKilled(t, testPlugin, func(pid int) []int { return []int{pid} })
	})
	t.Run("script", func(t *testing.T) {
		script := write(t, 0o755, "#!/bin/sh\n"+testPlugin+" \"$@\"\nexit $?\n", t.TempDir(), "run.sh")
		hostIsKilled(t, script, func(pid int) []int { return append(children(pid), pid) })
	})
}

func hostIsKilled(t *testing.T, command string, family func(pid int) []int) {
	t.Helper()
	helper := exec.Command(os.Args[0])
	helper.Env = append(os.Environ(), "ROSTER_TEST_HELPER=host", "ROSTER_TEST_PLUGIN="+command)
	helper.Stderr = os.Stderr
	out, err := helper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := helper.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = helper.Process.Kill(); _ = helper.Wait() }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	dir, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	pid, err := strconv.Atoi(rest)
	if err != nil || !alive(pid) {
		t.Fatalf("helper said %q", line)
	}
	pids := family(pid)
	if err := helper.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		eventually(t, fmt.Sprintf("process %d of %v is gone", pid, pids), func() bool { return !alive(pid) })
	}
	// A plugin is told of the end of its host before the last files of the host are closed, and
	// with them its lock.
	if err := helper.Wait(); err == nil {
		t.Error("the host was not killed")
	}
	// The next host clears away what is left, but nothing of one that lives.
	living, next := newHost(t, plugin.Options{}), newHost(t, plugin.Options{})
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", dir, err)
	}
	for _, h := range []*plugin.Host{living, next} {
		if _, err := os.Stat(h.SocketDir()); err != nil {
			t.Error(err)
		}
	}
	if command != testPlugin && len(pids) != 2 {
		t.Errorf("processes %v, want the script and the plugin", pids)
	}
}

// helperHost is the main function of the process that TestHostIsKilled kills.
func helperHost() {
	testPlugin = os.Getenv("ROSTER_TEST_PLUGIN")
	h, err := plugin.NewHost(plugin.Options{})
	if err == nil {
		err = h.Add(context.Background(), describe("p", ""))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(h.SocketDir(), h.Plugins()[0].PID)
	select {}
}
