package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What a registry says when modules clash in a program that is linked for real, with
// versions in its build information. Set UPDATE_GOLDEN to accept a change of a text.
func TestTextsOfLinkedPrograms(t *testing.T) {
	t.Parallel()
	const clash = "testdata/clash"
	env := goEnv(t, writeProxy(t, filepath.Join(clash, "modules")))

	for _, program := range []struct {
		name     string
		exit     int
		requires []string // module@version
	}{
		{"majors", 2, []string{"example.com/driver@v1.4.0", "example.com/driver/v3@v3.0.1"}},
		{"unrelated", 2, []string{"example.com/driver@v1.4.0", "example.com/fastpq@v0.9.0"}},
		{"early", 0, []string{"example.com/driver@v1.4.0", "example.com/sql@v0.3.0"}},
		{"late", 2, []string{"example.com/driver@v1.4.0", "example.com/late@v1.2.3", "example.com/sql@v0.3.0"}},
		{"slip", 1, []string{"example.com/sql@v0.3.0"}},
	} {
		t.Run(program.name, func(t *testing.T) {
			t.Parallel()
			binary := buildProgram(t, env, filepath.Join(clash, "programs", program.name), program.requires)
			exit, text := runProgram(t, binary)
			if exit != program.exit {
				t.Errorf("exit code %d, want %d", exit, program.exit)
			}
			compareGolden(t, filepath.Join(clash, program.name+".golden"), text)
		})
	}
}

// The texts are golden; these are the parts that they must not lose by an update.
func TestClashNamesBothModulesAndVersions(t *testing.T) {
	t.Parallel()
	for name, parts := range map[string][]string{
		"majors": {
			"example.com/driver@v1.4.0/driver.go:10 in package example.com/driver (example.com/driver@v1.4.0)",
			"example.com/driver/v3@v3.0.1/driver.go:12 in package example.com/driver/v3 (example.com/driver/v3@v3.0.1)",
			"two major versions of one module are linked: import only example.com/driver or only example.com/driver/v3",
			"driver.conn", "*driver.Conn", `"postgres" is registered twice`,
		},
		"unrelated": {
			"(example.com/driver@v1.4.0)", "(example.com/fastpq@v0.9.0)",
			"import only one of the two packages, or register one under another name",
		},
		"early": {
			"example.com/app/audit/audit.go:", "packages are still initialising", "look it up after main has started",
			"registered afterwards at example.com/driver@v1.4.0/driver.go:10",
		},
		"late": {"sealed at example.com/app/main.go:11", "(at example.com/late@v1.2.3/driver.go:11 in package example.com/late"},
		"slip": {`add import _ "example.com/driver" (pure Go)`, `to register "postgres"`},
	} {
		golden, err := os.ReadFile(filepath.Join("testdata", "clash", name+".golden"))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range parts {
			if !bytes.Contains(golden, []byte(part)) {
				t.Errorf("%s.golden does not say %q", name, part)
			}
		}
	}
}

// buildProgram makes a main module, example.com/app, of a folder, and builds it.
func buildProgram(t *testing.T, env []string, source string, requires []string) (binary string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	mod := new(strings.Builder)
	fmt.Fprintf(mod, "module example.com/app\n\ngo 1.26.0\n\nrequire github.com/roster-go/roster v0.0.0\n")
	for _, r := range requires {
		fmt.Fprintf(mod, "require %s\n", strings.Replace(r, "@", " ", 1))
	}
	fmt.Fprintf(mod, "\nreplace github.com/roster-go/roster => %q\n", docsRoot(t))
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	binary = filepath.Join(dir, "program.exe")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", binary, ".")
	cmd.Dir, cmd.Env = dir, env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

var stackTrace = regexp.MustCompile(`(?s)\ngoroutine \d+ \[.*`)

// runProgram returns the exit code and what the program printed, without a stack trace.
func runProgram(t *testing.T, binary string) (exit int, text string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), binary).CombinedOutput()
	if failed := new(exec.ExitError); errors.As(err, &failed) {
		exit = failed.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return exit, strings.TrimRight(stackTrace.ReplaceAllString(string(out), ""), "\n") + "\n"
}

func compareGolden(t *testing.T, golden, text string) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s says\n%s\nbut the program says\n%s", golden, want, text)
	}
}
