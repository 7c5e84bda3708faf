package e2e_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// outputComment starts what an example has to print, which documents leave out.
var outputComment = regexp.MustCompile(`(?im)^[ \t]*//[ \t]*(unordered )?output:`)

// checkCode checks that a go block is code that the tests run: it equals a function, the
// body of a function or a whole file, named by its comment. A program counts as run if a
// test stands beside it or if one of commands runs it.
func checkCode(root string, b docBlock, commands []docCommand) error {
	if b.notRun != "" {
		return nil
	}
	if b.code == "" {
		return fmt.Errorf("%s: this go block is not proven to run: put <!-- code: path/to/file.go#Func --> before it", b)
	}
	name, function, _ := strings.Cut(b.code, "#")
	source, err := readCompiled(root, name)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", b, b.code, err)
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("%s: %w", b, err)
	}
	if err := checkRuns(root, name, function, file, source, commands); err != nil {
		return fmt.Errorf("%s: %s: %w", b, b.code, err)
	}

	wanted := []string{string(source)}
	if function != "" {
		if wanted = functionTexts(fset, file, source, function); wanted == nil {
			return fmt.Errorf("%s: %s has no func %s", b, name, function)
		}
	}
	got, err := formatted(b.text())
	if err != nil {
		return fmt.Errorf("%s: this go block does not parse: %w", b, err)
	}
	for i := range wanted {
		if wanted[i], err = formatted(wanted[i]); err != nil {
			return fmt.Errorf("%s: %s: %w", b, b.code, err)
		}
	}
	if !slices.Contains(wanted, got) {
		return fmt.Errorf("%s: this go block is not %s, which reads:\n%s", b, b.code, wanted[len(wanted)-1])
	}
	return nil
}

// readCompiled reads a Go file that the go command compiles on this machine.
func readCompiled(root, name string) ([]byte, error) {
	if path.Ext(name) != ".go" || !filepath.IsLocal(name) {
		return nil, errors.New("is not a Go file of this repository")
	}
	for element := range strings.SplitSeq(name, "/") {
		if element == "testdata" || strings.HasPrefix(element, "_") || strings.HasPrefix(element, ".") {
			return nil, fmt.Errorf("the go command does not compile %s", element)
		}
	}
	full := filepath.Join(root, filepath.FromSlash(name))
	source, err := os.ReadFile(full)
	if err != nil {
		return nil, fmt.Errorf("read the code: %w", err)
	}
	match, err := build.Default.MatchFile(filepath.Dir(full), filepath.Base(full))
	if err != nil || !match {
		return nil, errors.Join(errors.New("build constraints exclude it"), err)
	}
	return source, nil
}

// checkRuns checks that a test or a document runs the function, or something of the file
// if function is empty.
func checkRuns(root, name, function string, file *ast.File, source []byte, commands []docCommand) error {
	dir := path.Dir(name)
	if strings.HasSuffix(name, "_test.go") {
		for _, decl := range file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || function != "" && fn.Name.Name != function {
				continue
			}
			text := source[fn.Pos()-file.FileStart : fn.End()-file.FileStart]
			example := strings.HasPrefix(fn.Name.Name, "Example") && outputComment.Match(text)
			if example || strings.HasPrefix(fn.Name.Name, "Test") {
				return nil
			}
		}
		return errors.New("it is neither a test nor an example with an Output comment, so nothing runs it")
	}
	tests, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(dir), "*_test.go"))
	if err != nil {
		return fmt.Errorf("look for tests beside it: %w", err)
	}
	if len(tests) > 0 {
		return nil
	}
	goRun := regexp.MustCompile(`\bgo run (-\S+ )*\./` + regexp.QuoteMeta(dir) + `(\s|$)`)
	if slices.ContainsFunc(commands, func(c docCommand) bool { return goRun.MatchString(c.text) }) {
		return nil
	}
	return fmt.Errorf("no test beside it and no `go run ./%s` in the documents runs it", dir)
}

// functionTexts are the texts that a document may show for a function: the declaration,
// its body, and its body without the Output comment. It is nil if there is no such function.
func functionTexts(fset *token.FileSet, file *ast.File, source []byte, function string) []string {
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Name.Name != function || fn.Body == nil {
			continue
		}
		offset := func(pos token.Pos) int { return fset.Position(pos).Offset }
		declaration := string(source[offset(fn.Pos()):offset(fn.End())])
		body := string(source[offset(fn.Body.Lbrace)+1 : offset(fn.Body.Rbrace)])
		texts := []string{declaration, body}
		if at := outputComment.FindStringIndex(body); at != nil {
			texts = append(texts, body[:at[0]])
		}
		return texts
	}
	return nil
}

// formatted is source, which may be a list of statements, as gofmt writes it, without
// indentation and empty lines around it.
func formatted(source string) (string, error) {
	out, err := format.Source([]byte(strings.Trim(source, "\r\n") + "\n"))
	if err != nil {
		return "", fmt.Errorf("gofmt: %w", err)
	}
	return strings.TrimSpace(dedent(string(out))), nil
}

// dedent removes the tabs that all lines of text share.
func dedent(text string) string {
	lines := strings.Split(text, "\n")
	shared := -1
	for _, line := range lines {
		if tabs := len(line) - len(strings.TrimLeft(line, "\t")); line != "" && (shared < 0 || tabs < shared) {
			shared = tabs
		}
	}
	for i, line := range lines {
		lines[i] = line[min(max(shared, 0), len(line)):]
	}
	return strings.Join(lines, "\n")
}

func TestCheckCode(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"p/example_test.go": "package p_test\n\nimport \"fmt\"\n\nfunc Example() {\n\tif true {\n\t\tfmt.Println(1) // one\n\t}\n\n" +
			"\t// Output: 1\n}\n\nfunc Example_silent() {\n\tfmt.Println(1)\n}\n\nfunc TestIt() {\n\tfmt.Println(2)\n}\n",
		"cmd/alone/main.go":  "package main\n\nfunc main() { println(1) }\n",
		"cmd/tested/main.go": "package main\n\nfunc main() { println(1) }\n", "cmd/tested/main_test.go": "package main\n",
		"testdata/a.go": "package a\n",
		"ignored/a.go":  "//go:build ignore\n\npackage a\n",
	} {
		full := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	body := "if true {\n\tfmt.Println(1) // one\n}"
	program := "package main\n\nfunc main() { println(1) }"

	tests := []struct {
		name, code, text string
		command          string // that a document runs
		err              string // part of the error
	}{
		{"body", "p/example_test.go#Example", body, "", ""},
		{"body in spaces", "p/example_test.go#Example", strings.ReplaceAll(body, "\t", "    "), "", ""},
		{"body with output", "p/example_test.go#Example", body + "\n\n// Output: 1", "", ""},
		{"declaration", "p/example_test.go#TestIt", "func TestIt() {\n\tfmt.Println(2)\n}", "", ""},
		{"program with test", "cmd/tested/main.go", program, "", ""},
		{"main with test", "cmd/tested/main.go#main", "println(1)", "", ""},
		{"program that a document runs", "cmd/alone/main.go", program, "go run ./cmd/alone now", ""},
		{"program that a document runs with a flag", "cmd/alone/main.go", program, "go run -race ./cmd/alone", ""},
		{"nothing named", "", body, "", "d.md:7: this go block is not proven to run"},
		{"other body", "p/example_test.go#Example", "fmt.Println(3)", "", "d.md:7: this go block is not p/example_test.go#Example"},
		{"other comment", "p/example_test.go#Example", strings.ReplaceAll(body, "one", "two"), "", "this go block is not"},
		{"not Go", "p/example_test.go#Example", "if {", "", "d.md:7: this go block does not parse"},
		{"no such file", "p/q_test.go#Example", body, "", "no such file"},
		{"no such function", "cmd/tested/main.go#run", body, "", "cmd/tested/main.go has no func run"},
		{"example without output", "p/example_test.go#Example_silent", "fmt.Println(1)", "", "nothing runs it"},
		{"program that nobody runs", "cmd/alone/main.go", program, "go run ./cmd/alonely", "runs it"},
		{"test data", "testdata/a.go", "package a", "", "does not compile testdata"},
		{"excluded", "ignored/a.go", "package a", "", "build constraints"},
		{"outside", "../a.go", "package a", "", "is not a Go file of this repository"},
		{"not a Go file", "go.mod", "package a", "", "is not a Go file of this repository"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := docBlock{doc: "d.md", line: 7, lang: "go", code: tt.code, lines: strings.Split(tt.text, "\n")}
			err := checkCode(root, b, []docCommand{{text: tt.command}})
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("got error %v, want %q", err, tt.err)
			}
		})
	}
}
