package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startLimit bounds how long a daemon may take to be ready, on a busy machine and with
// the race detector.
const startLimit = time.Minute

// programs are built once for all tests.
type programs struct {
	roster  string
	plugins string // a folder for --plugins with the example plugins
}

var built struct {
	once sync.Once
	dir  string
	programs
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		if err := os.RemoveAll(built.dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	os.Exit(code)
}

// buildPrograms builds the daemon and the example plugins.
func buildPrograms(t *testing.T) programs {
	t.Helper()
	built.once.Do(func() {
		root := docsRoot(t)
		built.dir, built.err = os.MkdirTemp("", "roster-e2e-") //nolint:usetesting // it outlives the first test that asks
		if built.err != nil {
			return
		}
		built.roster = filepath.Join(built.dir, "roster")
		built.plugins = filepath.Join(built.dir, "plugins")
		outputs := map[string]string{built.roster: "./cmd/roster"}
		for _, name := range []string{"markdown", "thumbnail"} {
			dir := filepath.Join(built.plugins, name)
			descriptor, err := os.ReadFile(filepath.Join(root, "examples", name, "plugin.yaml"))
			built.err = errors.Join(built.err, err, os.MkdirAll(dir, 0o755),
				os.WriteFile(filepath.Join(dir, "plugin.yaml"), descriptor, 0o600))
			outputs[filepath.Join(dir, name)] = "./examples/" + name
		}
		for output, pkg := range outputs {
			args := append(append([]string{"build"}, buildFlags...), "-o", output, pkg)
			cmd := exec.Command("go", args...)
			cmd.Dir = root
			if text, err := cmd.CombinedOutput(); err != nil {
				built.err = errors.Join(built.err, fmt.Errorf("go build %s: %w\n%s", pkg, err, text))
			}
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.programs
}

// A daemon is a running "roster up".
type daemon struct {
	url  string
	pid  int
	etcd string // endpoint of its embedded etcd, if it has one

	program string
	cmd     *exec.Cmd
	log     *logBuffer
	exited  chan struct{} // closed when the process is gone
}

var embeddedEndpoint = regexp.MustCompile(`embedded etcd is ready.* endpoint=(\S+)`)

// startDaemon runs "roster up" on a free port and waits until it is ready. It is stopped at
// the end of the test, and its log shown if the test failed.
func startDaemon(t *testing.T, args ...string) *daemon {
	t.Helper()
	p := buildPrograms(t)
	d := &daemon{program: p.roster, log: new(logBuffer), exited: make(chan struct{})}
	state := t.TempDir()
	d.cmd = exec.Command(p.roster, append([]string{"up", "--listen", "127.0.0.1:0"}, args...)...)
	d.cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+state)
	d.cmd.Stderr = d.log
	stdout, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d.pid = d.cmd.Process.Pid
	first := make(chan string, 1)
	go func() {
		lines := bufio.NewReader(stdout)
		line, _ := lines.ReadString('\n')
		first <- line
		_, _ = io.Copy(io.Discard, lines)
		_ = d.cmd.Wait()
		close(d.exited)
	}()
	t.Cleanup(func() {
		d.stop(t)
		if t.Failed() {
			t.Logf("log of daemon %d:\n%s", d.pid, d.log)
		}
	})
	select {
	case line := <-first:
		url, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
		if !ok {
			t.Fatalf("the daemon said %q instead of ready; its log:\n%s", line, d.log)
		}
		d.url = url
	case <-time.After(startLimit):
		t.Fatalf("not ready within %v; its log:\n%s", startLimit, d.log)
	}
	if m := embeddedEndpoint.FindStringSubmatch(d.log.String()); m != nil {
		d.etcd = m[1]
	}
	return d
}

// stop asks the daemon to stop and waits until it is gone.
func (d *daemon) stop(t *testing.T) {
	t.Helper()
	_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
	d.waitExit(t)
}

// kill ends the daemon without warning.
func (d *daemon) kill(t *testing.T) {
	t.Helper()
	if err := d.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	d.waitExit(t)
}

func (d *daemon) waitExit(t *testing.T) {
	t.Helper()
	const limit = 30 * time.Second
	select {
	case <-d.exited:
	case <-time.After(limit):
		t.Errorf("daemon %d was not gone %v after it was told to; its log:\n%s", d.pid, limit, d.log)
		_ = d.cmd.Process.Kill()
		<-d.exited
	}
}

// A commandResult is what a command line did.
type commandResult struct {
	stdout, stderr string
	code           int
}

// roster runs the program against the daemon.
func (d *daemon) roster(t *testing.T, args ...string) commandResult {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), d.program, args...)
	cmd.Env = append(os.Environ(), "ROSTER_ADDRESS="+d.url)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return commandResult{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// call runs a capability over HTTP. The code is empty for success.
func (d *daemon) call(ctx context.Context, capability, input string) (output map[string]any, code, message string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url+"/v1/call/"+capability, strings.NewReader(input))
	if err != nil {
		return nil, "", "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, "", "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, "", "", err
	}
	if res.StatusCode != http.StatusOK {
		var answer struct {
			Error struct{ Code, Message string }
		}
		if err := json.Unmarshal(body, &answer); err != nil || answer.Error.Code == "" {
			return nil, "", "", fmt.Errorf("status %d with the body %q", res.StatusCode, body)
		}
		return nil, answer.Error.Code, answer.Error.Message, nil
	}
	err = json.Unmarshal(body, &output)
	return output, "", "", err
}

// get reads a path of the daemon.
func (d *daemon) get(t *testing.T, path string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// eventually fails the test unless holds returns true within limit.
func eventually(t *testing.T, limit time.Duration, expected string, holds func() bool) {
	t.Helper()
	const pause = 20 * time.Millisecond
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(pause) {
		if holds() {
			return
		}
	}
	t.Fatalf("not within %v: %s", limit, expected)
}

// A logBuffer collects a process's log.
type logBuffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
