package vet

import (
	"fmt"
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/roster-go/roster/vet/internal/survey"
)

// GobName finds names in a registry that change when a package moves.
var GobName = newAnalyzer("gobname", `
gobname: find registered names that depend on a package path

Why: gob.Register names a type after its package path, and reflect.Type.String or %T after its package.
When the package moves or the type is renamed, stored data and other versions of the program do not know
the name any more.

Wrong:

	gob.Register(Order{})

Right:

	gob.RegisterName("order", Order{})

The fix keeps the name that the type has now, so that old data can still be read.

Silence it with //roster:ignore gobname and a reason.
`, func(r *reporter) {
	for _, file := range r.judged() {
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && len(call.Args) == 1 {
				if fn := typeutil.StaticCallee(r.TypesInfo, call); fn != nil && fn.FullName() == "encoding/gob.Register" {
					r.gobRegister(call)
				}
			}
			return true
		})
	}
	for _, c := range r.survey.Calls {
		if c.Role.Lookup || c.Role.Via != "" || c.Role.Param >= len(c.Expr.Args) {
			continue
		}
		if how := typeName(r.TypesInfo, c.Expr.Args[c.Role.Param]); how != "" {
			r.report(c.Expr.Args[c.Role.Param].Pos(), fmt.Sprintf(
				"the name in %s is that of a Go type (%s) and changes when its package moves; write a name of its own", c.Role.Registry.ID, how))
		}
	}
})

func (r *reporter) gobRegister(call *ast.CallExpr) {
	name, ok := gobTypeName(r.TypesInfo.Types[call.Args[0]].Type)
	if !ok {
		return
	}
	var fixes []analysis.SuggestedFix
	if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
		fixes = []analysis.SuggestedFix{{
			Message: "write the name that it has now",
			TextEdits: []analysis.TextEdit{
				{Pos: sel.Sel.Pos(), End: sel.Sel.End(), NewText: []byte("RegisterName")},
				{Pos: call.Args[0].Pos(), End: call.Args[0].Pos(), NewText: fmt.Appendf(nil, "%q, ", name)},
			},
		}}
	}
	r.report(call.Pos(), fmt.Sprintf(
		"gob.Register names this type %q, after its package: data that is stored under it cannot be read once the package moves; use gob.RegisterName", name),
		fixes...)
}

// gobTypeName is the name that gob.Register gives a type of a package that may move: those of the standard
// library do not. See its source for the odd name of a pointer.
func gobTypeName(t types.Type) (string, bool) {
	star := ""
	if p, ok := t.(*types.Pointer); ok {
		star, t = "*", p.Elem()
	}
	named, ok := types.Unalias(t).(*types.Named)
	if !ok || named.Obj().Pkg() == nil || named.TypeArgs().Len() > 0 || types.IsInterface(named) {
		return "", false
	}
	pkg := named.Obj().Pkg()
	if named.Obj().Parent() != pkg.Scope() || survey.IsStandard(pkg.Path()) {
		return "", false
	}
	path := pkg.Path()
	if star != "" || pkg.Name() == "main" {
		path = pkg.Name()
	}
	return star + path + "." + named.Obj().Name(), true
}

// typeName says how an expression makes a name of a type, "" if it does not.
func typeName(info *types.Info, e ast.Expr) string {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return ""
	}
	fn, ok := typeutil.Callee(info, call).(*types.Func)
	if !ok {
		return ""
	}
	switch fn.FullName() {
	case "(reflect.Type).String", "(reflect.Type).Name", "(reflect.Type).PkgPath":
		return "reflect.Type." + fn.Name()
	case "fmt.Sprintf":
		if len(call.Args) == 2 {
			if tv := info.Types[call.Args[0]]; tv.Value != nil && tv.Value.ExactString() == `"%T"` {
				return "%T"
			}
		}
	}
	return ""
}
