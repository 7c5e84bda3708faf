package plugin_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster/plugin"
)

// write writes a file below dir and returns its path.
func write(t *testing.T, mode os.FileMode, text string, path ...string) string {
	t.Helper()
	file := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return file
}

// Every way to fail to start is one line that says what, where and what to do,
// and leaves nothing behind.
func TestStartErrors(t *testing.T) {
	dir := t.TempDir()
	data := write(t, 0o644, "data", dir, "data.txt")
	program := write(t, 0o755, "\x7fELF broken", dir, "broken")
	write(t, 0o755, "#!/bin/sh\necho '1|1|tcp|127.0.0.1:1|grpc'\nexec sleep 60\n", dir, "tcp.sh")
	write(t, 0o755, "#!/bin/sh\necho '1|9|unix|/tmp/x|grpc'\nexec sleep 60\n", dir, "old.sh")
	sum := checksum(t, testPlugin)
	wrong := strings.Repeat("0", 64)
	with := func(d plugin.Descriptor, change func(*plugin.Descriptor)) plugin.Descriptor {
		change(&d)
		return d
	}
	command := func(path ...string) plugin.Descriptor {
		return with(describe("p", ""), func(d *plugin.Descriptor) { d.Command = path; d.Dir = dir })
	}
	for name, c := range map[string]struct {
		d    plugin.Descriptor
		want string
	}{
		"no such command": {command("./missing"),
			"plugin: p/plugin.yaml: command DIR/missing: no such file or directory; check the path and its permissions; it is relative to the descriptor's folder"},
		"command with arguments in one string": {command("./data.txt --flag"),
			"plugin: p/plugin.yaml: command DIR/data.txt --flag: no such file or directory; if it contains arguments write it as a list, as in: command: [./program, --flag]"},
		"not executable": {command("data.txt"),
			"plugin: p/plugin.yaml: command " + data + " is not executable; run: chmod +x " + data},
		"a folder": {command("."),
			"plugin: p/plugin.yaml: command DIR is not a file; name the program itself"},
		"not a program": {command("broken"),
			`plugin: p/plugin.yaml: plugin "p" failed at start: it cannot be run: exec format error; check that ` + program + ` is a program for this system`},
		"wrong checksum": {with(describe("p", ""), func(d *plugin.Descriptor) { d.SHA256 = wrong }),
			"plugin: p/plugin.yaml: sha256 of PLUGIN is " + sum + ", the descriptor says " + wrong + "; install the right file, or after checking it put the output of 'sha256sum PLUGIN' into sha256"},
		"ends at once": {command("/bin/true"),
			`plugin: p/plugin.yaml: plugin "p" failed at handshake: it ended before the handshake (exit status 0); a plugin is a program built with the plugin SDK, check the command /bin/true`},
		"says nothing": {command("/bin/cat"),
			`plugin: p/plugin.yaml: plugin "p" failed at handshake: it said nothing for 1s; a plugin is a program built with the plugin SDK, check the command /bin/cat`},
		"prints something else": {describe("p", "garbage"),
			`plugin: p/plugin.yaml: plugin "p" failed at handshake: it printed "hello, I am no plugin" instead of a handshake; its last words: "something on stderr"; a plugin is a program built with the plugin SDK, check the command PLUGIN`},
		"listens elsewhere": {command("tcp.sh"),
			`plugin: p/plugin.yaml: plugin "p" failed at handshake: it listens on tcp "127.0.0.1:1" instead of a socket in the directory that it was given; a plugin is a program built with the plugin SDK, check the command DIR/tcp.sh`},
		"other protocol": {command("old.sh"),
			`plugin: p/plugin.yaml: plugin "p" failed at handshake: incompatible API version with plugin. Plugin version: 9, Client versions: [1]; a plugin is a program built with the plugin SDK, check the command DIR/old.sh`},
		"version not allowed": {with(describe("p", ""), func(d *plugin.Descriptor) { d.APIVersion = "v7" }),
			`plugin: p/plugin.yaml: plugin "p" has api_version "v7", this host allows "v1"; use a build of the plugin for one of those, or a host that allows "v7"`},
		"version of the process": {describe("p", "api-v9"),
			`plugin: p/plugin.yaml: the process of plugin "p" declares api_version "v9", its descriptor says "v1"; make the two agree`},
		"version of the plugin": {with(describe("p", ""), func(d *plugin.Descriptor) { d.Version = "9.9.9" }),
			`plugin: p/plugin.yaml: plugin "p" failed at describe: it is version "1.2.3", its descriptor says "9.9.9"; make the two agree`},
		"not declared": {describe("p", "", plugin.Capability{Name: "test.hello"}, plugin.Capability{Name: "test.fly"}),
			`plugin: p/plugin.yaml: plugin "p" does not declare "test.fly"; it declares test.hello, test.sleep, test.panic, test.exit, test.unavailable, test.huge, test.last, test.write, test.trace, test.env, test.print, service test.v1.Streamer: correct capabilities in the descriptor or the plugin`},
		"hangs in init": {describe("p", "hang-init"),
			`plugin: p/plugin.yaml: plugin "p" failed at init: it was not ready within 1s; see its log for what it waits for, or allow it more time to start`},
		"ends in init": {describe("p", "exit-init"),
			`plugin: p/plugin.yaml: plugin "p" failed at init: it ended (exit status 3); its last words: "…"; see its log`},
		"refuses its config": {with(describe("p", ""), func(d *plugin.Descriptor) { d.Config = json.RawMessage(`{"greting":"x"}`) }),
			`plugin: p/plugin.yaml: plugin "p" failed at init: unknown field "greting"; known fields: fail, greeting, marker; correct the plugin or its config in the descriptor`},
		"lifecycle service": {describe("p", "", plugin.Capability{Name: "x", Service: "roster.plugin.v1.PluginService"}),
			`plugin: p/plugin.yaml: service "roster.plugin.v1.PluginService" is the host's way to manage the plugin and cannot be granted; list a service of the plugin's own`},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, plugin.Options{StartTimeout: time.Second})
			start := time.Now()
			err := h.Add(t.Context(), c.d)
			if err == nil {
				t.Fatal("added")
			}
			got := err.Error()
			if name == "ends in init" {
				if !strings.Contains(got, "cannot open the vault") {
					t.Errorf("stderr is missing: %s", got)
				}
				from := strings.Index(got, `last words: "`) + len(`last words: "`)
				got = got[:from] + "…" + got[strings.LastIndex(got, `"; see`):]
			}
			want := strings.NewReplacer("DIR", dir, "PLUGIN", testPlugin).Replace(c.want)
			if got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Error("more than one line")
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
			if n, m := len(h.Plugins()), len(h.Capabilities()); n+m != 0 {
				t.Errorf("%d plugins and %d capabilities are left", n, m)
			}
		})
	}
}

func TestScriptRunsByPath(t *testing.T) {
	dir := t.TempDir()
	script := write(t, 0o755, "#!/bin/sh\nexec "+testPlugin+" \"$@\"\n", dir, "run.sh")
	h := newHost(t, plugin.Options{})
	d := describe("p", "")
	d.Command, d.Dir, d.SHA256 = []string{"run.sh"}, dir, checksum(t, script)
	add(t, h, d)
	call(t, h, "test.hello", `{}`)
}

// The checksum holds for the process that runs, even if the path is swapped
// after the check: a restart of a swapped file is refused.
func TestSwappedProgramIsRefused(t *testing.T) {
	dir := t.TempDir()
	original, err := os.ReadFile(testPlugin)
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, 0o755, string(original), dir, "program")
	h := newHost(t, plugin.Options{}.Hasten())
	d := describe("p", "")
	d.Command, d.SHA256 = []string{path}, checksum(t, path)
	add(t, h, d)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(t, 0o755, string(original)+"tampered", path)
	_, _ = h.Call(t.Context(), "test.exit", json.RawMessage(`{}`)) // makes it restart
	eventually(t, "the restart is refused", func() bool { return strings.Contains(status(t, h, "p").LastError, "the descriptor says") })
}

func TestLoadDir(t *testing.T) {
	descriptor := func(name string) string {
		return "name: " + name + "\napi_version: v1\ncommand: " + testPlugin + "\ncapabilities: [test.hello]\n"
	}
	t.Run("all", func(t *testing.T) {
		dir := t.TempDir()
		write(t, 0o644, descriptor("top"), dir, "plugin.yaml")
		write(t, 0o644, descriptor("one"), dir, "one [x]", "plugin.yaml")
		write(t, 0o644, "not: a: descriptor", dir, "one [x]", "other.yaml")
		write(t, 0o644, descriptor("deep"), dir, "a", "b", "plugin.yaml")
		h := newHost(t, plugin.Options{})
		if err := h.LoadDir(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		if p := h.Plugins(); len(p) != 2 || p[0].Name != "one" || p[1].Name != "top" || p[0].Source != filepath.Join(dir, "one [x]", "plugin.yaml") {
			t.Errorf("%+v", p)
		}
	})
	t.Run("all problems at once", func(t *testing.T) {
		dir := t.TempDir()
		write(t, 0o644, descriptor("one"), dir, "1", "plugin.yaml")
		write(t, 0o644, descriptor("one"), dir, "2", "plugin.yaml")
		write(t, 0o644, "name: [", dir, "3", "plugin.yaml")
		write(t, 0o644, "nme: x", dir, "4", "plugin.yaml")
		h := newHost(t, plugin.Options{})
		err := h.LoadDir(t.Context(), dir)
		if err == nil {
			t.Fatal("loaded")
		}
		if _, clash := errors.AsType[*plugin.ClashError](err); !clash {
			t.Errorf("%v", err)
		}
		want := strings.ReplaceAll(`plugin: two plugins are called "one": kept DIR/1/plugin.yaml, refused DIR/2/plugin.yaml; give one of them another name
plugin: DIR/3/plugin.yaml:1:7: it is not valid YAML: sequence end token ']' not found; correct the line
plugin: DIR/4/plugin.yaml:1:1: unknown field "nme" (did you mean "name"?); known fields: api_version, attach, capabilities, command, config, endpoint, go_plugin, module, name, sandbox, sha256, tls, version`, "DIR", dir)
		if err.Error() != want {
			t.Errorf("got:\n%s\nwant:\n%s", err, want)
		}
		if n := len(h.Plugins()); n != 0 {
			t.Errorf("%d plugins run", n)
		}
	})
	t.Run("none stays if one fails", func(t *testing.T) {
		dir := t.TempDir()
		write(t, 0o644, descriptor("good"), dir, "1", "plugin.yaml")
		write(t, 0o644, strings.ReplaceAll(descriptor("bad"), testPlugin, "/bin/true"), dir, "2", "plugin.yaml")
		h := newHost(t, plugin.Options{})
		var start *plugin.StartError
		if err := h.LoadDir(t.Context(), dir); !errors.As(err, &start) || start.Plugin != "bad" {
			t.Errorf("%v", err)
		}
		if n, m := len(h.Plugins()), len(h.Capabilities()); n+m != 0 {
			t.Errorf("%d plugins and %d capabilities are left", n, m)
		}
	})
	t.Run("a folder without plugins is told", func(t *testing.T) {
		dir := t.TempDir()
		write(t, 0o644, "", dir, "README.md")
		var log bytes.Buffer
		h := newHost(t, plugin.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err := h.LoadDir(t.Context(), dir); err != nil || !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), dir) {
			t.Errorf("%v, log %s", err, &log)
		}
	})
	// A plugin that cannot be looked at must not be missing in silence.
	t.Run("a folder that cannot be read is told", func(t *testing.T) {
		dir := t.TempDir()
		loop := filepath.Join(dir, "loop")
		if err := os.Symlink(loop, loop); err != nil {
			t.Fatal(err)
		}
		h := newHost(t, plugin.Options{})
		if _, ok := errors.AsType[*plugin.DescriptorError](h.LoadDir(t.Context(), dir)); !ok {
			t.Error("the folder was passed over")
		}
	})
	t.Run("no folder", func(t *testing.T) {
		h := newHost(t, plugin.Options{})
		const want = "plugin: folder of plugins /no/such/dir: no such file or directory; create it or name another"
		if err := h.LoadDir(t.Context(), "/no/such/dir"); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	})
	t.Run("clash with a running plugin", func(t *testing.T) {
		h := newHost(t, plugin.Options{})
		add(t, h, describe("p", ""))
		d := describe("p", "")
		d.Source = "elsewhere/plugin.yaml"
		const want = `plugin: two plugins are called "p": kept p/plugin.yaml, refused elsewhere/plugin.yaml; give one of them another name`
		if err := h.Add(t.Context(), d); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		call(t, h, "test.hello", `{}`)
	})
}
