package compose

import (
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
)

func TestParseProvider(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Provider{
		"example.com/a":                  {Path: "example.com/a"},
		"example.com/a@v1.2.3":           {Path: "example.com/a", Version: "v1.2.3"},
		"example.com/a@latest":           {Path: "example.com/a", Version: "latest"},
		"example.com/a=../a":             {Path: "example.com/a", Local: "../a"},
		"example.com/a@v1.2.3=/srv/a=b@": {Path: "example.com/a", Version: "v1.2.3", Local: "/srv/a=b@"},
	} {
		want.For = "--with"
		got, err := ParseProvider(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"":                "names no package",
		"@v1.0.0":         "names no package",
		"-modfile=x":      "names no package",
		"a b":             "names no package",
		"./local":         "is a folder: write import/path=./local",
		"/srv/local":      "is a folder",
		"example.com/a@":  "has no version after its @",
		"example.com/a@=": "has no version after its @",
		"example.com/a=":  "has no folder after its =",
	} {
		if _, err := ParseProvider(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

// FuzzGenerate checks that whatever is asked for, the generated file is Go that imports
// just that.
func FuzzGenerate(f *testing.F) {
	f.Add("example.com/a@v1.2.3=./a", "sql-drivers\nimport \"os\"")
	f.Add("example.com/*/a", "x")
	f.Add("a\u2028b=\n)", "--with")
	f.Fuzz(func(t *testing.T, text, why string) {
		p, err := ParseProvider(text)
		if err != nil {
			return
		}
		p.For = why
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", generate("host", []Provider{p}, map[string][]string{p.Path: {why}}), 0)
		if err != nil {
			if strings.Contains(err.Error(), "invalid import path") || strings.Contains(err.Error(), "illegal") {
				return // the compiler says so, and names it
			}
			t.Fatal(err)
		}
		if len(file.Imports) != 1 || file.Imports[0].Path.Value != strconv.Quote(p.Path) || len(file.Decls) != 1 {
			t.Errorf("%q became %d declarations with imports %v", text, len(file.Decls), file.Imports)
		}
	})
}
