package plugin_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/plugin"
)

var typedFunctions = []plugin.Capability{{Name: "typed.config"}, {Name: "typed.once"}, {Name: "typed.careless"}}

func typedPlugin(config string) plugin.Descriptor {
	d := describe("typed", "typed", typedFunctions...)
	d.Config = json.RawMessage(config)
	return d
}

func newConfigs(t *testing.T, entries map[string]string) *roster.Hot[json.RawMessage] {
	t.Helper()
	configs := roster.NewHot[json.RawMessage](roster.Named("config.plugins"), roster.In(roster.NewDirectory()))
	for name, text := range entries {
		configs.Register(name, json.RawMessage(text))
	}
	return configs
}

// A config that does not fit is refused before the plugin sees it, with each field
// that is wrong; no text has a value.
func TestConfigIsValidatedBeforeInit(t *testing.T) {
	t.Parallel()
	h := newHost(t, plugin.Options{}.Hasten())
	for config, want := range map[string]string{
		`{"greetng": "Hi"}`:                            `unknown field "greetng"`,
		`{"greeting": 7}`:                              `field "greeting": it is number, want string`,
		`{"limit": 700}`:                               `field "limit": maximum: got 700, want 255`,
		`{"servers": [{"host": "a"}, {}]}`:             `field "servers[1]": missing field "host"`,
		`{"servers": [{"host": 1}], "limit": "x"}`:     `field "limit": it is string, want integer; field "servers[0].host": it is number, want string`,
		`{"token": "env:ROSTER_TEST_NOT_SET"}`:         `field "token": the host's environment has no variable "ROSTER_TEST_NOT_SET"; set it`,
		`{"token": "file:not-there"}`:                  `field "token": its file`,
		`{"greeting": "rude"}`:                         `failed at init: that is no greeting`,
		`{"greeting": "panic"}`:                        `failed at init: the plugin's Config function panicked`,
		`{"token": {"hidden-value": 1}}`:               `field "token": it is object, want string`,
		`{"servers": [{"host": "a", "password": 12}]}`: `field "servers[0].password": it is number, want string`,
	} {
		err := h.Add(t.Context(), typedPlugin(config))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", config, err, want)
			continue
		}
		if strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "hidden-value\": 1") {
			t.Errorf("%s: %q", config, err)
		}
	}
	var wrong *plugin.ConfigError
	err := h.Add(t.Context(), typedPlugin(`{"x": 1, "limit": -1}`))
	if !errors.As(err, &wrong) || len(wrong.Faults) != 2 || wrong.Plugin != "typed" || wrong.Source != "typed/plugin.yaml" {
		t.Errorf("%#v", err)
	}
}

// Secrets come from files and from the environment, and show in no log.
func TestSecretsByReference(t *testing.T) {
	t.Setenv("ROSTER_TEST_SECRET", "from the environment")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &testWriter{t: t}
	h := newHost(t, plugin.Options{Logger: newLog(log), Config: newConfigs(t, map[string]string{
		"typed": `{"token": "env:ROSTER_TEST_SECRET", "greeting": "env:NOT_A_SECRET"}`,
	})}.Hasten())
	d := typedPlugin(`{"greeting": "Hi", "servers": [{"host": "a", "password": "file:password"}, {"host": "b", "password": "in clear"}]}`)
	d.Dir = dir
	add(t, h, d)
	got, _ := call(t, h, "typed.config", `{}`)
	want := map[string]string{
		"greeting": "env:NOT_A_SECRET", "token": "from the environment", "server0": "a from a file", "server1": "b in clear",
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s: got %q, want %q", key, got[key], value)
		}
	}
	for _, secret := range []string{"from the environment", "from a file", "in clear"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has a secret: %s", log)
		}
	}
}

// A change of the host's config reaches a running process; one that is refused changes
// nothing and shows in the status until it is mended.
func TestConfigChangesLive(t *testing.T) {
	t.Parallel()
	configs := newConfigs(t, map[string]string{"typed": `{"greeting": "Salut"}`, "other": `{"x": 1}`})
	h := newHost(t, plugin.Options{Config: configs}.Hasten())
	add(t, h, typedPlugin(`{"limit": 3, "servers": [{"host": "a"}]}`))
	before, _ := call(t, h, "typed.config", `{}`)
	if before["greeting"] != "Salut" || before["server0"] != "a " {
		t.Fatalf("%v", before)
	}
	change := func(config string) {
		t.Helper()
		if err := configs.Replace("typed", json.RawMessage(config)); err != nil {
			t.Fatal(err)
		}
	}
	greeting := func(want string) func() bool {
		return func() bool {
			got, _ := call(t, h, "typed.config", `{}`)
			if got["pid"] != before["pid"] {
				t.Fatalf("another process answers: %v", got)
			}
			return got["greeting"] == want
		}
	}
	change(`{"greeting": "Ciao", "servers": null}`)
	eventually(t, "Ciao", greeting("Ciao"))

	for config, want := range map[string]string{
		`{"greting": "Hi"}`:    `unknown field "greting"`,
		`{"greeting": "rude"}`: `the plugin refused it: that is no greeting`,
		`[1]`:                  `what the host has for it is not a JSON object`,
		`{"a": `:               `is not JSON (unexpected end of JSON input at byte 6)`,
	} {
		change(config)
		eventually(t, want, func() bool { return strings.Contains(status(t, h, "typed").LastError, want) })
		if got, _ := call(t, h, "typed.config", `{}`); got["greeting"] != "Ciao" {
			t.Errorf("%s: %v", config, got)
		}
	}
	change(`{"greeting": "Hallo"}`)
	eventually(t, "Hallo", greeting("Hallo"))
	eventually(t, "no error", func() bool { return status(t, h, "typed").LastError == "" })
	if err := configs.Unregister("typed"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the default", greeting("Hello"))
}

// A plugin that takes its config at its start only is swapped for another process.
func TestConfigChangeSwapsThePlugin(t *testing.T) {
	t.Parallel()
	configs := newConfigs(t, map[string]string{"a": `{"greeting": "Salut"}`})
	h := newHost(t, plugin.Options{Config: configs}.Hasten())
	add(t, h, describe("a", "ok"))
	before, _ := call(t, h, "test.hello", `{"name": "you"}`)
	if err := configs.Replace("a", json.RawMessage(`{"greeting": "Ciao"}`)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "Ciao", func() bool {
		got, _ := call(t, h, "test.hello", `{"name": "you"}`)
		return got["text"] == "Ciao, you" && got["pid"] != before["pid"]
	})
	if err := configs.Replace("a", json.RawMessage(`{"fail": "the vault is sealed"}`)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the reason", func() bool { return strings.Contains(status(t, h, "a").LastError, "the vault is sealed") })
	if got, _ := call(t, h, "test.hello", `{"name": "you"}`); got["text"] != "Ciao, you" {
		t.Errorf("%v", got)
	}
}

// A process that was restarted gets the config of now.
func TestConfigAfterACrash(t *testing.T) {
	t.Parallel()
	configs := newConfigs(t, map[string]string{"typed": `{"greeting": "Salut"}`})
	h := newHost(t, plugin.Options{Config: configs}.Hasten())
	add(t, h, typedPlugin(`{}`))
	marker := filepath.Join(t.TempDir(), "marker")

	// What the plugin itself declares idempotent is repeated, other calls are not.
	answer, err := h.Call(t.Context(), "typed.once", json.RawMessage(`{"name": `+quoted(marker)+`}`))
	if err != nil || string(answer.Output) != `"lived"` {
		t.Errorf("%s %v", answer.Output, err)
	}
	var crash *plugin.CrashedError
	if _, err := h.Call(t.Context(), "typed.careless", json.RawMessage(`{"name": `+quoted(marker+"2")+`}`)); !errors.As(err, &crash) {
		t.Errorf("%v", err)
	}
	eventually(t, "the new process has the config", func() bool { // the old one may not be known to be gone yet
		answer, err := h.Call(t.Context(), "typed.config", json.RawMessage(`{}`))
		return err == nil && strings.Contains(string(answer.Output), `"greeting":"Salut"`)
	})
}

func quoted(s string) string {
	return strconv.Quote(s)
}

// A schema that a plugin sends can neither read files nor bring the host down.
func TestHostileSchemas(t *testing.T) {
	t.Parallel()
	d := plugin.Descriptor{Name: "x", Source: "x/plugin.yaml", Dir: t.TempDir()}
	for schema, want := range map[string]string{
		`{"$ref": "file:///etc/passwd"}`:         `it refers to file:///etc/passwd`,
		`{"$ref": "https://example.org/s.json"}`: `it refers to https://example.org/s.json`,
		`{"type": 7}`:                            `the schema of its config cannot be used`,
		`[`:                                      `it is not JSON`,
		`{"$ref": "#"}`:                          ``,
		`{"allOf": [{"$ref": "#"}], "type": "object"}`: ``,
		`{"pattern": "("}`:           `the schema of its config cannot be used`,
		strings.Repeat(" ", 300<<10): `the limit is 262144`,
	} {
		_, err := plugin.ReadyConfig(d, json.RawMessage(`{"a": {"b": 1}}`), []byte(schema))
		if want == "" && err != nil && !strings.Contains(err.Error(), "config of plugin") || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.60s:\n got %v\nwant %s", schema, err, want)
		}
	}
}

// The examples of RFC 7396, appendix A.
func TestMergePatch(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		if got := plugin.MergeJSON(t, c[0], c[1]); got != c[2] {
			t.Errorf("%s and %s: got %s, want %s", c[0], c[1], got, c[2])
		}
	}
}
