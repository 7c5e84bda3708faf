package vet

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/types/typeutil"

	"github.com/roster-go/roster/vet/internal/survey"
)

// ReflectTypeKey finds registries that have types for names.
var ReflectTypeKey = newAnalyzer("reflecttypekey", `
reflecttypekey: find reflect.Type as the key of a registry

Why: a type is no name. It cannot be written in a config file or sent to another program, two versions of
a module have two types for one thing, and T and *T are two keys.

Wrong:

	var handlers = map[reflect.Type]Handler{}
	func Register(event any, h Handler) { handlers[reflect.TypeOf(event)] = h }

Right: register under a name, and let the type say it where that is handy.

	func Register(name string, h Handler) { handlers.Register(name, h) }

Found are package variables that a function of that purpose writes, by its name. A cache that is keyed by
types is no registry, and neither is the index from types to names beside one.

Silence it with //roster:ignore reflecttypekey and a reason.
`, func(r *reporter) {
	for _, file := range r.judged() {
		for _, decl := range file.Decls {
			if d, ok := decl.(*ast.FuncDecl); ok && d.Body != nil && survey.Registers(d.Name.Name) && !r.writesNames(d) {
				r.typeKeys(d)
			}
		}
	}
})

// writesNames reports whether a function registers under a name, too.
func (r *reporter) writesNames(d *ast.FuncDecl) bool {
	found := false
	ast.Inspect(d.Body, func(n ast.Node) bool {
		assign, ok := n.(*ast.AssignStmt)
		if !ok {
			return !found
		}
		for _, lhs := range assign.Lhs {
			if index, ok := lhs.(*ast.IndexExpr); ok && r.survey.PackageVar(index.X) != nil && survey.IsString(r.TypesInfo.TypeOf(index.Index)) {
				found = true
			}
		}
		return !found
	})
	return found
}

func (r *reporter) typeKeys(d *ast.FuncDecl) {
	ast.Inspect(d.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.ASSIGN {
				return true
			}
			for _, lhs := range n.Lhs {
				if index, ok := lhs.(*ast.IndexExpr); ok && isReflectType(r.TypesInfo.Types[index.Index].Type) {
					r.typeKey(n.Pos(), r.survey.PackageVar(index.X))
				}
			}
		case *ast.CallExpr:
			fn := typeutil.StaticCallee(r.TypesInfo, n)
			if fn == nil || fn.FullName() != "(*sync.Map).Store" || !isReflectType(r.TypesInfo.Types[n.Args[0]].Type) {
				return true
			}
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok {
				r.typeKey(n.Pos(), r.survey.PackageVar(sel.X))
			}
		}
		return true
	})
}

func (r *reporter) typeKey(pos token.Pos, v *types.Var) {
	if v == nil {
		return
	}
	r.report(pos, fmt.Sprintf(
		"the registry %s has reflect.Type for keys: a type cannot be named outside this program, and T and *T are two keys; register under a name", v.Name()))
}

func isReflectType(t types.Type) bool { return t != nil && types.TypeString(t, nil) == "reflect.Type" }
