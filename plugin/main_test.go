package plugin_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/plugin"
)

// testPlugin is the path of the built internal/testplugin.
var testPlugin string

func TestMain(m *testing.M) {
	if os.Getenv("ROSTER_TEST_HELPER") == "host" {
		helperHost()
		return
	}
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "testplugin")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		testPlugin = filepath.Join(dir, "testplugin")
		if out, err := exec.Command("go", "build", "-o", testPlugin, "./internal/testplugin").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the test plugin: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// allFunctions are the JSON functions of the test plugin.
var allFunctions = []plugin.Capability{
	{Name: "test.hello"}, {Name: "test.sleep"}, {Name: "test.panic"}, {Name: "test.exit"},
	{Name: "test.unavailable"}, {Name: "test.env"}, {Name: "test.print"},
}

// describe returns a descriptor of the test plugin that behaves in a mode.
func describe(name, mode string, capabilities ...plugin.Capability) plugin.Descriptor {
	if capabilities == nil {
		capabilities = allFunctions
	}
	return plugin.Descriptor{
		Name: name, APIVersion: "v1", Command: []string{testPlugin, mode},
		Capabilities: capabilities, Source: name + "/plugin.yaml",
	}
}

// newHost starts a host that is closed, and checked for leftovers, at the end
// of the test.
func newHost(t *testing.T, o plugin.Options) *plugin.Host {
	t.Helper()
	if o.Directory == nil {
		o.Directory = roster.NewDirectory()
	}
	if o.Host == "" {
		o.Host = "host-a"
	}
	if o.Logger == nil {
		o.Logger = newLog(&testWriter{t: t})
	}
	h, err := plugin.NewHost(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		if _, err := os.Stat(h.SocketDir()); !os.IsNotExist(err) {
			t.Errorf("the socket directory %s is left: %v", h.SocketDir(), err)
		}
	})
	return h
}

func newLog(w *testWriter) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, nil))
}

// testWriter keeps a log for the test to look at.
type testWriter struct {
	mu   sync.Mutex
	t    *testing.T
	text strings.Builder
}

func (w *testWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(b)
	return len(b), nil
}

func (w *testWriter) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// add adds a plugin or ends the test.
func add(t *testing.T, h *plugin.Host, d plugin.Descriptor) {
	t.Helper()
	if err := h.Add(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// call calls a JSON function and decodes its output into a map.
func call(t *testing.T, h *plugin.Host, capability, input string) (map[string]string, plugin.Provider) {
	t.Helper()
	answer, err := h.Call(t.Context(), capability, json.RawMessage(input))
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]string
	if err := json.Unmarshal(answer.Output, &out); err != nil {
		t.Fatalf("%s: %v", answer.Output, err)
	}
	return out, answer.ServedBy
}

// status returns the status of the one plugin of a name.
func status(t *testing.T, h *plugin.Host, name string) plugin.Status {
	t.Helper()
	for _, s := range h.Plugins() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no plugin %q", name)
	return plugin.Status{}
}

// eventually waits for a condition, at most 15 seconds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("still not: %s\n%s", what, buf[:runtime.Stack(buf, true)])
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func checksum(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// copyOf copies a program.
func copyOf(t *testing.T, from, to string) string {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return to
}
