package plugin_test

import (
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aead.dev/minisign"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/plugin"
)

// A host with trusted keys runs what they have signed, and nothing else.
func TestSignatures(t *testing.T) {
	t.Parallel()
	public, private, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t, plugin.Options{TrustedKeys: []string{public.String()}}.Hasten())
	d := describe("p", "", hello)
	d.Command[0] = copyOf(t, testPlugin, filepath.Join(t.TempDir(), "plugin"))
	signature := d.Command[0] + plugin.SignatureSuffix
	program, err := os.ReadFile(testPlugin)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(want string) {
		t.Helper()
		var e *plugin.SignatureError
		if err := h.Add(t.Context(), d); !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	sign := func(key minisign.PrivateKey, message []byte) {
		t.Helper()
		reader := minisign.NewReader(strings.NewReader(string(message)))
		if _, err := io.Copy(io.Discard, reader); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(signature, reader.Sign(key), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refused("there is no signature " + signature)
	sign(other, program)
	refused("its signature is of none of the trusted keys")
	sign(private, append(program, 0))
	refused("or of another file")
	sign(private, program)
	add(t, h, d)
	call(t, h, "test.hello", `{}`)

	if _, err := plugin.NewHost(plugin.Options{TrustedKeys: []string{"none"}, Directory: roster.NewDirectory()}); err == nil || !strings.Contains(err.Error(), "Options.TrustedKeys[0] is no public key") {
		t.Errorf("%v", err)
	}
}

// What everybody may write to is not run.
func TestAccess(t *testing.T) {
	t.Parallel()
	h := newHost(t, plugin.Options{}.Hasten())
	dir := t.TempDir()
	program := copyOf(t, testPlugin, filepath.Join(dir, "plugin"))
	text := "name: p\napi_version: v1\ncommand: ./plugin\ncapabilities: [test.hello]\n"
	if err := os.WriteFile(filepath.Join(dir, plugin.DescriptorFile), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{program, dir, filepath.Join(dir, plugin.DescriptorFile)} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, info.Mode()|0o002); err != nil {
			t.Fatal(err)
		}
		if err := h.LoadDir(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "everybody may write to "+path) || !strings.Contains(err.Error(), "run: chmod o-w "+path) {
			t.Errorf("%v", err)
		}
		if err := os.Chmod(path, info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.LoadDir(t.Context(), dir); err != nil {
		t.Error(err)
	}
}
