package plugin_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/roster-go/roster/plugin"
)

func TestParseDescriptor(t *testing.T) {
	const text = `
name: image
version: 1.10        # not the number 1.1
api_version: v1
command: [./bin/image, --quality, 90]
sha256: "` + zeros + `"
capabilities:
  - image.thumbnail
  - name: image.v1.Images
    kind: service
    idempotent: true
  - {name: pictures, service: image.v1.Pictures}
config:
  limits: {pixels: 50000000}
  formats: [png, jpeg]
`
	d, err := plugin.ParseDescriptor("/opt/image/plugin.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := plugin.Descriptor{
		Name: "image", Version: "1.10", APIVersion: "v1", SHA256: zeros,
		Command: []string{"./bin/image", "--quality", "90"},
		Capabilities: []plugin.Capability{
			{Name: "image.thumbnail", Kind: plugin.KindFunction, Weight: 1},
			{Name: "image.v1.Images", Kind: plugin.KindService, Service: "image.v1.Images", Idempotent: true, Weight: 1},
			{Name: "pictures", Kind: plugin.KindService, Service: "image.v1.Pictures", Weight: 1},
		},
		Config: []byte(`{"formats":["png","jpeg"],"limits":{"pixels":50000000}}`),
		Dir:    "/opt/image", Source: "/opt/image/plugin.yaml",
	}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("\n got %+v\nwant %+v", d, want)
	}
}

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

func TestParseDescriptorErrors(t *testing.T) {
	const known = "; known fields: api_version, attach, capabilities, command, config, endpoint, go_plugin, module, name, sandbox, sha256, tls, version"
	const head = "name: x\napi_version: v1\ncommand: ./x\n"
	for text, want := range map[string]string{
		"":                                "FILE: the file is empty; describe the plugin: name, api_version, command, capabilities",
		"# nothing":                       "FILE: the file is empty; describe the plugin: name, api_version, command, capabilities",
		"just text":                       `FILE:1:1: the file is "just text" where a mapping belongs; write it as field: value, with api_version, attach, capabilities, command, config, endpoint, go_plugin, module, name, sandbox, sha256, tls, version`,
		"- a\n- b":                        `FILE:1:1: the file is a list where a mapping belongs; write it as field: value, with api_version, attach, capabilities, command, config, endpoint, go_plugin, module, name, sandbox, sha256, tls, version`,
		"name: x\nversoin: 1":             `FILE:2:1: unknown field "versoin" (did you mean "version"?)` + known,
		"name: x\nname: y":                `FILE:2:1: it is not valid YAML: mapping key "name" already defined at [1:1]; correct the line`,
		"name: x\n---\nname: y":           `FILE:3:5: there is a second document; keep one plugin in one file`,
		"name: [x]":                       `FILE:1:7: name is a list where a string belongs; write one value, in quotes if it has special characters`,
		"name: *x":                        `FILE:1:7: name is an anchor or alias where a string belongs; write one value, in quotes if it has special characters`,
		"api_version: v1":                 `FILE: the name is missing; use letters, digits, '.', '_' and '-', as in: name: markdown`,
		"name: a/b":                       `FILE:1:7: the name "a/b" contains '/' at byte 1; use letters, digits, '.', '_' and '-', as in: name: markdown`,
		"name: x":                         `FILE: api_version is missing; add the version the plugin is written for, as in: api_version: v1`,
		"name: x\napi_version: v1":        `FILE: command is missing; add the program to run, as in: command: ./x`,
		head:                              `FILE: capabilities is missing, so the plugin could serve nothing; list what it may serve, as in: capabilities: [markdown.render]`,
		head + "capabilities: x":          `FILE:4:15: capabilities is "x" where a list belongs; write it as a list, as in: capabilities: [markdown.render]`,
		head + "capabilities: [a, a]":     `FILE:4:19: capability "a" is listed twice; remove one of them`,
		head + "capabilities: [{nme: a}]": `FILE:4:17: unknown field "nme" (did you mean "name"?); known fields: idempotent, kind, name, service, standby, weight`,
		head + "capabilities: [{name: a, kind: stream}]":                   `FILE:4:32: kind "stream" is unknown; use function or service`,
		head + "capabilities: [{name: a, idempotent: yes}]":                `FILE:4:38: capabilities[0].idempotent is "yes"; write true or false`,
		head + "capabilities: [a]\nsha256: abc":                            `FILE:5:9: sha256 "abc" is not 64 hex digits; use the output of: sha256sum /dir/x`,
		head + "capabilities: [a]\nconfig: [1]":                            `FILE:5:9: config is a list where a mapping belongs; write it as config: {key: value}`,
		head + "capabilities: [a]\nconfig: {a: .inf}":                      `FILE:5:9: config has no JSON form: json: unsupported value: +Inf; use text keys and plain values`,
		head + "capabilities: [{name: a, service: plugin.GRPCController}]": `FILE:4:35: service "plugin.GRPCController" is the host's way to manage the plugin and cannot be granted; list a service of the plugin's own`,
	} {
		_, err := plugin.ParseDescriptor("/dir/plugin.yaml", []byte(text))
		want := "plugin: " + strings.Replace(want, "FILE", "/dir/plugin.yaml", 1)
		if err == nil || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
		var typed *plugin.DescriptorError
		if err != nil && !errors.As(err, &typed) {
			t.Errorf("%q: %T", text, err)
		}
	}
}

func TestReadDescriptorErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plugin.yaml")
	want := "plugin: " + path + ": cannot be read: no such file or directory; check the path and its permissions"
	if _, err := plugin.ReadDescriptor(path); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err := os.WriteFile(path, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	want = "plugin: " + path + ": the file has 2097152 bytes, the limit is 1048576; check that it is a plugin descriptor"
	if _, err := plugin.ReadDescriptor(path); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// Whatever the text, parsing ends in a descriptor that is complete or in a
// typed error of one line.
func FuzzParseDescriptor(f *testing.F) {
	f.Add("name: x\napi_version: v1\ncommand: [./x, y]\ncapabilities: [a, {name: b, kind: service}]\nconfig: {a: {b: [1, 2]}}")
	f.Add("name: &a x\nversion: *a\n<<: {command: x}")
	f.Add("? [a]\n: b")
	f.Add("config: !!binary x")
	f.Add("name: |\n  x\n\xff")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := plugin.ParseDescriptor("plugin.yaml", []byte(text))
		if err == nil {
			if d.Name == "" || d.APIVersion == "" || len(d.Command) == 0 || len(d.Capabilities) == 0 || d.Config == nil {
				t.Errorf("incomplete: %+v", d)
			}
			return
		}
		var typed *plugin.DescriptorError
		if !errors.As(err, &typed) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%T %q", err, err)
		}
	})
}
