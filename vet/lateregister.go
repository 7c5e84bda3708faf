package vet

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"

	"github.com/roster-go/roster/vet/internal/survey"
)

// LateRegister finds registrations that happen when the program is running already.
var LateRegister = newAnalyzer("lateregister", `
lateregister: find registrations outside start-up or in a goroutine

Why: most registries are filled while the program starts, by one goroutine, and are read without a lock
afterwards. Whoever registers later races with every lookup, and code that runs twice panics the second
time.

Wrong:

	func handle(w http.ResponseWriter, r *http.Request) { sql.Register("tenant", driver{}) }
	func init() { go sql.Register("slow", driver{}) }

Right:

	func init() { sql.Register("tenant", driver{}) }

For names that come and go while the program runs, use a roster.Hot.

Found are registrations in a goroutine, in an HTTP handler, and of a constant name in a constructor, whose
second call panics. Registries that may be written at any time are left alone, unless a taken name panics.

Silence it with //roster:ignore lateregister and a reason.
`, func(r *reporter) {
	for _, c := range r.survey.Calls {
		if c.Role.Lookup {
			continue
		}
		registry := c.Role.Registry
		once := len(c.Names) > 0 && !c.Guarded && !c.Stored && registry.Panics
		switch {
		case c.Spawned && !registry.Anytime:
			r.report(c.Expr.Pos(), fmt.Sprintf(
				"this registers in %s from a goroutine, while others may look names up; register in init or in main", registry.ID))
		case c.Func != nil && handles(r.TypesInfo, c.Func) && (once || !registry.Anytime):
			r.report(c.Expr.Pos(), fmt.Sprintf(
				"this registers in %s for each request; register in init or in main, or use a registry that may change", registry.ID))
		case c.Func != nil && constructs(c.Func) && once:
			r.report(c.Expr.Pos(), fmt.Sprintf(
				"%s registers %q in %s each time it is called, and the second time panics; register in init", c.Func.Name.Name, c.Names[0], registry.ID))
		}
	}
	for _, reg := range r.survey.Spawned {
		if known := survey.Known(reg.Registry); !known.Anytime && !known.Inferred {
			r.report(reg.Pos, fmt.Sprintf(
				"this registers %q in %s from a goroutine, at %s; register in init or in main", reg.Name, reg.Registry, reg.At))
		}
	}
})

// handles reports whether a function is an HTTP handler: it has a request.
func handles(info *types.Info, d *ast.FuncDecl) bool {
	fn, ok := info.Defs[d.Name].(*types.Func)
	if !ok {
		return false
	}
	for param := range fn.Signature().Params().Variables() {
		if types.TypeString(param.Type(), nil) == "*net/http.Request" {
			return true
		}
	}
	return false
}

// constructs reports whether a function makes something each time it is called.
func constructs(d *ast.FuncDecl) bool {
	name := d.Name.Name
	for _, verb := range []string{"New", "Open", "Dial", "Connect"} {
		if rest, ok := strings.CutPrefix(name, verb); ok && d.Recv == nil && (rest == "" || rest[0] < 'a' || rest[0] > 'z') {
			return true
		}
	}
	return false
}
