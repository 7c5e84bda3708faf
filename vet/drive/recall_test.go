package drive_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// seeded are the defects in testdata/recall: an analyzer, and the one line of a file that it has to name.
var seeded = []struct {
	analyzer, file, line string
	fixed                bool // -fix mends it
}{
	{"blankimport", "main.go", `	_ "example.com/recall/gzip"`, true},
	{"blankimport", "main.go", `	_ "example.com/recall/plain"`, false},
	{"duplicatename", "main.go", `	_ "example.com/recall/turbo"`, false},
	{"missingprovider", "main.go", `	db, err := sql.Open("postgres", os.Getenv("DSN"))`, true},
	{"globalregistry", "codecs/codecs.go", `func Register(name string, c Codec) { codecs[name] = c }`, false},
	{"homemade", "codecs/codecs.go", `func Register(name string, c Codec) { codecs[name] = c }`, false},
	{"reflecttypekey", "codecs/codecs.go", `func RegisterFor(v any, c Codec) { byTypes[reflect.TypeOf(v)] = c }`, false},
	{"initlookup", "server/server.go", `var compress, errCompress = codecs.Get("gzip")`, false},
	{"initeffects", "server/server.go", `	dial()`, false},
	{"initeffects", "server/server.go", `	time.Sleep(time.Microsecond)`, false},
	{"initeffects", "server/server.go", `	go watch()`, false},
	{"initeffects", "server/server.go", `	_, _ = os.ReadFile("server.conf")`, false},
	{"gobname", "server/server.go", `	gob.Register(Order{})`, true},
	{"lateregister", "server/server.go", `	sql.Register("tenant", drv{})`, false},
	{"lateregister", "server/server.go", `	go func() { sql.Register("slow", drv{}) }()`, false},
	{"nilremove", "server/server.go", `	hooks.Register("start", nil)`, true},
}

// TestRecall: a program that compiles has every defect. All are found, each at its line, and nothing else;
// the fixes compile and silence what they mend.
func TestRecall(t *testing.T) {
	dir := recallProgram(t)
	goCommand(t, dir, "build", "./...")

	var want, left []string
	for _, s := range seeded {
		at := fmt.Sprintf("%s:%d %s", s.file, lineOf(t, filepath.Join(dir, s.file), s.line), s.analyzer)
		want = append(want, at)
		if !s.fixed {
			left = append(left, s.file+" "+s.analyzer)
		}
	}
	slices.Sort(want)
	slices.Sort(left)
	code, out, errs := rosterVet(t, dir, "-advice", "-format=json", "./...")
	if code != 1 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	if got := places(t, out, true); !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"), out)
	}

	code, out, errs = rosterVet(t, dir, "-advice", "-fix", "-format=json", "./...")
	if code != 1 || errs != "" {
		t.Fatalf("-fix: exit code %d: %s", code, errs)
	}
	if got := places(t, out, false); !slices.Equal(got, left) {
		t.Errorf("-fix left\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(left, "\n"))
	}
	goCommand(t, dir, "build", "./...")
	for name, text := range map[string]string{
		"main.go":          "\t// registers \"postgres\" (database/sql drivers)\n\t_ \"github.com/lib/pq\"\n)",
		"server/server.go": "gob.RegisterName(\"example.com/recall/server.Order\", Order{})",
	} {
		source, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(source), text) {
			t.Errorf("%s has no %q after -fix:\n%s", name, text, source)
		}
	}
	unformatted, err := exec.CommandContext(t.Context(), "gofmt", "-l", dir).Output()
	if err != nil || len(unformatted) > 0 {
		t.Errorf("gofmt -l: %v %s", err, unformatted)
	}
}

// recallProgram copies testdata/recall to a folder of its own.
func recallProgram(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "recall"))); err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"go.mod", "pq/go.mod"} {
		text, err := os.ReadFile(filepath.Join(dir, name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.ReplaceAll(text, []byte("ROSTER"), []byte(filepath.ToSlash(root)))
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// lineOf is the number of the one line of a file that is text.
func lineOf(t *testing.T, file, text string) int {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(source), "\n")
	i := slices.Index(lines, text)
	if i < 0 || slices.Contains(lines[i+1:], text) {
		t.Fatalf("%s has not one line %q", file, text)
	}
	return i + 1
}

// places are the findings of a JSON report, sorted, as file, line and analyzer.
func places(t *testing.T, report string, lines bool) []string {
	t.Helper()
	var parsed struct {
		Findings []struct {
			Analyzer, File, URL string
			Line                int
		}
	}
	if err := json.Unmarshal([]byte(report), &parsed); err != nil {
		t.Fatalf("%v: %s", err, report)
	}
	var found []string
	for _, f := range parsed.Findings {
		if !strings.HasSuffix(f.URL, "#vet"+f.Analyzer) {
			t.Errorf("%s has the URL %q", f.Analyzer, f.URL)
		}
		at := f.File
		if lines {
			at = fmt.Sprintf("%s:%d", f.File, f.Line)
		}
		found = append(found, at+" "+f.Analyzer)
	}
	slices.Sort(found)
	return found
}
