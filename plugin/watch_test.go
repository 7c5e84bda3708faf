package plugin_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roster-go/roster/plugin"
)

// drop puts a descriptor into a folder, at once as a whole.
func drop(t *testing.T, dir, folder, text string) {
	t.Helper()
	path := filepath.Join(dir, folder)
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	next := filepath.Join(path, "next")
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(path, plugin.DescriptorFile)); err != nil {
		t.Fatal(err)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	dir, log := t.TempDir(), &testWriter{t: t}
	h := newHost(t, plugin.Options{Logger: newLog(log)}.Hasten())
	descriptor := func(name, greeting string) string {
		return fmt.Sprintf("name: %s\napi_version: v1\ncommand: [%s, ok]\ncapabilities: [test.hello]\nconfig: {greeting: %s}\n", name, testPlugin, greeting)
	}
	drop(t, dir, "one", descriptor("one", "Hello"))
	if err := h.LoadDir(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	before := status(t, h, "one").PID
	ctx, stop := context.WithCancel(t.Context())
	watching := make(chan error, 1)
	go func() { watching <- h.Watch(ctx, dir) }()

	has := func(names ...string) func() bool {
		return func() bool {
			var list []string
			for _, s := range h.Plugins() {
				if s.State == plugin.Ready {
					list = append(list, s.Name)
				}
			}
			return strings.Join(list, " ") == strings.Join(names, " ")
		}
	}
	drop(t, dir, "two", descriptor("two", "Hallo"))
	eventually(t, "a second plugin", has("one", "two"))
	if status(t, h, "one").PID != before {
		t.Error("the first one was started again")
	}

	drop(t, dir, "one", descriptor("one", "Salut"))
	eventually(t, "the first one is replaced", func() bool { return status(t, h, "one").PID != before })
	changed := status(t, h, "one").PID

	// What cannot be used changes nothing, and is tried again when it may have been mended.
	drop(t, dir, "one", "name: one\ncomand: x\n")
	eventually(t, "the error", func() bool { return strings.Contains(log.String(), `unknown field \"comand\"`) })
	drop(t, dir, "three", strings.Replace(descriptor("three", "Hi"), testPlugin, "./later", 1))
	eventually(t, "the error", func() bool { return strings.Contains(log.String(), "three/later: no such file") })
	if !has("one", "two")() || status(t, h, "one").PID != changed {
		t.Errorf("%+v", h.Plugins())
	}
	copyOf(t, testPlugin, filepath.Join(dir, "three", "partial"))
	if err := os.Rename(filepath.Join(dir, "three", "partial"), filepath.Join(dir, "three", "later")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its program has come", has("one", "three", "two"))

	// Another name is another plugin; a folder that goes takes its plugin along.
	drop(t, dir, "two", descriptor("deux", "Bonjour"))
	eventually(t, "the new name", has("deux", "one", "three"))
	if err := os.RemoveAll(filepath.Join(dir, "three")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "one", plugin.DescriptorFile)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "two are gone", has("deux"))
	stop()
	if err := <-watching; err != nil {
		t.Error(err)
	}
	if err := h.Watch(t.Context(), filepath.Join(dir, "nowhere")); err == nil || !strings.Contains(err.Error(), "create it or name another") {
		t.Errorf("%v", err)
	}
}

// TestWatchTriesAgain: a plugin that did not start, for a reason that lies elsewhere, starts later without a
// change of its folder.
func TestWatchTriesAgain(t *testing.T) {
	t.Parallel()
	dir, log := t.TempDir(), &testWriter{t: t}
	h := newHost(t, plugin.Options{Logger: newLog(log)}.Hasten())
	gate := filepath.Join(t.TempDir(), "gate")
	drop(t, dir, "one", fmt.Sprintf("name: one\napi_version: v1\ncommand: [/bin/sh, -c, 'test -e %s && exec %s ok']\ncapabilities: [test.hello]\nconfig: {greeting: Hello}\n", gate, testPlugin))
	ctx, stop := context.WithCancel(t.Context())
	watching := make(chan error, 1)
	go func() { watching <- h.Watch(ctx, dir) }()
	eventually(t, "the error", func() bool { return strings.Contains(log.String(), "is not taken") })
	if len(h.Plugins()) > 0 {
		t.Errorf("%+v", h.Plugins())
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is tried again", func() bool {
		all := h.Plugins()
		return len(all) == 1 && all[0].State == plugin.Ready
	})
	stop()
	if err := <-watching; err != nil {
		t.Error(err)
	}
}
