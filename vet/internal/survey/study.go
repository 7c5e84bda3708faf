package survey

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/types/typeutil"
)

// Limits keep facts small where functions call a lot.
const (
	maxEffects = 3
	maxNames   = 200
	maxChain   = 4
)

// summary says what a function of this package does. A recursive call adds nothing.
func (r *Result) summary(fn *types.Func) *Summary {
	if s, ok := r.summaries[fn]; ok {
		return s
	}
	r.summaries[fn] = &Summary{}
	s := r.study(r.funcs[fn].Body, r.funcs[fn])
	s.Roles = append(s.Roles, r.directives[fn]...)
	r.summaries[fn] = s
	return s
}

// of is the summary of any function, by its code or by its fact; nil if nothing is known.
func (r *Result) of(fn *types.Func) *Summary {
	if fn == nil || fn.Pkg() == nil {
		return nil
	}
	fn = fn.Origin()
	if _, ok := r.funcs[fn]; ok {
		return r.summary(fn)
	}
	if IsStandard(fn.Pkg().Path()) {
		return nil
	}
	var s Summary
	if !r.pass.ImportObjectFact(fn, &s) {
		return nil
	}
	return &s
}

// study is a walk through a function's body, or through an initialiser with d nil.
func (r *Result) study(body ast.Node, d *ast.FuncDecl) *Summary {
	st := &student{Result: r, decl: d, out: &Summary{}, params: r.paramsOf(d)}
	w := &walker{info: r.pass.TypesInfo, visit: st.visit}
	w.walk(body, circumstances{})
	return st.out
}

func (r *Result) paramsOf(d *ast.FuncDecl) map[types.Object]int {
	params := make(map[types.Object]int)
	if d == nil {
		return params
	}
	n := 0
	for _, field := range d.Type.Params.List {
		for _, name := range field.Names {
			params[r.pass.TypesInfo.Defs[name]] = n
			n++
		}
		if len(field.Names) == 0 {
			n++
		}
	}
	return params
}

// A student learns what one function does.
type student struct {
	*Result

	decl   *ast.FuncDecl
	params map[types.Object]int
	out    *Summary
}

func (st *student) visit(n ast.Node, c circumstances) {
	switch n := n.(type) {
	case *ast.CallExpr:
		st.call(n, c)
	case *ast.Ident:
		st.mention(n, c)
	case *ast.GoStmt:
		st.effect(Effect{Kind: Goroutine, What: "go statement", Pos: n.Pos()}, c)
	case *ast.SelectStmt:
		if waits(n) {
			st.effect(Effect{Kind: Wait, What: "select", Pos: n.Pos()}, c)
		}
	case *ast.UnaryExpr:
		if n.Op == token.ARROW && !c.polled {
			st.effect(Effect{Kind: Wait, What: "receive from a channel", Pos: n.Pos()}, c)
		}
	case *ast.RangeStmt:
		if tv, ok := st.pass.TypesInfo.Types[n.X]; ok && tv.Type != nil {
			if _, ok := tv.Type.Underlying().(*types.Chan); ok {
				st.effect(Effect{Kind: Wait, What: "receive from a channel", Pos: n.Pos()}, c)
			}
		}
	}
}

// waits reports whether a select has no default case.
func waits(n *ast.SelectStmt) bool {
	return !slices.ContainsFunc(n.Body.List, func(s ast.Stmt) bool {
		clause, ok := s.(*ast.CommClause)
		return ok && clause.Comm == nil
	})
}

// effect notes what the function itself does.
func (st *student) effect(e Effect, c circumstances) {
	if c.spawned || c.stored || c.aborts {
		return
	}
	if e.At == "" {
		e.At = at(st.pass, e.Pos)
	}
	e.Guarded = e.Guarded || c.guarded || c.late
	same := func(o Effect) bool { return o.Kind == e.Kind && o.Guarded == e.Guarded }
	if st.decl != nil && st.decl.Recv == nil && st.decl.Name.Name == initName || st.decl == nil {
		same = func(o Effect) bool { return o.Kind == e.Kind && o.Pos == e.Pos }
	} else if len(st.out.Effects) >= maxEffects {
		return
	}
	if !slices.ContainsFunc(st.out.Effects, same) {
		st.out.Effects = append(st.out.Effects, e)
	}
}

func (st *student) call(n *ast.CallExpr, c circumstances) {
	for _, arg := range n.Args {
		if registry, ok := st.receiver(arg); ok && isRegistry(st.pass.TypesInfo.Types[arg].Type) { // whoever gets it may register in it
			st.open[registry.ID] = true
		}
	}
	fn := typeutil.StaticCallee(st.pass.TypesInfo, n)
	if fn == nil || fn.Pkg() == nil {
		return
	}
	fn = fn.Origin()
	for _, role := range st.rolesOf(n, fn) {
		st.play(n, role, c)
	}
	st.metric(n, fn, c)
	if IsStandard(fn.Pkg().Path()) {
		if kind, ok := seed(fn); ok {
			st.effect(Effect{Kind: kind, What: short(fn), Pos: n.Pos()}, c)
		}
		return
	}
	s := st.of(fn)
	if s == nil {
		return
	}
	effects := s.Effects
	if settled[fn.FullName()] {
		effects = nil
	}
	for _, e := range effects {
		e.Pos = n.Pos()
		if len(e.Chain) < maxChain {
			e.Chain = append([]string{short(fn)}, e.Chain...)
		}
		if !e.Guarded { // a condition in there may well be false for this call
			st.effect(e, c)
		}
	}
	for _, reg := range s.Registrations {
		reg.Pos = n.Pos()
		if c.spawned {
			st.Spawned = append(st.Spawned, reg)
		}
		st.register(reg, c)
	}
	if !c.aborts {
		for _, need := range s.Needs {
			need.Pos = n.Pos()
			need.Called = need.Called && st.runs(c)
			st.need(need)
		}
	}
}

// isRegistry reports whether a type is one of those with methods that register.
func isRegistry(t types.Type) bool {
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	named, ok := t.(*types.Named)
	if !ok || named.Obj().Pkg() == nil {
		return false
	}
	path := named.Obj().Pkg().Path()
	return path == rosterPath || path == "net/http" && named.Obj().Name() == "ServeMux"
}

// runs reports whether code in these circumstances runs whenever the function does.
func (st *student) runs(c circumstances) bool {
	return !c.guarded && !c.late && !c.spawned && !c.stored && !c.aborts
}

// mention takes over what a function needs that is only named here, and called by somebody else.
func (st *student) mention(id *ast.Ident, _ circumstances) {
	fn, ok := st.pass.TypesInfo.Uses[id].(*types.Func)
	if !ok {
		return
	}
	if s := st.of(fn); s != nil {
		for _, need := range s.Needs {
			need.Pos = id.Pos()
			need.Called = false
			st.need(need)
		}
	}
}

func (st *student) need(n Need) {
	for i, o := range st.out.Needs {
		if o.Registry == n.Registry && o.Name == n.Name && o.At == n.At {
			if n.Called && !o.Called {
				st.out.Needs[i] = n
			}
			return
		}
	}
	if len(st.out.Needs) < maxNames {
		st.out.Needs = append(st.out.Needs, n)
	}
}

func (st *student) register(reg Registration, c circumstances) {
	reg.Guarded = reg.Guarded || !st.runs(c)
	for i, o := range st.out.Registrations {
		if o.Registry == reg.Registry && o.Name == reg.Name && o.At == reg.At {
			if !reg.Guarded {
				st.out.Registrations[i] = reg
			}
			return
		}
	}
	if len(st.out.Registrations) < maxNames {
		st.out.Registrations = append(st.out.Registrations, reg)
	}
}

// play takes part in the role of a called function: it registers or looks up the name in this call, or
// passes it on for a parameter of its own.
func (st *student) play(n *ast.CallExpr, role Role, c circumstances) {
	if role.Param >= len(n.Args) {
		return
	}
	call := Call{
		Expr: n, Role: role, Func: st.decl,
		Spawned: c.spawned, Stored: c.stored, Guarded: c.guarded || c.late, Phase: st.phase(),
	}
	arg := n.Args[role.Param]
	if param, via, ok := st.parameter(arg); ok && (via == "" || role.Via == "") {
		own := Role{Registry: role.Registry, Lookup: role.Lookup, Param: param, Via: via + role.Via, Value: -1}
		if role.Value >= 0 && role.Value < len(n.Args) {
			if v, direct, ok := st.parameter(n.Args[role.Value]); ok && direct == "" {
				own.Value = v
			}
		}
		if !slices.Contains(st.out.Roles, own) {
			st.out.Roles = append(st.out.Roles, own)
		}
		st.Calls = append(st.Calls, call)
		return
	}
	names, ok := st.names(arg, role.Via)
	if ok {
		call.Names = names
	} else if !role.Lookup {
		st.open[role.Registry.ID] = true
	}
	st.Calls = append(st.Calls, call)
	for _, name := range names {
		if role.Lookup {
			if !c.aborts {
				st.need(Need{
					Registry: role.Registry.ID, Name: name, Package: st.pass.Pkg.Path(),
					At: at(st.pass, n.Pos()), Pos: n.Pos(), Called: st.runs(c),
				})
			}
			continue
		}
		own := c
		own.guarded = c.guarded || !role.Registry.Panics && st.asks(n, name)
		st.register(Registration{
			Registry: role.Registry.ID, Name: name, Package: st.pass.Pkg.Path(), At: at(st.pass, n.Pos()),
			Pos: n.Pos(), Type: st.valueType(n, role), Many: role.Registry.Many,
		}, own)
	}
}

// asks reports whether the function with a registration asks the package of the registry for the name as
// well: it knows that somebody else may have it, and takes its place on purpose.
func (st *student) asks(registration *ast.CallExpr, name string) bool {
	owner := typeutil.StaticCallee(st.pass.TypesInfo, registration)
	if owner == nil || owner.Pkg() == nil {
		return false
	}
	var around ast.Node = registration
	if st.decl != nil {
		around = st.decl.Body
	}
	found := false
	ast.Inspect(around, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || call == registration || len(call.Args) == 0 {
			return !found
		}
		fn := typeutil.StaticCallee(st.pass.TypesInfo, call)
		if fn == nil || fn.Pkg() != owner.Pkg() || len(st.rolesOf(call, fn)) > 0 || fn.Signature().Results().Len() == 0 {
			return !found
		}
		if value := st.pass.TypesInfo.Types[call.Args[0]].Value; value != nil && value.Kind() == constant.String && constant.StringVal(value) == name {
			found = true
		}
		return !found
	})
	return found
}

func (st *student) phase() Phase {
	switch {
	case st.decl == nil, st.decl.Recv == nil && st.decl.Name.Name == initName:
		return InInit
	case st.decl.Recv == nil && st.decl.Name.Name == "main" && st.pass.Pkg.Name() == "main":
		return InMain
	}
	return InCall
}

// valueType is the static type of what is registered.
func (st *student) valueType(n *ast.CallExpr, role Role) string {
	if role.Value < 0 || role.Value >= len(n.Args) {
		return ""
	}
	if tv := st.pass.TypesInfo.Types[n.Args[role.Value]]; tv.Type != nil {
		return types.TypeString(tv.Type, nil)
	}
	return ""
}

// parameter reports which parameter of the function an expression is, or which field or method of one.
func (st *student) parameter(e ast.Expr) (param int, via string, ok bool) {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		param, ok = st.params[st.pass.TypesInfo.Uses[e]]
		return param, "", ok
	case *ast.SelectorExpr:
		if id, isIdent := e.X.(*ast.Ident); isIdent {
			param, ok = st.params[st.pass.TypesInfo.Uses[id]]
			return param, "." + e.Sel.Name, ok
		}
	case *ast.CallExpr:
		if tv := st.pass.TypesInfo.Types[e.Fun]; tv.IsType() && len(e.Args) == 1 {
			return st.parameter(e.Args[0])
		}
		if fn := typeutil.StaticCallee(st.pass.TypesInfo, e); fn != nil && fn.FullName() == "strings.ToLower" {
			return st.parameter(e.Args[0])
		}
		if sel, isSel := e.Fun.(*ast.SelectorExpr); isSel && len(e.Args) == 0 {
			if id, isIdent := sel.X.(*ast.Ident); isIdent {
				param, ok = st.params[st.pass.TypesInfo.Uses[id]]
				return param, sel.Sel.Name + "()", ok
			}
		}
	}
	return 0, "", false
}

// short is a function's name as people write it, for example net.Dial or (*sql.DB).Ping.
func short(fn *types.Func) string {
	name := fn.Name()
	if recv := fn.Signature().Recv(); recv != nil {
		return "(" + types.TypeString(recv.Type(), func(p *types.Package) string { return p.Name() }) + ")." + name
	}
	return fn.Pkg().Name() + "." + name
}
