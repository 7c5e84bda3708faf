package compose

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/goproxytest"
	"github.com/rogpeppe/go-internal/txtar"
)

// proxy serves the modules of testdata/mod to the go command of this test, and keeps what
// it downloads away from the caches of the machine.
func proxy(t *testing.T) {
	t.Helper()
	server, err := goproxytest.NewServer(filepath.Join("testdata", "mod"), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	t.Setenv("GOPROXY", server.URL)
	t.Setenv("GONOSUMDB", "*")
	t.Setenv("GOWORK", "off")
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Setenv("GOFLAGS", "-modcacherw")
}

// host is a program with its main package in a folder, a replaced and an internal package.
const host = `
-- go.mod --
module example.com/shop

go 1.26

require (
	example.com/codecs v1.0.0
	example.com/text v0.0.0
)

replace example.com/text => ./text
-- go.sum --
-- cmd/shop/main.go --
package main

import (
	"fmt"
	"slices"

	"example.com/codecs"
	"example.com/shop/internal/words"
	"example.com/text"
)

func main() { fmt.Println(words.All, text.Plain, slices.Sorted(slices.Values(codecs.Names()))) }
-- internal/words/words.go --
package words

const All = "codecs:"
-- text/go.mod --
module example.com/text

go 1.26
-- text/text.go --
package text

const Plain = "plain"
-- local/go.mod --
module example.com/local

go 1.26

require example.com/codecs v1.0.0
-- local/sub/local.go --
package sub

import "example.com/codecs"

func init() { codecs.Register("local", func(s string) string { return s }) }
`

// write unpacks an archive into a new folder.
func write(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range txtar.Parse([]byte(archive)).Files {
		name := filepath.Join(dir, filepath.FromSlash(file.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, file.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func request(t *testing.T, dir string, providers ...string) Request {
	t.Helper()
	r := Request{Host: "./cmd/shop", Dir: dir}
	for _, text := range providers {
		p, err := ParseProvider(text)
		if err != nil {
			t.Fatal(err)
		}
		r.Providers = append(r.Providers, p)
	}
	return r
}

// compose builds a program in dir, and returns its file.
func compose(t *testing.T, r Request) (string, *Plan, error) {
	t.Helper()
	plan, err := Prepare(t.Context(), r)
	if err != nil {
		return "", nil, err
	}
	defer func() {
		if err := plan.Close(); err != nil {
			t.Error(err)
		}
	}()
	output := filepath.Join(t.TempDir(), "shop")
	err = plan.Build(t.Context(), output)
	return output, plan, err
}

func mustCompose(t *testing.T, r Request) (string, *Plan) {
	t.Helper()
	output, plan, err := compose(t, r)
	if err != nil {
		t.Fatal(err)
	}
	return output, plan
}

func runProgram(t *testing.T, file string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// tree is every file of a folder.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestComposes(t *testing.T) {
	proxy(t)
	dir := write(t, host)
	before := tree(t, dir)
	program, plan := mustCompose(t, request(t, dir, "example.com/lower@v1.0.0", "example.com/local/sub=./local"))
	if got, want := runProgram(t, program), "codecs: plain [local lower small]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, want := range []string{
		"// --with: example.com/lower@v1.0.0.\n\t// It registers \"lower\" in example.com/codecs.all.\n" +
			"\t// It registers \"small\" in example.com/codecs.all.\n\t_ \"example.com/lower\"\n",
		"\t_ \"example.com/local/sub\"\n",
	} {
		if !strings.Contains(plan.Generated, want) {
			t.Errorf("no %q in\n%s", want, plan.Generated)
		}
	}
	if !maps.Equal(before, tree(t, dir)) {
		t.Error("the folder of the host changed")
	}
	if _, err := os.Stat(plan.work); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was generated is still there: %v", err)
	}
}

func TestSameSourcesSameBytes(t *testing.T) {
	proxy(t)
	var first []byte
	for range 2 {
		r := request(t, write(t, host), "example.com/lower@v1.0.0", "example.com/local/sub=./local")
		program, _ := mustCompose(t, r)
		text, err := os.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		if first != nil && !bytes.Equal(first, text) {
			t.Error("two folders gave two programs")
		}
		first = text
	}
}

func TestWithoutProvidersItIsTheHost(t *testing.T) {
	proxy(t)
	program, _ := mustCompose(t, request(t, write(t, host)))
	if got, want := runProgram(t, program), "codecs: plain []"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFileOfThatNameStays(t *testing.T) {
	proxy(t)
	archive := host + "-- cmd/shop/roster_providers.go --\npackage main\n\nimport _ \"example.com/local/sub\"\n"
	archive = strings.Replace(archive, "replace ", "require example.com/local v0.0.0\n\nreplace example.com/local => ./local\n\nreplace ", 1)
	program, _ := mustCompose(t, request(t, write(t, archive), "example.com/lower@v1.0.0"))
	if got, want := runProgram(t, program), "codecs: plain [local lower small]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestClashesAreRefused(t *testing.T) {
	proxy(t)
	r := request(t, write(t, host), "example.com/lower@v1.0.0", "example.com/lower/v3@v3.0.0")
	_, _, err := compose(t, r)
	var clash *ClashError
	if !errors.As(err, &clash) || len(clash.Clashes) != 1 {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{
		`"small" is registered twice in example.com/codecs.all`,
		"by example.com/lower (example.com/lower@v1.0.0) at example.com/lower/x.go:11",
		"by example.com/lower/v3 (example.com/lower/v3@v3.0.0) at example.com/lower/v3/x.go:12",
		"two major versions of one module",
		"nothing was built",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
	r.AcceptClashes = true
	program, plan := mustCompose(t, r)
	if got, want := runProgram(t, program), "codecs: plain [lower small]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	notes := strings.Join(plan.Notes, "\n")
	for _, want := range []string{"is registered twice", "example.com/lower is linked in two major versions", "example.com/lower/v3@v3.0.0"} {
		if !strings.Contains(notes, want) {
			t.Errorf("no %q in\n%s", want, notes)
		}
	}
}

func TestVersionsThatAreNotThoseAskedFor(t *testing.T) {
	proxy(t)
	_, _, err := compose(t, request(t, write(t, host), "example.com/codecs@v1.0.0", "example.com/upper@v1.0.0"))
	if err == nil || !strings.Contains(err.Error(), "exclude each other") ||
		!strings.Contains(err.Error(), "example.com/upper@v1.0.0 requires example.com/codecs@v1.1.0, not example.com/codecs@v1.0.0") {
		t.Errorf("got %v", err)
	}
	// A module in a folder is not the go command's to refuse.
	archive := strings.Replace(host, "require example.com/codecs v1.0.0\n-- local/sub", "require example.com/codecs v1.1.0\n-- local/sub", 1)
	_, _, err = compose(t, request(t, write(t, archive), "example.com/codecs@v1.0.0", "example.com/local/sub=./local"))
	var version *VersionError
	if err == nil || errors.As(err, &version) && (version.Used != "v1.1.0" || !strings.Contains(err.Error(), "requires example.com/codecs@v1.1.0")) ||
		!errors.As(err, &version) && !strings.Contains(err.Error(), "not example.com/codecs@v1.0.0") {
		t.Errorf("got %v", err)
	}
}

func TestRaisedVersionsAreNoted(t *testing.T) {
	proxy(t)
	_, plan := mustCompose(t, request(t, write(t, host), "example.com/upper"))
	notes := strings.Join(plan.Notes, "\n")
	want := "example.com/codecs: the host alone has v1.0.0, and this build v1.1.0"
	if !strings.Contains(notes, want) || !strings.Contains(notes, "example.com/upper@v1.0.0 requires example.com/codecs@v1.1.0") {
		t.Errorf("got\n%s", notes)
	}
}

func TestCompilerErrorsNameTheProvider(t *testing.T) {
	proxy(t)
	_, _, err := compose(t, request(t, write(t, host), "example.com/lower@v1.0.0", "example.com/broken@v1.0.0"))
	var compile *CompileError
	if !errors.As(err, &compile) || compile.Via != "example.com/broken@v1.0.0" || compile.Package != "example.com/broken/deep" {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(err.Error(), "not enough arguments in call to codecs.Register") {
		t.Errorf("got %v", err)
	}
	archive := strings.Replace(host, "func main() {", "func main() { broken;", 1)
	_, _, err = compose(t, request(t, write(t, archive), "example.com/lower@v1.0.0"))
	if !errors.As(err, &compile) || compile.Via != "" || !strings.Contains(err.Error(), "the host does not compile") {
		t.Errorf("got %v", err)
	}
}

func TestWhatCannotBeBuilt(t *testing.T) {
	proxy(t)
	dir := write(t, host)
	for _, tt := range []struct {
		name, host string
		providers  []string
		off        bool
		want       []string
	}{
		{"no such host", "./cmd/shot", nil, false, []string{"./cmd/shot", "there is no such folder"}},
		{"library", "./internal/words", nil, false, []string{"is a library (package words)", "example.com/shop/cmd/shop"}},
		{"no such module", "./cmd/shop", []string{"example.com/nobody@v1.0.0"}, false, []string{"provider example.com/nobody@v1.0.0", "there is no such module"}},
		{"no such package", "./cmd/shop", []string{"example.com/lower/deep@v1.0.0"}, false, []string{"provider example.com/lower/deep@v1.0.0", "no such package"}},
		{"offline", "./cmd/shop", []string{"example.com/upper@v1.0.0"}, true, []string{"provider example.com/upper@v1.0.0", "GOPROXY is off"}},
		{"no folder", "./cmd/shop", []string{"example.com/x=./nowhere"}, false, []string{"example.com/x=./nowhere", "has no go.mod"}},
		{"other module", "./cmd/shop", []string{"example.com/x=./local"}, false, []string{"the folder has the module example.com/local", "write example.com/local=./local"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.off {
				// What the host needs is in the cache; the provider is not.
				mustCompose(t, request(t, dir))
				t.Setenv("GOPROXY", "off")
			}
			r := request(t, dir, tt.providers...)
			r.Host = tt.host
			_, _, err := compose(t, r)
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in %v", want, err)
				}
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Prepare(ctx, request(t, write(t, host))); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
