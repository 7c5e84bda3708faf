package drive_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// small is a program with two findings, in one file.
func small(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "go.mod", "module example.com/small\n\ngo 1.26\n")
	write(t, dir, "main.go", `package main

import "os"

var config, err = os.ReadFile("config")

func init() {
	go func() {}()
}

func main() { println(string(config), err) }
`)
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const (
	readFinding = "main.go:5:19: initeffects: this reads or writes files before main starts: os.ReadFile (example.com/small/main.go:5); do it in main, or at the first use\n"
	goFinding   = "main.go:8:2: initeffects: this starts a goroutine before main starts: go statement (example.com/small/main.go:8); start it at the first use, with a way to stop it\n"
)

func TestText(t *testing.T) {
	dir := small(t)
	if code, out, errs := rosterVet(t, dir); code != 1 || out != readFinding+goFinding || errs != "" {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
	if code, out, errs := rosterVet(t, dir, "-only=gobname", "."); code != 0 || out+errs != "" {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
	if code, out, errs := rosterVet(t, t.TempDir(), "-C", dir, "."); code != 1 || out != readFinding+goFinding {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
}

func TestAsVettool(t *testing.T) {
	dir := small(t)
	code, out, errs := command(t, dir, "go", "vet", "-vettool="+program, "./...")
	for _, want := range []string{"main.go:5:19: this reads or writes files", "main.go:8:2: this starts a goroutine"} {
		if code == 0 || !strings.Contains(errs, want) {
			t.Errorf("exit code %d, no %q in %s%s", code, want, out, errs)
		}
	}
	code, version, errs := command(t, dir, program, "-V=full")
	if code != 0 || !strings.Contains(version, " version ") || !strings.Contains(version, "buildID=") {
		t.Errorf("-V=full: exit code %d: %s%s", code, version, errs)
	}
}

func TestWrongUse(t *testing.T) {
	dir := small(t)
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"-format=xml"}, `format "xml" is not text, json or sarif`},
		{[]string{"-write-baseline"}, "name its file"},
		{[]string{"-write-baseline", "-baseline=b", "-fix"}, "in a run of its own"},
		{[]string{"-baseline=none"}, "-write-baseline makes one"},
		{[]string{"-only=nosuch"}, `no analyzer "nosuch"`},
		{[]string{"-nosuch"}, "not defined"},
		{[]string{"./nosuch"}, "nosuch"},
	}
	for _, tt := range tests {
		if code, out, errs := rosterVet(t, dir, tt.args...); code != 2 || !strings.Contains(errs, tt.want) || out != "" {
			t.Errorf("%q: exit code %d, %q, %q", tt.args, code, out, errs)
		}
	}
	write(t, dir, "broken.go", "package main\n\nvar x int = \"\"\n")
	if code, _, errs := rosterVet(t, dir); code != 2 || !strings.Contains(errs, "broken.go:3:13") {
		t.Errorf("a package that does not compile: exit code %d, %q", code, errs)
	}
	if code, _, errs := rosterVet(t, dir, "-h"); code != 0 || !strings.Contains(errs, "missingprovider: find names") {
		t.Errorf("-h: exit code %d, %q", code, errs)
	}
}

func TestBaseline(t *testing.T) {
	dir := small(t)
	if code, out, errs := rosterVet(t, dir, "-baseline=known.txt", "-write-baseline"); code != 0 || out != "" || errs != "known.txt: 2 findings\n" {
		t.Fatalf("exit code %d, %q, %q", code, out, errs)
	}
	if code, out, errs := rosterVet(t, dir, "-baseline=known.txt"); code != 0 || out+errs != "" {
		t.Errorf("old findings: exit code %d, %q, %q", code, out, errs)
	}
	// A line more moves the old findings, and a new one is reported alone.
	source, err := os.ReadFile(filepath.Join(dir, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	moved := strings.Replace(string(source), "func init() {", "\nfunc init() {\n\t_ = os.Remove(\"x\")", 1)
	write(t, dir, "main.go", moved)
	code, out, errs := rosterVet(t, dir, "-baseline=known.txt")
	if code != 1 || !strings.HasPrefix(out, "main.go:9:6: initeffects: ") || strings.Count(out, "\n") != 1 || errs != "" {
		t.Errorf("a new finding: exit code %d, %q, %q", code, out, errs)
	}
	write(t, dir, "main.go", "package main\n\nfunc main() {}\n")
	if code, out, errs := rosterVet(t, dir, "-baseline=known.txt"); code != 0 || out != "" || errs != "known.txt: 2 of its findings are gone: write it again\n" {
		t.Errorf("findings that are gone: exit code %d, %q, %q", code, out, errs)
	}
	write(t, dir, "known.txt", "nonsense\n")
	if code, _, errs := rosterVet(t, dir, "-baseline=known.txt"); code != 2 || !strings.Contains(errs, "with tabs between") {
		t.Errorf("nonsense: exit code %d, %q", code, errs)
	}
}

// TestSARIF checks what the standard demands of a report: see its sections 3.13, 3.14, 3.27 and 3.49.
func TestSARIF(t *testing.T) {
	code, out, errs := rosterVet(t, small(t), "-format=sarif")
	if code != 1 || errs != "" {
		t.Fatalf("exit code %d, %q", code, errs)
	}
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct {
						ID, HelpURI      string
						ShortDescription struct{ Text string }
					}
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI, URIBaseID string }
						Region           struct{ StartLine, StartColumn int }
					}
				}
				PartialFingerprints map[string]string
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || !strings.Contains(log.Schema, "sarif-2.1.0") || len(log.Runs) != 1 {
		t.Fatalf("%s", out)
	}
	run := log.Runs[0]
	if run.Tool.Driver.Name == "" || len(run.Results) != 2 {
		t.Fatalf("%s", out)
	}
	for _, rule := range run.Tool.Driver.Rules {
		if rule.ShortDescription.Text == "" || !strings.HasPrefix(rule.HelpURI, "https://") {
			t.Errorf("rule %+v", rule)
		}
	}
	for i, r := range run.Results {
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID || r.RuleID != "initeffects" || r.Message.Text == "" ||
			!slices.Contains([]string{"error", "warning", "note"}, r.Level) || len(r.PartialFingerprints) == 0 || len(r.Locations) != 1 {
			t.Errorf("result %+v", r)
		}
		at := r.Locations[0].PhysicalLocation
		if at.ArtifactLocation.URI != "main.go" || at.ArtifactLocation.URIBaseID != "%SRCROOT%" || at.Region.StartLine != []int{5, 8}[i] {
			t.Errorf("location %+v", at)
		}
	}
}
