package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A lifecycle is a type, so that misuse does not compile. Each file in testdata/misuse is
// type-checked on its own; a comment want `regexp` demands an error on its line, and there
// may be no other. The files whose names start with fine_ are the control: they compile.
func TestMisuseDoesNotCompile(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/misuse/*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	compiled := compiledPackages(t, fset, docsRoot(t), ".", "./collector")
	fine, misused := 0, 0
	for _, file := range files {
		faults, wants, err := checkSnippet(fset, compiled, file, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, fault := range faults {
			t.Error(fault)
		}
		control := strings.HasPrefix(filepath.Base(file), "fine_")
		if control != (wants == 0) {
			t.Errorf("%s: wants %d errors; a control wants none, the others want some", file, wants)
		}
		if control {
			fine++
		}
		misused += wants
	}
	if fine == 0 || misused < 50 {
		t.Errorf("%d controls and %d misuses in %d files, which is too few", fine, misused, len(files))
	}
}

// The check itself can fail, in both directions.
func TestCheckSnippet(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	const head = "package p\n\nfunc f(n int) {\n"
	for name, test := range map[string]struct {
		line  string
		wants int
		fault string // the only one, or none if empty
	}{
		"fine":             {"_ = n", 0, ""},
		"wanted":           {"n.Replace() // want `Replace undefined`", 1, ""},
		"wanted, quoted":   {`n.Replace() // want "Replace undef[a-z]+"`, 1, ""},
		"two on a line":    {"n.A(); n.B() // want `A undefined` `B undefined`", 2, ""},
		"unwanted":         {"n.Replace()", 0, "x.go:4: error that nothing wants: n.Replace undefined (type int has no field or method Replace)"},
		"it compiles":      {"_ = n // want `undefined`", 1, "x.go:4: it compiles, or with another error than \"undefined\""},
		"another error":    {"n.Replace() // want `cannot use`", 1, "x.go:4: it compiles, or with another error than \"cannot use\""},
		"one is not there": {"n.A() // want `A undefined` `B undefined`", 2, "x.go:4: it compiles, or with another error than \"B undefined\""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faults, wants, err := checkSnippet(fset, nil, "x.go", []byte(head+test.line+"\n}\n"))
			if err != nil {
				t.Fatal(err)
			}
			if wants != test.wants {
				t.Errorf("%d wants, want %d", wants, test.wants)
			}
			if test.fault == "" && len(faults) > 0 || test.fault != "" && !slices.Contains(faults, test.fault) {
				t.Errorf("faults %q, want %q", faults, test.fault)
			}
		})
	}
	for _, broken := range []string{"n. // want `x`", "_ = n // want undefined", "_ = n // want `(`"} {
		if _, _, err := checkSnippet(fset, nil, "x.go", []byte(head+broken+"\n}\n")); err == nil {
			t.Errorf("no error for %q", broken)
		}
	}
}

// compiledPackages imports packages and what they import, as the go command compiles them.
func compiledPackages(t *testing.T, fset *token.FileSet, dir string, packages ...string) types.Importer {
	t.Helper()
	args := append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}"}, packages...)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	stderr := new(bytes.Buffer)
	cmd.Stderr = stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list -export: %v\n%s", err, stderr)
	}
	files := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		files[path] = file
	}
	return importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		if files[path] == "" {
			return nil, fmt.Errorf("%s is not imported by any of %q", path, packages)
		}
		return os.Open(files[path])
	})
}

// checkSnippet type-checks one file and returns where errors and wants differ, and how many
// errors are wanted. The source is read from the file if it is nil.
func checkSnippet(fset *token.FileSet, imports types.Importer, name string, source []byte) (faults []string, wants int, err error) {
	var src any
	if source != nil {
		src = source
	}
	file, err := parser.ParseFile(fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, 0, err
	}
	wanted, err := wantedErrors(fset, file)
	if err != nil {
		return nil, 0, err
	}
	for _, patterns := range wanted {
		wants += len(patterns)
	}
	config := types.Config{Importer: imports, Error: func(err error) {
		var e types.Error
		if !errors.As(err, &e) {
			faults = append(faults, err.Error())
			return
		}
		line := fset.Position(e.Pos).Line
		i := slices.IndexFunc(wanted[line], func(p *regexp.Regexp) bool { return p.MatchString(e.Msg) })
		if i < 0 {
			faults = append(faults, fmt.Sprintf("%s:%d: error that nothing wants: %s", name, line, e.Msg))
			return
		}
		wanted[line] = slices.Delete(wanted[line], i, i+1)
	}}
	_, _ = config.Check(file.Name.Name, fset, []*ast.File{file}, nil) // its error is the first that Error got
	for line, patterns := range wanted {
		for _, p := range patterns {
			faults = append(faults, fmt.Sprintf("%s:%d: it compiles, or with another error than %q", name, line, p))
		}
	}
	return faults, wants, nil
}

// wantedErrors are the patterns of the comments want, by line.
func wantedErrors(fset *token.FileSet, file *ast.File) (map[int][]*regexp.Regexp, error) {
	wanted := make(map[int][]*regexp.Regexp)
	for _, group := range file.Comments {
		for _, comment := range group.List {
			rest, isWant := strings.CutPrefix(comment.Text, "// want ")
			at := fset.Position(comment.Pos())
			for isWant && strings.TrimSpace(rest) != "" {
				rest = strings.TrimSpace(rest)
				quoted, err := strconv.QuotedPrefix(rest)
				if err != nil {
					return nil, fmt.Errorf("%s: want is followed by quoted patterns: %s", at, rest)
				}
				pattern, err := strconv.Unquote(quoted)
				if err != nil {
					return nil, fmt.Errorf("%s: %s: %w", at, quoted, err)
				}
				compiled, err := regexp.Compile(pattern)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", at, err)
				}
				wanted[at.Line] = append(wanted[at.Line], compiled)
				rest = rest[len(quoted):]
			}
		}
	}
	return wanted, nil
}
