package vet

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/analysis"

	"github.com/roster-go/roster/vet/internal/survey"
)

// BlankImport finds blank imports that do nothing, or do not say what they are for.
var BlankImport = newAnalyzer("blankimport", `
blankimport: find blank imports without a reason, or that register nothing

Why: nothing in the code mentions a package that is imported for its side effect. Without a comment,
somebody deletes it, and the program fails when it looks the name up. An import that no longer registers
anything is a promise that nobody keeps.

Wrong:

	import _ "github.com/lib/pq"

Right:

	// registers "postgres" (database/sql drivers)
	import _ "github.com/lib/pq"

A comment above the first of several imports counts for all of them up to the next empty line. A file with
nothing but imports needs none. The fix writes the comment where it is known what the package registers.

Silence it with //roster:ignore blankimport and a reason; any reason is a comment already.
`, func(r *reporter) {
	for _, file := range r.judged() {
		for _, decl := range file.Decls {
			if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.IMPORT {
				r.blankImports(file, d)
			}
		}
	}
})

// onPurpose are words of a comment on an import that is not for registering anything.
var onPurpose = regexp.MustCompile(
	`(?i)\b(pin|pins|pinned|keep|keeps|vendor|go\.mod|depend\w*|linkname|tool|tools|doc|docs|godoc|embed|generat\w*|build|mod tidy|version)\b`)

// forCompiler are packages that are imported for what the compiler makes of it.
var forCompiler = []string{"C", "embed", "unsafe", "runtime/cgo", "structs"}

func (r *reporter) blankImports(file *ast.File, d *ast.GenDecl) {
	reason := commentText(d.Doc)
	last := r.Fset.Position(d.Pos()).Line
	for _, s := range d.Specs {
		spec, ok := s.(*ast.ImportSpec)
		if !ok {
			continue
		}
		start := spec.Pos()
		if spec.Doc != nil {
			start = spec.Doc.Pos()
		}
		if r.Fset.Position(start).Line > last+1 {
			reason = r.above(file, spec, last)
		}
		last = r.Fset.Position(spec.End()).Line
		if spec.Doc != nil {
			reason = commentText(spec.Doc)
		}
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil || spec.Name == nil || spec.Name.Name != "_" || slices.Contains(forCompiler, path) {
			continue
		}
		r.blankImport(file, d, spec, path, reason+commentText(spec.Comment))
	}
}

// above is the comment between the last import and this one, if an empty line separates it from neither.
func (r *reporter) above(file *ast.File, spec *ast.ImportSpec, last int) string {
	line := r.Fset.Position(spec.Pos()).Line
	for _, group := range file.Comments {
		if start := r.Fset.Position(group.Pos()).Line; start > last && r.Fset.Position(group.End()).Line == line-1 {
			return commentText(group)
		}
	}
	return ""
}

// commentText is what comments say to a reader, which a directive to a linter may do as well, after its
// second slashes: //nolint:revive // registers "postgres".
func commentText(group *ast.CommentGroup) string {
	if group == nil {
		return ""
	}
	text := strings.TrimSpace(group.Text())
	for _, c := range group.List {
		if directive, ok := strings.CutPrefix(c.Text, "//nolint"); ok && text == "" {
			_, reason, _ := strings.Cut(directive, "//")
			text = strings.TrimSpace(reason)
		}
	}
	return text
}

func (r *reporter) blankImport(file *ast.File, d *ast.GenDecl, spec *ast.ImportSpec, path, reason string) {
	var fact survey.Package
	known := false
	for _, imported := range r.Pkg.Imports() {
		if imported.Path() == path {
			known = r.survey.Import(imported, &fact)
		}
	}
	if known && !fact.Acts {
		if !onPurpose.MatchString(reason) {
			r.report(spec.Pos(), fmt.Sprintf(
				"import _ %q registers nothing: neither the package nor what it imports has anything that runs at its import; delete the import",
				path))
		}
		return
	}
	if reason != "" || !hasCode(file) {
		return
	}
	what := registers(path, fact.Registrations)
	if what == "" {
		r.report(spec.Pos(), fmt.Sprintf("import _ %q has no comment that says what it is for", path))
		return
	}
	at, text := spec.Pos(), "// "+what+"\n\t"
	if !d.Lparen.IsValid() {
		at, text = d.Pos(), "// "+what+"\n"
	}
	r.report(spec.Pos(), fmt.Sprintf("import _ %q has no comment that says what it is for: it %s", path, what),
		analysis.SuggestedFix{
			Message:   "say what the import registers",
			TextEdits: []analysis.TextEdit{{Pos: at, End: at, NewText: []byte(text)}},
		})
}

// hasCode reports whether a file has more than imports.
func hasCode(file *ast.File) bool {
	return slices.ContainsFunc(file.Decls, func(d ast.Decl) bool {
		g, ok := d.(*ast.GenDecl)
		return !ok || g.Tok != token.IMPORT
	})
}

// A comment lists up to maxRegistered names, and only counts them from manyRegistered on.
const (
	maxRegistered  = 3
	manyRegistered = 50
)

// registers says what a package registers, "" if it is not known.
func registers(path string, all []survey.Registration) string {
	var registry string
	var names []string
	for _, reg := range all {
		if reg.Package == path && reg.Phase == survey.InInit && (registry == "" || registry == reg.Registry) {
			registry = reg.Registry
			names = append(names, reg.Name)
		}
	}
	if len(names) == 0 {
		registry, names = survey.ProvidedBy(path)
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	names = slices.Compact(names)
	more := ""
	if len(names) > manyRegistered {
		return fmt.Sprintf("registers %d names (%s)", len(names), registry)
	}
	if len(names) > maxRegistered {
		more = fmt.Sprintf(" and %d more", len(names)-maxRegistered)
		names = names[:maxRegistered]
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(name)
	}
	return "registers " + strings.Join(quoted, ", ") + more + " (" + registry + ")"
}
