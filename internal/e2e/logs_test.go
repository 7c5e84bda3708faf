package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/e2e/clustertest"
)

// lines are those of a daemon's log, in JSON, with a message.
func (d *daemon) lines(t *testing.T, message string) []map[string]any {
	t.Helper()
	var list []map[string]any
	for line := range strings.Lines(d.log.String()) {
		if !strings.HasSuffix(line, "\n") {
			break // it is being written
		}
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		if fields["msg"] == message {
			list = append(list, fields)
		}
	}
	return list
}

// loads are the lines runtime_loaded_handlers as "name version source".
func (d *daemon) loads(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, line := range d.lines(t, "runtime_loaded_handlers") {
		list = append(list, fmt.Sprint(line["handler_name"], " ", line["handler_version"] != "", " ", line["source"]))
	}
	return list
}

// A daemon logs a line for each load, and once the names in every registry, sorted.
func TestLoadsAndNamesAreLogged(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, "--log-format", "json", "--plugins", buildPrograms(t).plugins)
	// It is ready when all is written, and what it wrote arrives in its own time.
	eventually(t, time.Minute, "the last registry is logged", func() bool {
		return slices.ContainsFunc(d.lines(t, "registry"), func(line map[string]any) bool { return line["registry_name"] == "services" })
	})
	loads := d.loads(t)
	slices.Sort(loads)
	want := []string{
		"builtin true plugin process", "markdown true plugin process", "process.describe true linked-in", "thumbnail true plugin process",
	}
	if !slices.Equal(loads, want) {
		t.Errorf("loads are\n%q\nwant\n%q", loads, want)
	}

	registries := make(map[string]bool)
	var order []string
	for _, line := range d.lines(t, "registry") {
		name := fmt.Sprint(line["registry_name"])
		if registries[name] {
			t.Errorf("%s is logged twice", name)
		}
		registries[name] = true
		order = append(order, name)
		var names []string
		for _, n := range line["names"].([]any) {
			names = append(names, fmt.Sprint(n))
		}
		if !slices.IsSorted(names) || line["size"] != float64(len(names)) {
			t.Errorf("%s: %v of size %v", name, names, line["size"])
		}
		if name == "capabilities" && !slices.Equal(names, []string{"image.thumbnail", "markdown.render", "process.describe", "roster.examples.image.v1.ThumbnailService", "text.stats"}) {
			t.Errorf("capabilities are %q", names)
		}
	}
	if !slices.IsSorted(order) || !registries["plugins"] || !registries["linked"] || !registries["config.plugins"] {
		t.Errorf("registries are %q", order)
	}

	if err := syscall.Kill(d.pidOf(t, "markdown"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "the restart is a load", func() bool {
		loads := d.loads(t)
		return len(loads) == 5 && loads[4] == "markdown true plugin process"
	})
	if n := len(d.lines(t, "registry")); n != len(order) {
		t.Errorf("names are logged again, there are %d lines instead of %d", n, len(order))
	}
}

// buildGreeter makes a folder of plugins with the example that has a secret, and with a config.
func buildGreeter(t *testing.T, config string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "greeter")
	if err := os.Mkdir(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "greeter"), "./examples/greeter")
	build.Dir = docsRoot(t)
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	descriptor := "name: greeter\nversion: 1.0.0\napi_version: v1\ncommand: ./greeter\ncapabilities: [greet.hello]\nconfig: " + config + "\n"
	if err := os.WriteFile(filepath.Join(dir, "plugin.yaml"), []byte(descriptor), 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(dir)
}

// No secret is in the log at its most talkative, nor in an answer, whatever goes wrong: not the
// password for etcd, nor what a plugin's config has in clear, in a file or in the environment.
func TestSecretsAreNeverLogged(t *testing.T) {
	secrets := map[string]string{
		"the password for etcd": "s3cret-of-etcd", "in clear": "s3cret-in-clear", "in a file": "s3cret-in-a-file",
		"in the environment": "s3cret-in-the-environment", "in the wrong place": "s3cret-in-the-wrong-place",
	}
	t.Setenv("ROSTER_TEST_TOKEN", secrets["in the environment"])
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	token := write("token", secrets["in a file"])
	password := write("password", secrets["the password for etcd"]+"\n")

	c := clustertest.Start(t, 1, clustertest.Fast())
	admin := c.Client(t)
	for _, do := range []func() error{
		func() error {
			_, err := admin.UserAdd(t.Context(), "root", secrets["the password for etcd"])
			return err
		},
		func() error { _, err := admin.UserGrantRole(t.Context(), "root", "root"); return err },
		func() error { _, err := admin.AuthEnable(t.Context()); return err },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}

	config := func(greeter string) { write("roster.yaml", "config: {plugins: {greeter: "+greeter+"}}\n") }
	config("{greeting: Salut}")
	args := []string{"--log-level", "debug", "--config", filepath.Join(dir, "roster.yaml"), "--etcd", c.Endpoint(0), "--etcd-user", "root", "--etcd-password-file", password}
	d := startDaemon(t, append(args, "--plugins", buildGreeter(t, "{greeting: Hello, token: "+secrets["in clear"]+"}"))...)
	var answers strings.Builder
	ask := func() {
		for _, path := range []string{"/v1/plugins/greeter", "/v1/plugins", "/debug/registry/config.plugins", "/debug/registry/plugins", "/metrics", "/readyz", "/v1/etcd"} {
			_, body := d.get(t, path)
			answers.WriteString(body)
		}
		_, _, message, err := d.call(t.Context(), "greet.hello", `{"name": 1}`)
		answers.WriteString(message + fmt.Sprint(err))
	}
	logged := func(part string) func() bool { return func() bool { return strings.Contains(d.log.String(), part) } }
	eventually(t, time.Minute, "the plugin logs its config", logged("greeting=Salut"))
	ask()
	for i, step := range []struct{ config, logs string }{
		{"{greeting: One, token: 'file:" + token + "'}", "greeting=One"},
		{"{greeting: Two, token: 'env:ROSTER_TEST_TOKEN'}", "greeting=Two"},
		{"{greeting: Three, tokn: " + secrets["in the wrong place"] + "}", "tokn"},
		{"{greeting: {a: " + secrets["in the wrong place"] + "}}", `field \"greeting\"`},
		{"{greeting: Four, token: 'file:" + token + "-not-there'}", "token-not-there"},
		{secrets["in the wrong place"], "config"},
		{"{greeting: Five, token: " + secrets["in the wrong place"], "config"}, // not YAML
		{"{greeting: Six, token: 'file:" + token + "'}", "greeting=Six"},
	} {
		before := len(d.log.String())
		config(step.config)
		if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, time.Minute, fmt.Sprintf("step %d is logged with %s", i, step.logs), func() bool {
			return strings.Contains(d.log.String()[before:], step.logs)
		})
		ask()
	}
	c.Kill(0) // requests fail, and the user is authenticated anew
	eventually(t, time.Minute, "the view is stale", func() bool { _, body := d.get(t, "/readyz"); return strings.Contains(body, "degraded") })
	c.Restart(0)
	eventually(t, time.Minute, "the view is not stale", func() bool {
		status, body := d.get(t, "/readyz")
		return status == http.StatusOK && !strings.Contains(body, "degraded")
	})
	if err := syscall.Kill(d.pidOf(t, "greeter"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "the plugin is back", func() bool { return strings.Count(d.log.String(), "handler_name=greeter") > 1 })
	ask()
	d.stop(t)

	// A password that is wrong does not end up in the error either.
	write("password", secrets["in the wrong place"])
	refused := exec.CommandContext(t.Context(), d.program, append([]string{"up", "--listen", "127.0.0.1:0", "--data", t.TempDir()}, args...)...)
	text, err := refused.CombinedOutput()
	if err == nil {
		t.Error("a wrong password was accepted")
	}
	for where, said := range map[string]string{"the log": d.log.String(), "an answer": answers.String(), "the error": string(text)} {
		for which, secret := range secrets {
			if i := strings.Index(said, secret); i >= 0 {
				t.Errorf("the secret %s is in %s: …%s…", which, where, said[max(0, i-300):min(len(said), i+100)])
			}
		}
	}
}
