package vet

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/types/typeutil"
)

// NilRemove finds nil registered in order to remove a name.
var NilRemove = newAnalyzer("nilremove", `
nilremove: find Register(name, nil), used to remove a name

Why: no registry promises that it removes. Some panic, and in the others the name stays, with a value that
fails at its first use, far from here.

Wrong:

	codecs.Register("old", nil)

Right:

	codecs.Unregister("old") // of a roster.Hot, whose names come and go

The fix is offered for a roster.Hot.

Silence it with //roster:ignore nilremove and a reason.
`, func(r *reporter) {
	for _, c := range r.survey.Calls {
		value := c.Role.Value
		if c.Role.Lookup || value < 0 || value >= len(c.Expr.Args) || value == c.Role.Param {
			continue
		}
		if !r.TypesInfo.Types[c.Expr.Args[value]].IsNil() {
			continue
		}
		r.report(c.Expr.Pos(), fmt.Sprintf(
			"nil is registered in %s: that removes nothing, and the name fails at its first use", c.Role.Registry.ID),
			unregister(r.TypesInfo, c.Expr)...)
	}
})

// unregister is the fix for a registry that can forget a name.
func unregister(info *types.Info, call *ast.CallExpr) []analysis.SuggestedFix {
	fn := typeutil.StaticCallee(info, call)
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if fn == nil || !ok || !strings.HasPrefix(fn.Origin().FullName(), "(*github.com/roster-go/roster.Hot[T]).") || len(call.Args) != 2 {
		return nil
	}
	return []analysis.SuggestedFix{{
		Message: "remove the name",
		TextEdits: []analysis.TextEdit{
			{Pos: sel.Sel.Pos(), End: sel.Sel.End(), NewText: []byte("Unregister")},
			{Pos: call.Args[0].End(), End: call.Rparen},
		},
	}}
}
