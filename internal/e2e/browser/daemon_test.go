package browser_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/roster-go/roster/internal/e2e/clustertest"
)

// limit bounds what a test waits for, on a busy machine and with the race detector.
const limit = 2 * time.Minute

var built struct {
	once   sync.Once
	dir    string
	roster string
	err    error
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

// buildPrograms builds the daemon and a plugin, and returns the daemon and a folder of plugins:
// two that share a capability, nine to one, and one that asks for more than most machines
// enforce.
func buildPrograms(t *testing.T) (roster, plugins string) {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "roster-browser-"); built.err != nil { //nolint:usetesting // it outlives the first test that asks
			return
		}
		built.roster = filepath.Join(built.dir, "roster")
		plugin := filepath.Join(built.dir, "markdown")
		for output, pkg := range map[string]string{built.roster: "./cmd/roster", plugin: "./examples/markdown"} {
			cmd := exec.Command("go", append(append([]string{"build"}, buildFlags...), "-o", output, pkg)...)
			cmd.Dir = "../../.."
			if text, err := cmd.CombinedOutput(); err != nil {
				built.err = errors.Join(built.err, fmt.Errorf("go build %s: %w\n%s", pkg, err, text))
			}
		}
		const descriptor = "name: %s\nversion: 1.0.0\napi_version: v1\ncommand: ../../markdown\ncapabilities:\n  - {name: markdown.render, idempotent: true, weight: %d}\n%s"
		for _, p := range []struct {
			name   string
			weight int
			more   string
		}{{"markdown", 9, ""}, {"markdown-next", 1, "sandbox: {memory: 256MiB, network: none}\n"}} {
			dir := filepath.Join(built.dir, "plugins", p.name)
			built.err = errors.Join(built.err, os.MkdirAll(dir, 0o755),
				os.WriteFile(filepath.Join(dir, "plugin.yaml"), fmt.Appendf(nil, descriptor, p.name, p.weight, p.more), 0o600))
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.roster, filepath.Join(built.dir, "plugins")
}

// A daemon is a running "roster up", which can be started again on the same address.
type daemon struct {
	url    string
	args   []string
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process is gone
	log    *logBuffer
}

// startDaemon runs a daemon on a free port until the test ends.
func startDaemon(t *testing.T, args ...string) *daemon {
	t.Helper()
	_, plugins := buildPrograms(t)
	d := &daemon{args: append([]string{"--listen", freePort(t, "127.0.0.1"), "--data", t.TempDir(), "--plugins", plugins}, args...)}
	d.start(t)
	t.Cleanup(func() {
		d.stop(t)
		if t.Failed() {
			t.Logf("log of the daemon at %s:\n%s", d.url, d.log)
		}
	})
	return d
}

func (d *daemon) start(t *testing.T) {
	t.Helper()
	roster, _ := buildPrograms(t)
	d.cmd, d.log, d.exited = exec.Command(roster, append([]string{"up"}, d.args...)...), new(logBuffer), make(chan struct{})
	d.cmd.Stderr = d.log
	stdout, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first := make(chan string, 1)
	cmd, exited := d.cmd, d.exited
	go func() {
		lines := bufio.NewReader(stdout)
		line, _ := lines.ReadString('\n')
		first <- line
		_, _ = io.Copy(io.Discard, lines)
		_ = cmd.Wait()
		close(exited)
	}()
	select {
	case line := <-first:
		url, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
		if !ok {
			t.Fatalf("the daemon said %q instead of ready; its log:\n%s", line, d.log)
		}
		d.url = url
	case <-time.After(limit):
		t.Fatalf("not ready within %v; its log:\n%s", limit, d.log)
	}
}

func (d *daemon) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := d.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// stop asks the daemon to stop, and waits until it is gone.
func (d *daemon) stop(t *testing.T) {
	t.Helper()
	_ = d.cmd.Process.Signal(syscall.SIGCONT) // a test may have stopped it, or it may be gone
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	d.gone(t)
}

func (d *daemon) gone(t *testing.T) {
	t.Helper()
	select {
	case <-d.exited:
	case <-time.After(limit):
		t.Errorf("the daemon was not gone %v after it was told to; its log:\n%s", limit, d.log)
		_ = d.cmd.Process.Kill()
		<-d.exited
	}
}

// call runs a capability with some input, and returns the status and the body of the answer.
func (d *daemon) call(t *testing.T, capability, input string) (status int, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url+"/v1/call/"+capability, strings.NewReader(input))
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

// roster runs a command against the daemon.
func (d *daemon) roster(t *testing.T, args ...string) string {
	t.Helper()
	roster, _ := buildPrograms(t)
	cmd := exec.CommandContext(t.Context(), roster, args...)
	cmd.Env = append(os.Environ(), "ROSTER_ADDRESS="+d.url)
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("roster %s: %v\n%s", strings.Join(args, " "), err, text)
	}
	return string(text)
}

// startRegions runs a daemon for each region. They reach each other, for records through the
// links that are returned, by the region that dials.
func startRegions(t *testing.T, names ...string) (map[string]*daemon, map[string]*clustertest.Link) {
	t.Helper()
	control, replication := make(map[string]string), make(map[string]string)
	for i, name := range names {
		host := fmt.Sprintf("127.0.%d.1", 101+i)
		control[name], replication[name] = freePort(t, host), freePort(t, host)
	}
	daemons, links := make(map[string]*daemon), make(map[string]*clustertest.Link)
	for _, name := range names {
		others := make(map[string]any)
		for _, other := range names {
			if other == name {
				continue
			}
			links[name+" "+other] = clustertest.NewLink(t, replication[other])
			others[other] = map[string]any{"control": []string{control[other]}, "replication": []string{links[name+" "+other].Address()}}
		}
		text, err := yaml.Marshal(map[string]any{
			"region": name, "zone": name + "-a", "host": name + "-1",
			"regions": map[string]any{"control": control[name], "replication": replication[name], "others": others},
		})
		if err != nil {
			t.Fatal(err)
		}
		config := filepath.Join(t.TempDir(), name+".yaml")
		if err := os.WriteFile(config, text, 0o600); err != nil {
			t.Fatal(err)
		}
		daemons[name] = startDaemon(t, "--config", config)
	}
	return daemons, links
}

// freePort is an address whose port nobody listens on at the moment.
func freePort(t *testing.T, host string) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// eventually fails the test unless holds returns true in time.
func eventually(t *testing.T, expected string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
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
