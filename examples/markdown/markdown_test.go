package main_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/plugin"
)

// start builds the plugin and runs it from its own descriptor.
func start(t *testing.T) *plugin.Host {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", dir, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	descriptor, err := os.ReadFile(plugin.DescriptorFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, plugin.DescriptorFile), descriptor, 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := plugin.NewHost(plugin.Options{Directory: roster.NewDirectory()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := h.LoadDir(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestRender(t *testing.T) {
	h := start(t)
	for markdown, want := range map[string]string{
		"# Hi":                      "<h1>Hi</h1>\n",
		"~~old~~ **new**":           "<p><del>old</del> <strong>new</strong></p>\n",
		"|a|b|\n|-|-|\n|1|2|":       "<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n<td>2</td>\n</tr>\n</tbody>\n</table>\n",
		"<script>alert(1)</script>": "<!-- raw HTML omitted -->\n",
		"[x](javascript:alert(1))":  "<p><a href=\"\">x</a></p>\n",
		"":                          "",
	} {
		input, err := json.Marshal(map[string]string{"markdown": markdown})
		if err != nil {
			t.Fatal(err)
		}
		answer, err := h.Call(t.Context(), "markdown.render", input)
		if err != nil {
			t.Fatal(err)
		}
		var out map[string]string
		if err := json.Unmarshal(answer.Output, &out); err != nil || out["html"] != want {
			t.Errorf("%q:\n got %s\nwant %q", markdown, answer.Output, want)
		}
	}
	_, err := h.Call(t.Context(), "markdown.render", json.RawMessage(`{"text":"# Hi"}`))
	if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), `unknown field "text"; known fields: markdown`) {
		t.Errorf("%v", err)
	}
}

// The project's own guide is a document of the kind people have.
func TestRenderReadme(t *testing.T) {
	h := start(t)
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(map[string]string{"markdown": string(text)})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := h.Call(t.Context(), "markdown.render", input)
	if err != nil {
		t.Fatal(err)
	}
	var out struct{ HTML string }
	if err := json.Unmarshal(answer.Output, &out); err != nil || !strings.Contains(out.HTML, "<h1>markdown</h1>") || !strings.Contains(out.HTML, "<pre><code>") {
		t.Errorf("%s", answer.Output)
	}
}
