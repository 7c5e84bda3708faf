package main_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/plugin"
)

func TestGreeter(t *testing.T) {
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
	configs := roster.NewHot[json.RawMessage](roster.Named("config.plugins"), roster.In(roster.NewDirectory()))
	configs.Register("greeter", json.RawMessage(`{"greeting": 7}`))
	h, err := plugin.NewHost(plugin.Options{Directory: roster.NewDirectory(), Config: configs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := h.LoadDir(t.Context(), dir); err == nil || !strings.Contains(err.Error(), `field "greeting": it is number, want string`) {
		t.Fatalf("%v", err)
	}
	if err := configs.Replace("greeter", json.RawMessage(`{"greeting": "Salut"}`)); err != nil {
		t.Fatal(err)
	}
	if err := h.LoadDir(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	greets := func(want string) bool {
		answer, err := h.Call(t.Context(), "greet.hello", json.RawMessage(`{"name": "world"}`))
		if err != nil {
			t.Fatal(err)
		}
		return string(answer.Output) == `{"text":"`+want+`, world"}`
	}
	if !greets("Salut") {
		t.Error("not the host's greeting")
	}
	if err := configs.Unregister("greeter"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); !greets("Hello"); {
		if time.Now().After(deadline) {
			t.Fatal("the change did not arrive")
		}
	}
}
