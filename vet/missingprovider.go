package vet

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"

	"golang.org/x/tools/go/analysis"

	"github.com/roster-go/roster/vet/internal/survey"
)

// MissingProvider finds names that a program looks up and nothing in it registers.
var MissingProvider = newAnalyzer("missingprovider", `
missingprovider: find names that a program looks up and no package in it registers

Why: the name is a string and its provider a side effect, so that a deleted blank import compiles, passes
the tests of every package, and fails in production.

Wrong:

	db, err := sql.Open("postgres", dsn) // and nothing imports github.com/lib/pq

Right:

	// registers "postgres" (database/sql drivers)
	import _ "github.com/lib/pq"

It is reported where package main, or what it calls, looks the name up. The fix adds the import of the
package that is known to register the name; the module has to be in go.mod.

Silence it with //roster:ignore missingprovider and a reason.
`, func(r *reporter) {
	if !r.isMain() {
		return
	}
	for _, need := range r.survey.Needs {
		if r.inModule(need.Package) && !r.provided(need) {
			r.missing(need)
		}
	}
})

// provided reports whether a name is registered in the package or in what it imports, or may be.
func (r *reporter) provided(need survey.Need) bool {
	p := r.survey.Program
	if slices.Contains(p.Open, need.Registry) {
		return true
	}
	if slices.ContainsFunc(p.Registrations, func(reg survey.Registration) bool {
		return reg.Registry == need.Registry && reg.Name == need.Name
	}) {
		return true
	}
	for _, known := range survey.ProvidersOf(need.Registry, need.Name) {
		if slices.Contains(p.Providers, known.Import) {
			return true
		}
	}
	return false
}

func (r *reporter) missing(need survey.Need) {
	where := ""
	if need.Package != r.Pkg.Path() {
		where = " at " + need.At
	}
	text := fmt.Sprintf("%q is looked up%s in %s, and no package of this program registers it", need.Name, where, need.Registry)
	providers := survey.ProvidersOf(need.Registry, need.Name)
	if len(providers) == 0 {
		r.report(need.Pos, text)
		return
	}
	path := providers[0].Import
	fix := analysis.SuggestedFix{Message: "import " + path}
	for _, file := range r.Files {
		if file.FileStart <= need.Pos && need.Pos < file.FileEnd {
			fix.TextEdits = []analysis.TextEdit{addImport(file, path,
				fmt.Sprintf("registers %q (%s)", need.Name, need.Registry))}
		}
	}
	r.report(need.Pos, fmt.Sprintf("%s: import _ %q", text, path), fix)
}

// addImport imports a package for its side effect, with the reason.
func addImport(file *ast.File, path, reason string) analysis.TextEdit {
	at := file.Name.End()
	text := fmt.Sprintf("\n\n// %s\nimport _ %q", reason, path)
	for _, decl := range file.Decls {
		d, ok := decl.(*ast.GenDecl)
		if !ok || d.Tok != token.IMPORT {
			break
		}
		if d.Rparen.IsValid() {
			return analysis.TextEdit{
				Pos: d.Rparen, End: d.Rparen,
				NewText: fmt.Appendf(nil, "\n\t// %s\n\t_ %q\n", reason, path),
			}
		}
		at = d.End()
	}
	return analysis.TextEdit{Pos: at, End: at, NewText: []byte(text)}
}
