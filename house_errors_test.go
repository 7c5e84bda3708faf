package roster_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// errorsDoc explains every error of the root module.
const errorsDoc = "docs/errors.md"

var (
	errorHeading = regexp.MustCompile(`(?m)^### (\w+\.\w+)$`)
	errorQuote   = regexp.MustCompile(`(?m)^> (.+)$`)
	errorLink    = regexp.MustCompile(`\]\(#(\w+)\)`)

	// analyzerName is how a file of package vet makes an analyzer.
	analyzerName = regexp.MustCompile(`(?m)^var \w+ = newAnalyzer\("(\w+)"`)
)

func TestErrorPageIsComplete(t *testing.T) {
	root := houseRoot(t)
	doc, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(errorsDoc)))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range errorPageViolations(t, os.DirFS(root), string(doc)) {
		t.Error(v)
	}
}

// TestErrorPageQuotesRealTexts: what the page quotes is what the core says, see TestErrorTexts. An ellipsis
// stands for what differs from case to case.
func TestErrorPageQuotesRealTexts(t *testing.T) {
	root := houseRoot(t)
	doc, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(errorsDoc)))
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile(filepath.Join(root, "testdata", "errors.golden"))
	if err != nil {
		t.Fatal(err)
	}
	quotes := errorQuote.FindAllStringSubmatch(string(doc), -1)
	if len(quotes) < 8 {
		t.Errorf("%s has only %d quotes", errorsDoc, len(quotes))
	}
	for _, q := range quotes {
		var parts []string
		for part := range strings.SplitSeq(q[1], "…") {
			parts = append(parts, regexp.QuoteMeta(part))
		}
		if !regexp.MustCompile(strings.Join(parts, ".*")).Match(golden) {
			t.Errorf("%s quotes what the core does not say: %s", errorsDoc, q[1])
		}
	}
}

func TestErrorPageThatLiesIsFound(t *testing.T) {
	tree := fstest.MapFS{
		"go.mod": {Data: []byte("module m\n")},
		"p/p.go": {Data: []byte(`package p
import "errors"
type OneError struct{}
func (*OneError) Error() string { return "" }
type Terror struct{}
type NoError struct{}
type GenericError[T any] struct{}
func (*GenericError[T]) Error() string { return "" }
var ErrTwo = errors.New("two")
`)},
		"p/p_test.go":   {Data: []byte("package p\ntype TestError struct{}\nfunc (*TestError) Error() string { return \"\" }\n")},
		"q/go.mod":      {Data: []byte("module m/q\n")},
		"vet/named.go":  {Data: []byte("package vet\n\nvar Named = newAnalyzer(\"named\", nil)\n")},
		"q/q.go":        {Data: []byte("package q\nimport \"errors\"\nvar ErrQ = errors.New(\"q\")\n")},
		"internal/i.go": {Data: []byte("package internal\nimport \"errors\"\nvar ErrI = errors.New(\"i\")\n")},
	}
	if found := errorPageViolations(t, tree, "### p.OneError\n\n### p.GenericError\n\n### p.ErrTwo\n\n### vet.named\n\nSee [one](#poneerror).\n"); len(found) > 0 {
		t.Errorf("a complete page is faulty: %q", found)
	}
	want := []string{
		`docs/errors.md: no entry "### p.ErrTwo" for the error in p/p.go`,
		`docs/errors.md: no entry "### p.GenericError" for the error in p/p.go`,
		`docs/errors.md: no entry "### vet.named" for the analyzer in vet/named.go`,
		`docs/errors.md: the entry p.Gone is of no error`,
		`docs/errors.md: the link #pgo goes nowhere`,
	}
	if found := errorPageViolations(t, tree, "### p.OneError\n\n### p.Gone\n\n[x](#pgo)\n"); !slices.Equal(found, want) {
		t.Errorf("found %q", found)
	}
}

// errorPageViolations compares the page with the errors of the root module.
func errorPageViolations(t *testing.T, tree fs.FS, doc string) []string {
	t.Helper()
	entries := make(map[string]bool)
	anchors := make(map[string]bool)
	for _, m := range errorHeading.FindAllStringSubmatch(doc, -1) {
		entries[m[1]] = false
		anchors[strings.ToLower(strings.ReplaceAll(m[1], ".", ""))] = true
	}
	var violations []string
	for name, file := range publicErrors(t, tree) {
		if _, ok := entries[name]; !ok {
			violations = append(violations, errorsDoc+`: no entry "### `+name+`" for the error in `+file)
		}
		entries[name] = true
	}
	for name, file := range analyzersIn(t, tree) {
		if _, ok := entries[name]; !ok {
			violations = append(violations, errorsDoc+`: no entry "### `+name+`" for the analyzer in `+file)
		}
		entries[name] = true
	}
	for name, exists := range entries {
		if !exists {
			violations = append(violations, errorsDoc+": the entry "+name+" is of no error")
		}
	}
	for _, m := range errorLink.FindAllStringSubmatch(doc, -1) {
		if !anchors[m[1]] {
			violations = append(violations, errorsDoc+": the link #"+m[1]+" goes nowhere")
		}
	}
	slices.Sort(violations)
	return violations
}

// analyzersIn are the analyzers of module vet, as the page calls them, with their files. Each finding links
// to the entry.
func analyzersIn(t *testing.T, tree fs.FS) map[string]string {
	t.Helper()
	found := make(map[string]string)
	files, err := fs.Glob(tree, "vet/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range analyzerName.FindAllSubmatch(text, -1) {
			found["vet."+string(m[1])] = name
		}
	}
	return found
}

// publicErrors are the exported error types and sentinels of the root module, with their files.
func publicErrors(t *testing.T, tree fs.FS) map[string]string {
	t.Helper()
	found := make(map[string]string)
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, inner := fs.Stat(tree, path.Join(name, "go.mod"))
			if base := path.Base(name); name != "." && (inner == nil || base == "internal" || base == "testdata" || base[0] == '.') {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			for _, e := range errorsIn(decl) {
				found[file.Name.Name+"."+e] = name
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// errorsIn are the errors that a declaration makes: the receiver of a method Error, and variables Err….
func errorsIn(decl ast.Decl) []string {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || d.Name.Name != "Error" {
			return nil
		}
		expr := d.Recv.List[0].Type
		if star, ok := expr.(*ast.StarExpr); ok {
			expr = star.X
		}
		if generic, ok := expr.(*ast.IndexExpr); ok {
			expr = generic.X
		}
		if name, ok := expr.(*ast.Ident); ok && name.IsExported() {
			return []string{name.Name}
		}
	case *ast.GenDecl:
		var names []string
		for _, spec := range d.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok {
				for _, name := range v.Names {
					if strings.HasPrefix(name.Name, "Err") && d.Tok.String() == "var" {
						names = append(names, name.Name)
					}
				}
			}
		}
		return names
	}
	return nil
}
