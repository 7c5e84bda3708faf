package survey

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/types/typeutil"
)

// names reads the names off an argument: a constant, a variable that never changes, the variable of a
// loop over a literal, or what a field or a method of the argument says.
func (st *student) names(e ast.Expr, via string) ([]string, bool) {
	if via != "" {
		return st.namesVia(e, via)
	}
	e = ast.Unparen(e)
	if s, ok := st.constant(e); ok {
		return []string{s}, true
	}
	switch e := e.(type) {
	case *ast.Ident:
		v, ok := st.pass.TypesInfo.Uses[e].(*types.Var)
		if !ok {
			return nil, false
		}
		if value, ok := st.initial[v]; ok && !st.assigned[v] {
			s, ok := st.constant(value)
			return []string{s}, ok
		}
		return st.loop(v)
	case *ast.CallExpr:
		if tv := st.pass.TypesInfo.Types[e.Fun]; tv.IsType() && len(e.Args) == 1 {
			return st.names(e.Args[0], "")
		}
		// A method of a value that says its name, like codec.Name().
		if sel, ok := e.Fun.(*ast.SelectorExpr); ok && len(e.Args) == 0 {
			return st.namesVia(sel.X, sel.Sel.Name+"()")
		}
	}
	return nil, false
}

func (st *student) constant(e ast.Expr) (string, bool) {
	tv := st.pass.TypesInfo.Types[e]
	if tv.Value == nil || tv.Value.Kind() != constant.String {
		return "", false
	}
	return constant.StringVal(tv.Value), true
}

// loop is the constants that a variable of a range loop takes on.
func (st *student) loop(v *types.Var) ([]string, bool) {
	if st.decl == nil {
		return nil, false
	}
	var names []string
	found := false
	ast.Inspect(st.decl.Body, func(n ast.Node) bool {
		r, ok := n.(*ast.RangeStmt)
		if !ok || r.Tok != token.DEFINE {
			return true
		}
		key, _ := r.Key.(*ast.Ident)
		value, _ := r.Value.(*ast.Ident)
		lit, isLit := ast.Unparen(r.X).(*ast.CompositeLit)
		if !isLit {
			return true
		}
		for _, elt := range lit.Elts {
			kv, isPair := elt.(*ast.KeyValueExpr)
			switch {
			case isPair && key != nil && st.pass.TypesInfo.Defs[key] == v:
				elt = kv.Key
			case !isPair && value != nil && st.pass.TypesInfo.Defs[value] == v:
			default:
				return true
			}
			s, ok := st.constant(elt)
			if !ok {
				names, found = nil, false
				return false
			}
			names, found = append(names, s), true
		}
		return false
	})
	return names, found
}

// namesVia reads the name off a field of a literal, or off the method of its type that returns it.
func (st *student) namesVia(e ast.Expr, via string) ([]string, bool) {
	if field, ok := strings.CutPrefix(via, "."); ok {
		lit := st.literal(e)
		if lit == nil {
			return nil, false
		}
		return st.field(lit, field)
	}
	method, field, _ := strings.Cut(via, "().")
	method = strings.TrimSuffix(method, "()")
	tv := st.pass.TypesInfo.Types[e]
	if tv.Type == nil {
		return nil, false
	}
	obj, _, _ := types.LookupFieldOrMethod(tv.Type, true, st.pass.Pkg, method)
	fn, ok := obj.(*types.Func)
	if !ok || st.funcs[fn.Origin()] == nil {
		return nil, false
	}
	body := st.funcs[fn.Origin()].Body.List
	if len(body) == 0 {
		return nil, false
	}
	ret, ok := body[len(body)-1].(*ast.ReturnStmt)
	if !ok || len(body) != 1 || len(ret.Results) != 1 {
		return nil, false
	}
	if field == "" {
		if sel, isSel := ast.Unparen(ret.Results[0]).(*ast.SelectorExpr); isSel {
			if lit := st.literal(e); lit != nil {
				return st.field(lit, sel.Sel.Name)
			}
		}
		return st.names(ret.Results[0], "")
	}
	if lit := st.literal(ret.Results[0]); lit != nil {
		return st.field(lit, field)
	}
	return nil, false
}

// literal is the composite literal that an expression, or the variable it names, is.
func (st *student) literal(e ast.Expr) *ast.CompositeLit {
	switch e := ast.Unparen(e).(type) {
	case *ast.CompositeLit:
		return e
	case *ast.UnaryExpr:
		if e.Op == token.AND {
			return st.literal(e.X)
		}
	case *ast.Ident:
		if v, ok := st.pass.TypesInfo.Uses[e].(*types.Var); ok && !st.assigned[v] {
			if value, ok := st.initial[v]; ok {
				return st.literal(value)
			}
		}
	}
	return nil
}

func (st *student) field(lit *ast.CompositeLit, name string) ([]string, bool) {
	for _, elt := range lit.Elts {
		if kv, ok := elt.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok && key.Name == name {
				return st.names(kv.Value, "")
			}
		}
	}
	return nil, false
}

// metric follows the registration of Prometheus metrics, whose names are in the options of what is
// registered.
func (st *student) metric(n *ast.CallExpr, fn *types.Func, c circumstances) {
	const (
		client = "github.com/prometheus/client_golang/prometheus"
		auto   = client + "/promauto"
	)
	add := func(name string) {
		st.register(Registration{
			Registry: metrics.ID, Name: name, Package: st.pass.Pkg.Path(), At: at(st.pass, n.Pos()), Pos: n.Pos(),
		}, c)
	}
	switch {
	case fn.Pkg().Path() == auto && fn.Signature().Recv() == nil && strings.HasPrefix(fn.Name(), "New"):
		if name, ok := st.metricName(n); ok {
			add(name)
		}
	case fn.FullName() == client+".MustRegister" || fn.FullName() == client+".Register":
		for _, arg := range n.Args {
			if name, ok := st.metricName(st.made(arg)); ok {
				add(name)
			}
		}
	}
}

// made is the call that made a value, if it is in the initialiser of its variable.
func (st *student) made(e ast.Expr) ast.Expr {
	if id, ok := ast.Unparen(e).(*ast.Ident); ok {
		if v, ok := st.pass.TypesInfo.Uses[id].(*types.Var); ok && !st.assigned[v] {
			return st.initial[v]
		}
	}
	return e
}

// metricName is the full name of a metric without constant labels.
func (st *student) metricName(e ast.Expr) (string, bool) {
	call, ok := e.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return "", false
	}
	fn := typeutil.StaticCallee(st.pass.TypesInfo, call)
	if fn == nil || !strings.HasPrefix(fn.Name(), "New") {
		return "", false
	}
	lit := st.literal(call.Args[0])
	if lit == nil {
		return "", false
	}
	var parts []string
	for _, field := range []string{"Namespace", "Subsystem", "Name"} {
		set := false
		for _, elt := range lit.Elts {
			kv, ok := elt.(*ast.KeyValueExpr)
			if !ok {
				return "", false
			}
			key, _ := kv.Key.(*ast.Ident)
			if key != nil && key.Name == "ConstLabels" {
				return "", false
			}
			set = set || key != nil && key.Name == field
		}
		if !set {
			continue
		}
		names, ok := st.field(lit, field)
		if !ok || len(names) != 1 {
			return "", false
		}
		if names[0] != "" {
			parts = append(parts, names[0])
		}
	}
	return strings.Join(parts, "_"), len(parts) > 0
}
