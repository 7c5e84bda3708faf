package roster_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// coverageDoc says for each thing Roster promises which test proves it.
const coverageDoc = "docs/coverage.md"

// ledger is how many promises there are under each letter: A1 to A18, B1 to B5 and so on.
var ledger = []struct {
	letter string
	count  int
}{{"A", 18}, {"B", 5}, {"C", 6}, {"D", 11}, {"E", 8}, {"F", 6}, {"G", 8}, {"H", 4}, {"I", 3}}

var (
	// coverageRow is a table row whose first cell is the id of a promise.
	coverageRow = regexp.MustCompile(`^\| *([A-Z][0-9]+) *\|(.*)\|(.*)\|$`)

	// coverageProof is a proof cell: references, and what they leave unproven.
	coverageProof = regexp.MustCompile(`^(.+?)( \(partly: [^()]+\))?$`)

	// coverageReference is one proof: a test file and a function in it.
	coverageReference = regexp.MustCompile("^`([^`#]+_test\\.go)#((?:Test|Example|Fuzz|Benchmark)\\w*)`$")
)

// notYet stands in the proof cell of a promise that nothing proves.
const notYet = "not yet"

func TestCoverageTableIsTrue(t *testing.T) {
	root := houseRoot(t)
	doc, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(coverageDoc)))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range coverageViolations(os.DirFS(root), string(doc)) {
		t.Error(v)
	}
}

func TestCoverageTableThatLiesIsFound(t *testing.T) {
	tree := fstest.MapFS{"p/p_test.go": {Data: []byte(`package p
import "testing"
func TestGood(t *testing.T) { t.Log() }
func TestEmpty(t *testing.T) {}
func ExampleGood() { println() }
type suite struct{}
func (suite) TestMethod() { println() }
`)}}
	tests := []struct {
		name  string
		proof string
		want  string // part of a violation, "" for none
	}{
		{"not yet", "not yet", ""},
		{"one", "`p/p_test.go#TestGood`", ""},
		{"two", "`p/p_test.go#TestGood`, `p/p_test.go#ExampleGood`", ""},
		{"partly", "`p/p_test.go#TestGood` (partly: no reload)", ""},
		{"nothing", "", "proof is empty"},
		{"later", "later", "proof \"later\" is neither"},
		{"partly of nothing", "not yet (partly: no reload)", "proof \"not yet\" is neither"},
		{"empty partly", "`p/p_test.go#TestGood` (partly: )", "is neither"},
		{"no file", "`p/q_test.go#TestGood`", "p/q_test.go: no such file"},
		{"no function", "`p/p_test.go#TestBad`", "p/p_test.go has no func TestBad"},
		{"method", "`p/p_test.go#TestMethod`", "p/p_test.go has no func TestMethod"},
		{"empty", "`p/p_test.go#TestEmpty`", "TestEmpty in p/p_test.go is empty"},
		{"one of two", "`p/p_test.go#TestGood`, `p/p_test.go#TestBad`", "has no func TestBad"},
		{"not a test", "`p/p.go#TestGood`", "is neither"},
		{"twice the same", "`p/p_test.go#TestGood`, `p/p_test.go#TestGood`", "is named twice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := coverageViolations(tree, coverageTable(func(id string) string {
				if id == "C3" {
					return "| C3 | title | " + tt.proof + " |\n"
				}
				return "| " + id + " | title | not yet |\n"
			}))
			if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestCoverageTableThatIsIncompleteIsFound(t *testing.T) {
	tests := []struct {
		name string
		row  string // in place of the row of I3
		want string
	}{
		{"missing", "", "I3 is missing"},
		{"unknown", "| I3 | title | not yet |\n| I4 | title | not yet |\n", "there is no promise I4"},
		{"twice", "| I3 | title | not yet |\n| I3 | title | not yet |\n", "I3 stands here again"},
		{"no title", "| I3 |  | not yet |\n", "I3 has no title"},
		{"long title", "| I3 | " + strings.Repeat("x", maxTitle+1) + " | not yet |\n", "a short title"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := coverageViolations(fstest.MapFS{}, coverageTable(func(id string) string {
				if id == "I3" {
					return tt.row
				}
				return "| " + id + " | title | not yet |\n"
			}))
			if len(got) != 1 || !strings.Contains(got[0], tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// coverageTable is a document with the row of each promise.
func coverageTable(row func(id string) string) string {
	var b strings.Builder
	b.WriteString("# Coverage\n\n| id | promise | proof |\n| --- | --- | --- |\n")
	for _, id := range ledgerIDs() {
		b.WriteString(row(id))
	}
	return b.String()
}

func ledgerIDs() []string {
	var ids []string
	for _, l := range ledger {
		for n := 1; n <= l.count; n++ {
			ids = append(ids, fmt.Sprintf("%s%d", l.letter, n))
		}
	}
	return ids
}

// maxTitle is how long a short title may be, in bytes.
const maxTitle = 120

// coverageViolations lists what is wrong with the table in doc, whose proofs are in fsys.
func coverageViolations(fsys fs.FS, doc string) []string {
	var violations []string
	ids := ledgerIDs()
	seen := make(map[string]bool)
	for i, line := range strings.Split(doc, "\n") {
		cells := coverageRow.FindStringSubmatch(line)
		if cells == nil {
			continue
		}
		complain := func(format string, args ...any) {
			violations = append(violations, fmt.Sprintf("%s:%d: ", coverageDoc, i+1)+fmt.Sprintf(format, args...))
		}
		id, title, proof := cells[1], strings.TrimSpace(cells[2]), strings.TrimSpace(cells[3])
		switch {
		case !slices.Contains(ids, id):
			complain("there is no promise %s", id)
		case seen[id]:
			complain("%s stands here again", id)
		case title == "":
			complain("%s has no title", id)
		case len(title) > maxTitle:
			complain("%s: a short title has at most %d bytes, not %d", id, maxTitle, len(title))
		}
		seen[id] = true
		if why := checkProof(fsys, proof); why != "" {
			complain("%s: %s", id, why)
		}
	}
	for _, id := range ids {
		if !seen[id] {
			violations = append(violations, fmt.Sprintf("%s: %s is missing", coverageDoc, id))
		}
	}
	return violations
}

// checkProof says what is wrong with a proof cell, "" if nothing is.
func checkProof(fsys fs.FS, proof string) string {
	if proof == notYet {
		return ""
	}
	if proof == "" {
		return fmt.Sprintf("proof is empty: write %q", notYet)
	}
	references := strings.Split(coverageProof.FindStringSubmatch(proof)[1], ", ")
	for i, reference := range references {
		ref := coverageReference.FindStringSubmatch(reference)
		if ref == nil {
			return fmt.Sprintf("proof %q is neither %q nor `path/to/file_test.go#TestName`, with (partly: what is missing) at the end if need be",
				reference, notYet)
		}
		if slices.Contains(references[:i], reference) {
			return reference + " is named twice"
		}
		if why := checkFunction(fsys, ref[1], ref[2]); why != "" {
			return why
		}
	}
	return ""
}

// checkFunction says why the function cannot prove anything, "" if it can.
func checkFunction(fsys fs.FS, file, name string) string {
	src, err := fs.ReadFile(fsys, file)
	if err != nil {
		return file + ": no such file"
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, src, parser.SkipObjectResolution)
	if err != nil {
		return err.Error()
	}
	for _, decl := range parsed.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Recv != nil || fn.Name.Name != name {
			continue
		}
		if fn.Body == nil || len(fn.Body.List) == 0 {
			return name + " in " + file + " is empty"
		}
		return ""
	}
	return file + " has no func " + name
}
