package compose

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// remote asks for the program of the proxy, from a folder that has nothing to do with it.
func remote(t *testing.T, host string, providers ...string) Request {
	t.Helper()
	r := request(t, t.TempDir(), providers...)
	r.Host = host
	return r
}

// TestRemoteHost: a host that is given with a version is downloaded, and is built as in its
// own folder: its internal packages and its replace lines count, and its workspace does not.
func TestRemoteHost(t *testing.T) {
	proxy(t)
	t.Setenv("GOWORK", "") // so that the workspace of the host would be found
	for _, host := range []string{"example.com/tool/cmd/tool@v1.2.0", "example.com/tool/cmd/tool@latest"} {
		file, plan := mustCompose(t, remote(t, host, "example.com/lower@v1.0.0"))
		if got := runProgram(t, file); got != "tool: [lower small]" || plan.Host != "example.com/tool/cmd/tool" {
			t.Errorf("%s: %s prints %q", host, plan.Host, got)
		}
		if !strings.Contains(plan.GoMod, "example.com/nowhere => example.com/upper") {
			t.Errorf("%s: go.mod\n%s", host, plan.GoMod)
		}
		if _, err := os.Stat(plan.work); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the copy is still there: %v", err)
		}
	}
}

// TestRemoteHostIsReproducible: the copy is somewhere else each time, which the program does not show.
func TestRemoteHostIsReproducible(t *testing.T) {
	proxy(t)
	local := write(t, host)
	var built [2][]byte
	for i := range built {
		file, _ := mustCompose(t, remote(t, "example.com/tool/cmd/tool@v1.2.0", "example.com/local/sub="+filepath.Join(local, "local")))
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		built[i] = content
	}
	if !bytes.Equal(built[0], built[1]) {
		t.Error("two builds differ")
	}
}

// TestKeptRemoteHost: what is kept holds the sources, and can be used again.
func TestKeptRemoteHost(t *testing.T) {
	proxy(t)
	r := remote(t, "example.com/tool/cmd/tool@v1.2.0", "example.com/lower@v1.0.0")
	r.Keep = "kept"
	for range 2 {
		mustCompose(t, r)
	}
	for _, name := range []string{"go.mod", "overlay.json", "host/cmd/tool/main.go"} {
		if _, err := os.Stat(filepath.Join(r.Dir, "kept", filepath.FromSlash(name))); err != nil {
			t.Error(err)
		}
	}
}

// TestKeepLeavesOthersAlone: the folder of a host, above all, has a go.mod that would be overwritten.
func TestKeepLeavesOthersAlone(t *testing.T) {
	proxy(t)
	dir := write(t, host)
	r := request(t, dir, "example.com/lower@v1.0.0")
	r.Keep = "."
	before, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if plan, err := Prepare(t.Context(), r); plan != nil || err == nil || !strings.Contains(err.Error(), "it is not empty, and not of an earlier build") {
		t.Errorf("%v", err)
	}
	after, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("go.mod is now, %v,\n%s", err, after)
	}
}

func TestRemoteHostsThatAreRefused(t *testing.T) {
	proxy(t)
	for host, want := range map[string]string{
		"example.com/tool/cmd/tool@v9.9.9":  "example.com/tool/cmd/tool@v9.9.9: it cannot be downloaded",
		"example.com/nobody@latest":         "check the path, the version and GOPROXY",
		"example.com/tool/cmd/other@v1.2.0": "example.com/tool v1.2.0 has no such package",
		"example.com/tool/lib@v1.2.0":       "is a library",
		"example.com/tool/cmd/tool@":        "is no import path with a version",
		"@v1.2.0":                           "is no import path with a version",
		"example.com/tool/@v1.2.0":          "is no import path with a version",
		"example.com/tool/../../x@v1.2.0":   "is no import path with a version",
		"-x@v1.2.0":                         "is no import path with a version",
	} {
		plan, err := Prepare(t.Context(), remote(t, host))
		if plan != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", host, err)
		}
	}
}
