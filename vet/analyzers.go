package vet

import (
	"go/ast"
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"

	"github.com/roster-go/roster/vet/internal/survey"
)

// docURL is where each analyzer is explained.
const docURL = "https://github.com/roster-go/roster/blob/main/docs/errors.md#vet"

// Analyzers returns all analyzers, by name. The slice is the caller's own.
func Analyzers() []*analysis.Analyzer {
	return []*analysis.Analyzer{
		BlankImport,
		DuplicateName,
		GlobalRegistry,
		GobName,
		Homemade,
		Ignore,
		InitEffects,
		InitLookup,
		LateRegister,
		MissingProvider,
		NilRemove,
		ReflectTypeKey,
	}
}

// newAnalyzer fills in what all analyzers share.
func newAnalyzer(name, doc string, run func(*reporter)) *analysis.Analyzer {
	return &analysis.Analyzer{
		Name:     name,
		Doc:      strings.TrimSpace(doc),
		URL:      docURL + name,
		Requires: []*analysis.Analyzer{survey.Analyzer},
		Run: func(pass *analysis.Pass) (any, error) {
			r := &reporter{Pass: pass, survey: survey.Of(pass), skipped: make(map[*token.File]bool)}
			for _, file := range pass.Files {
				name := pass.Fset.Position(file.FileStart).Filename
				if strings.HasSuffix(name, "_test.go") || ast.IsGenerated(file) {
					r.skipped[pass.Fset.File(file.FileStart)] = true
				}
			}
			run(r)
			return nil, nil
		},
	}
}

// A reporter is a pass that respects comments which silence it, and files that are not judged.
type reporter struct {
	*analysis.Pass

	survey  *survey.Result
	skipped map[*token.File]bool
}

func (r *reporter) report(pos token.Pos, message string, fixes ...analysis.SuggestedFix) {
	if !pos.IsValid() || r.skipped[r.Fset.File(pos)] || r.survey.Silent.At(r.Fset, pos, r.Analyzer.Name) {
		return
	}
	r.Report(analysis.Diagnostic{Pos: pos, Message: message, SuggestedFixes: fixes})
}

// judged are the files that are looked at.
func (r *reporter) judged() []*ast.File {
	var files []*ast.File
	for _, f := range r.Files {
		if !r.skipped[r.Fset.File(f.FileStart)] {
			files = append(files, f)
		}
	}
	return files
}

// isMain reports whether the package is a program; the main of a test binary is not one.
func (r *reporter) isMain() bool {
	return r.Pkg.Name() == "main" && !strings.HasSuffix(r.Pkg.Path(), ".test")
}

// inModule reports whether a package belongs to the module that is analysed.
func (r *reporter) inModule(path string) bool {
	if path == r.Pkg.Path() {
		return true
	}
	if r.Module == nil || r.Module.Path == "" {
		return false
	}
	return path == r.Module.Path || strings.HasPrefix(path, r.Module.Path+"/")
}
