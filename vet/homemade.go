package vet

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"

	"github.com/roster-go/roster/vet/internal/survey"
)

// Homemade finds registries of one's own that lack what a registry needs.
var Homemade = newAnalyzer("homemade", `
homemade: find home-made registries that overwrite silently, have no mutex or no list of names

Why: a map and a function Register are quickly written. What is left out is found in production: the second
of two packages with one name wins without a word, a registration while others look names up ends the
process, and an unknown name fails without saying which names there are.

Wrong:

	var codecs = map[string]Codec{}
	func Register(name string, c Codec) { codecs[name] = c }

Right:

	var codecs = roster.New[Codec](roster.Named("codecs"))
	func Register(name string, c Codec) { codecs.Register(name, c) }

It is reported once for each registry, where it is written, and only if an exported function overwrites
silently: the text then says what else is missing. Registries of plain strings, numbers and booleans are
settings and are left alone.

Silence it with //roster:ignore homemade and a reason.
`, func(r *reporter) {
	for v, writers := range r.survey.Maps {
		for _, d := range writers {
			if d.Name.IsExported() && d.Recv == nil && holdsImplementations(v.Type()) && r.overwrites(v, d) {
				r.report(d.Name.Pos(), fmt.Sprintf("the registry %s %s; package roster has all of that", v.Name(), r.lacks(v, d)))
				break
			}
		}
	}
})

// holdsImplementations reports whether a map has more than plain data for values.
func holdsImplementations(t types.Type) bool {
	m, ok := t.Underlying().(*types.Map)
	if !ok {
		return false
	}
	switch m.Elem().Underlying().(type) {
	case *types.Signature, *types.Interface, *types.Pointer:
		return true
	}
	return false
}

// overwrites reports whether a function writes the map without a look at what is there.
func (r *reporter) overwrites(v *types.Var, d *ast.FuncDecl) bool {
	uses := 0
	asks := false
	ast.Inspect(d.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if r.TypesInfo.Uses[n] == v {
				uses++
			}
		case *ast.IfStmt, *ast.SwitchStmt:
			asks = true
		case *ast.CallExpr:
			if _, ok := n.Fun.(*ast.Ident); ok && !r.TypesInfo.Types[n.Fun].IsType() {
				asks = true // another function may look
			}
		}
		return true
	})
	return uses == 1 && !asks
}

// lacks lists what the registry does without.
func (r *reporter) lacks(v *types.Var, d *ast.FuncDecl) string {
	lacks := []string{"overwrites a name that is taken, silently"}
	if !survey.Locks(d) {
		lacks = append(lacks, "has no mutex")
	}
	if !v.Exported() && !r.listed(v) { // whoever imports it can list what is exported
		lacks = append(lacks, "does not list its names")
	}
	if len(lacks) == 1 {
		return lacks[0]
	}
	return strings.Join(lacks[:len(lacks)-1], ", ") + " and " + lacks[len(lacks)-1]
}

// listed reports whether the map is used as a whole somewhere, and not only by its keys.
func (r *reporter) listed(v *types.Var) bool {
	listed := false
	for _, file := range r.Files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.IndexExpr:
				return r.survey.PackageVar(n.X) != v
			case *ast.Ident:
				listed = listed || r.TypesInfo.Uses[n] == v
			}
			return true
		})
	}
	return listed
}
