package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/roster-go/roster/console"
	"github.com/roster-go/roster/internal/assert"
)

// This program knows nothing of pages but their handler.
func TestAnyProgramGetsThePages(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "example")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	address := free.Addr().String()
	assert.NoError(t, free.Close())
	program := exec.CommandContext(t.Context(), binary, "-address", address)
	program.Stderr = os.Stderr
	assert.NoError(t, program.Start())
	t.Cleanup(func() {
		_ = program.Process.Kill()
		_ = program.Wait() // which says that it was killed
	})

	fetch := func(path, accept string) (body, kind string, status int) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
		assert.NoError(t, err)
		r.Header.Set("Accept", accept)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return "", "", 0
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		assert.NoError(t, err)
		return string(text), answer.Header.Get("Content-Type"), answer.StatusCode
	}
	assert.Eventually(t, func() bool { _, _, status := fetch("/price?in=EUR", ""); return status == http.StatusOK }, "the program serves")
	_, _, status := fetch("/price?in=EURO", "")
	assert.Equal(t, status, http.StatusBadRequest) // which the pages will tell of

	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	index, kind, _ := fetch(console.Path, browser)
	assert.Equal(t, kind, "text/html; charset=utf-8")
	assert.Contains(t, index, `<a href="./registry/currencies">currencies</a>`, "main.go:14")
	page, _, _ := fetch(console.Path+"/currencies", browser)
	assert.Contains(t, page, "<h1>currencies</h1>", "EUR</th>", "main.go:17", "EURO</th>", "Did you mean <strong>EUR</strong>")
	_, kind, _ = fetch(console.Path+"/currencies", "*/*")
	assert.Equal(t, kind, "application/json; charset=utf-8")
	style, _, _ := fetch(console.Path+"?asset=console.css", "text/css")
	assert.Equal(t, style, console.Stylesheet())
}
