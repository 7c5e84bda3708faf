package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// twoDrivers registers one name twice, in packages that do not know of each other.
var twoDrivers = map[string]string{
	"go.mod": "module example.com/app\n\ngo 1.26\n",
	"main.go": `package main

import (
	_ "example.com/app/a"
	_ "example.com/app/b"
)

func main() {}
`,
	"a/a.go": "package a" + registersOne,
	"b/b.go": "package b" + registersOne,
}

const registersOne = `

import (
	"database/sql"
	"database/sql/driver"
)

type drv struct{}

func (drv) Open(string) (driver.Conn, error) { return nil, driver.ErrBadConn }

func init() { sql.Register("one", drv{}) }
`

// TestGolangciLintWithTheLinter builds golangci-lint with the linter in it, as golangci-lint
// custom does, but from the module proxy and this checkout, and has it find a name that two
// packages register.
func TestGolangciLintWithTheLinter(t *testing.T) {
	if os.Getenv("ROSTER_SOAK") == "" {
		t.Skip("it downloads and builds golangci-lint: set ROSTER_SOAK=1")
	}
	var recipe struct {
		Version string
		Plugins []struct{ Module, Import string }
	}
	readYAML(t, "custom-gcl.yml", &recipe)
	linter := buildGolangciLint(t, recipe.Version, recipe.Plugins[0].Import)

	app := t.TempDir()
	for name, content := range twoDrivers {
		write(t, app, name, content)
	}
	settings, err := os.ReadFile(filepath.Join(docsRoot(t), "vet", "examples", "golangci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, app, ".golangci.yml", string(settings))

	cmd := exec.CommandContext(t.Context(), linter, "run", "--enable-only=roster", "--output.json.path=stdout", "--show-stats=false", "./...")
	cmd.Dir = app
	cmd.Env = modEnv()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		t.Errorf("it found nothing: %s\n%s", out, &stderr)
	}
	var report struct {
		Issues []struct {
			FromLinter, Text string
			Pos              struct {
				Filename string
				Line     int
			}
		}
	}
	if err := json.NewDecoder(strings.NewReader(string(out))).Decode(&report); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, &stderr)
	}
	for _, issue := range report.Issues {
		if issue.FromLinter == "roster" && issue.Pos.Filename == "main.go" && strings.Contains(issue.Text, `"one"`) &&
			strings.Contains(issue.Text, "a/a.go") && strings.Contains(issue.Text, "b/b.go") {
			return
		}
	}
	t.Errorf("it found %+v\n%s", report.Issues, &stderr)
}

func buildGolangciLint(t *testing.T, version, plugin string) string {
	t.Helper()
	const module = "github.com/golangci/golangci-lint/v2"
	download := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", module+"@"+version)
	download.Env = modEnv()
	out, err := download.Output()
	if err != nil {
		t.Fatalf("download %s: %v", module, err)
	}
	var sources struct{ Dir string }
	if err := json.Unmarshal(out, &sources); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "golangci-lint")
	if err := os.CopyFS(dir, os.DirFS(sources.Dir)); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "cmd/golangci-lint/plugins.go", "package main\n\nimport _ \""+plugin+"\"\n")
	root := docsRoot(t)
	goIn(t, dir, "mod", "edit",
		"-replace=github.com/roster-go/roster="+root,
		"-replace=github.com/roster-go/roster/vet="+filepath.Join(root, "vet"),
		"-require=github.com/roster-go/roster/vet@v0.0.0")
	program := filepath.Join(dir, "custom-gcl")
	goIn(t, dir, "build", "-o", program, "./cmd/golangci-lint")
	return program
}

// write makes a file, and the folders that it is in.
func write(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
