package survey

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/types/typeutil"
)

// circumstances say when a node runs, as far as the syntax around it tells.
type circumstances struct {
	guarded bool // under a condition
	late    bool // behind a return that depends on a condition, other than that an error is not nil
	spawned bool // in a goroutine that is started here
	stored  bool // in a function literal that is not called here
	aborts  bool // on the way to the end of the program
	polled  bool // the communication of a select that has a default case
}

// A walker visits code with its circumstances.
type walker struct {
	info  *types.Info
	visit func(n ast.Node, c circumstances)
}

func (w *walker) walk(n ast.Node, c circumstances) {
	if n == nil {
		return
	}
	ast.Inspect(n, func(m ast.Node) bool {
		if m == nil || w.special(m, c) {
			return false
		}
		w.visit(m, c)
		return true
	})
}

// special walks nodes that change the circumstances of what is in them.
func (w *walker) special(n ast.Node, c circumstances) bool {
	switch n := n.(type) {
	case *ast.BlockStmt:
		w.list(n.List, c)
	case *ast.IfStmt:
		w.branch(n, c)
	case *ast.ForStmt:
		w.optional(n.Init, c)
		w.optional(n.Cond, c)
		body := c
		body.guarded = c.guarded || n.Cond != nil
		w.optional(n.Post, body)
		w.walk(n.Body, body)
	case *ast.RangeStmt:
		w.visit(n, c)
		w.walk(n.X, c)
		w.walk(n.Body, c)
	case *ast.SelectStmt:
		w.visit(n, c)
		c.guarded = true
		for _, clause := range n.Body.List {
			w.walk(clause, c)
		}
	case *ast.CaseClause:
		for _, e := range n.List {
			w.walk(e, c)
		}
		c.guarded = true
		w.list(n.Body, c)
	case *ast.CommClause:
		polled := c
		polled.polled = true // the select itself is what waits
		w.optional(n.Comm, polled)
		c.guarded = true
		w.list(n.Body, c)
	case *ast.GoStmt:
		w.visit(n, c)
		for _, arg := range n.Call.Args {
			w.walk(arg, c)
		}
		c.spawned = true
		if lit, ok := ast.Unparen(n.Call.Fun).(*ast.FuncLit); ok {
			w.walk(lit.Body, c)
		} else {
			w.visit(n.Call, c) // its arguments are evaluated before
			w.walk(n.Call.Fun, c)
		}
	case *ast.FuncLit:
		c.stored = true
		w.walk(n.Body, c)
	case *ast.CallExpr:
		return w.call(n, c)
	default:
		return false
	}
	return true
}

// call walks the function literals that run in a call as code that runs now.
func (w *walker) call(n *ast.CallExpr, c circumstances) bool {
	if lit, ok := ast.Unparen(n.Fun).(*ast.FuncLit); ok {
		for _, arg := range n.Args {
			w.walk(arg, c)
		}
		w.walk(lit.Body, c)
		return true
	}
	fn := typeutil.StaticCallee(w.info, n)
	if fn == nil || len(n.Args) == 0 {
		return false
	}
	lit, ok := ast.Unparen(n.Args[len(n.Args)-1]).(*ast.FuncLit)
	if !ok {
		return false
	}
	inner := c
	switch fn.Origin().FullName() {
	case "(*sync.Once).Do":
		inner.guarded = true
	case "(*sync.WaitGroup).Go", "(*golang.org/x/sync/errgroup.Group).Go", "time.AfterFunc":
		inner.spawned = true
	default:
		return false
	}
	w.visit(n, c)
	for _, arg := range n.Args[:len(n.Args)-1] {
		w.walk(arg, c)
	}
	w.walk(lit.Body, inner)
	return true
}

func (w *walker) optional(n ast.Node, c circumstances) {
	switch n := n.(type) {
	case nil:
	case ast.Stmt:
		if n != nil {
			w.walk(n, c)
		}
	case ast.Expr:
		if n != nil {
			w.walk(n, c)
		}
	}
}

func (w *walker) branch(n *ast.IfStmt, c circumstances) {
	w.optional(n.Init, c)
	w.walk(n.Cond, c)
	value, known := w.truth(n.Cond)
	then, otherwise := c, c
	then.guarded = c.guarded || !known
	otherwise.guarded = c.guarded || !known
	if !known || value {
		w.walk(n.Body, then)
	}
	if n.Else != nil && (!known || !value) {
		w.walk(n.Else, otherwise)
	}
}

// truth evaluates a condition that is the same in every run of this build, like runtime.GOOS == "plan9".
func (w *walker) truth(cond ast.Expr) (value, known bool) {
	if tv := w.info.Types[cond]; tv.Value != nil && tv.Value.Kind() == constant.Bool {
		return constant.BoolVal(tv.Value), true
	}
	return false, false
}

func (w *walker) list(list []ast.Stmt, c circumstances) {
	if w.ends(list) {
		c.aborts = true
	}
	for _, s := range list {
		w.walk(s, c)
		if check, ok := s.(*ast.IfStmt); ok && leaves(check.Body.List) && !isErrorCheck(check.Cond) {
			if value, known := w.truth(check.Cond); !known || value {
				c.late = true
			}
		}
	}
}

// ends reports whether the last statement ends the program.
func (w *walker) ends(list []ast.Stmt) bool {
	if len(list) == 0 {
		return false
	}
	stmt, ok := list[len(list)-1].(*ast.ExprStmt)
	if !ok {
		return false
	}
	call, ok := stmt.X.(*ast.CallExpr)
	if !ok {
		return false
	}
	var name string
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		name = fun.Name
	case *ast.SelectorExpr:
		name = fun.Sel.Name
	}
	name = strings.ToLower(name)
	for _, word := range []string{"panic", "fatal", "exit", "goexit", "die", "abort"} {
		if strings.HasPrefix(name, word) {
			return true
		}
	}
	return false
}

func leaves(list []ast.Stmt) bool {
	if len(list) == 0 {
		return false
	}
	switch last := list[len(list)-1].(type) {
	case *ast.ReturnStmt:
		return true
	case *ast.BranchStmt:
		return last.Tok != token.FALLTHROUGH
	}
	return false
}

// isErrorCheck recognises err != nil.
func isErrorCheck(cond ast.Expr) bool {
	b, ok := ast.Unparen(cond).(*ast.BinaryExpr)
	if !ok || b.Op != token.NEQ {
		return false
	}
	y, ok := b.Y.(*ast.Ident)
	if !ok || y.Name != "nil" {
		return false
	}
	x, ok := b.X.(*ast.Ident)
	return ok && strings.Contains(strings.ToLower(x.Name), "err")
}
