package initorder

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fixture is a program whose order is easily got wrong: q/b-c before q/b, a path with a
// dot that the linker escapes, a package with nothing to run between two that have.
var fixture = map[string]string{
	"go.mod":          "module order.example/v1.x/program.y\n\ngo 1.26\n",
	"main.go":         "package main\n\nimport (\n\t_ \"order.example/v1.x/program.y/q/b\"\n\t_ \"order.example/v1.x/program.y/q/b-c\"\n\t_ \"order.example/v1.x/program.y/z.dot\"\n)\n\nvar started = len(\"x\")\n\nfunc init() { started++ }\n\nfunc main() {}\n",
	"q/b/b.go":        "package b\n\nimport \"os\"\n\nvar PID = os.Getpid()\n",
	"q/b-c/c.go":      "package c\n\nimport \"os\"\n\nvar PID = os.Getpid()\n",
	"z.dot/z.go":      "package z\n\nimport _ \"order.example/v1.x/program.y/idle\"\n\nvar Now = f()\n\nfunc f() int { return len(now) }\n\nvar now = make(map[int]int)\n",
	"idle/idle.go":    "package idle\n\nimport _ \"order.example/v1.x/program.y/q/b\"\n",
	"tagged/tag.go":   "//go:build extra\n\npackage main\n\nimport _ \"order.example/v1.x/program.y/q/b\"\n\nfunc main() {}\n",
	"tagged/plain.go": "//go:build !extra\n\npackage main\n\nfunc main() {}\n",
	"library/l.go":    "package library\n",
}

func writeFixture(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const fixturePath = "order.example/v1.x/program.y"

func paths(o *Order) string {
	var all []string
	for _, s := range o.Steps {
		if !s.Standard {
			all = append(all, strings.TrimPrefix(s.Package, fixturePath+"/"))
		}
	}
	return strings.Join(all, " ")
}

func TestBinaries(t *testing.T) {
	t.Parallel()
	dir := writeFixture(t, fixture)
	want := "q/b-c q/b z.dot main"
	for _, tt := range []struct {
		name, flags, source string
	}{
		{"plain", "", FromSymbols},
		{"stripped", "-ldflags=-s", FromTables},
		{"position independent", "-buildmode=pie", FromSymbols},
		{"position independent and stripped", "-buildmode=pie -ldflags=-s", FromTables},
		{"trimmed", "-trimpath -ldflags=-w", FromSymbols},
		{"stripped and trimmed", "-trimpath -ldflags=-s", FromTables},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			binary := build(t, dir, ".", strings.Fields(tt.flags)...)
			order, err := OfBinary(binary)
			if err != nil {
				t.Fatal(err)
			}
			if order.Source != tt.source || paths(order) != want {
				t.Errorf("got %s from %s, want %s from %s", paths(order), order.Source, want, tt.source)
			}
			if err := order.Compare(traceOf(t, binary)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestBinariesOfOtherSystems compares with the order of the package, as they cannot run here.
func TestBinariesOfOtherSystems(t *testing.T) {
	dir := writeFixture(t, fixture)
	for _, system := range []string{"darwin/arm64", "darwin/amd64", "windows/amd64", "linux/arm64", "linux/386"} {
		t.Run(system, func(t *testing.T) {
			goos, goarch, _ := strings.Cut(system, "/")
			t.Setenv("GOOS", goos)
			t.Setenv("GOARCH", goarch)
			t.Setenv("CGO_ENABLED", "0")
			binary := build(t, dir, ".")
			got, err := OfBinary(binary)
			if err != nil {
				t.Fatal(err)
			}
			want, err := OfPackage(t.Context(), ".", Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			for i := range max(len(got.Steps), len(want.Steps)) {
				if i >= len(got.Steps) || i >= len(want.Steps) || got.Steps[i].Package != want.Steps[i].Package {
					t.Fatalf("they part at %d:\n%v\n%v", i, got.Steps, want.Steps)
				}
			}
		})
	}
}

func TestFilesThatAreNoPrograms(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		write("empty", ""):                  "not a program for",
		write("text", "hello, world\n"):     "not a program for",
		write("cut", "\x7fELF\x02\x01\x01"): "damaged, or of an unknown kind",
		write("dos", "MZ"):                  "damaged, or of an unknown kind",
		write("mac", "\xcf\xfa\xed\xfe"):    "damaged, or of an unknown kind",
		filepath.Join(dir, "missing"):       "no such file",
		sh:                                  "it was not built by Go",
	} {
		if _, err := OfBinary(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", file, err, want)
		}
	}
}
