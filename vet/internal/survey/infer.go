package survey

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/types/typeutil"
)

// registerWords are what functions are called by which names get into a registry. Without such a name, a
// function that writes a map is more often a cache or a setting.
var registerWords = []string{"regist", "install", "provide", "declare", "publish", "plug"}

// Registers reports whether a function's name says that names get into a registry by it.
func Registers(name string) bool {
	name = strings.ToLower(name)
	if strings.Contains(name, "unregist") || strings.Contains(name, "deregist") {
		return false
	}
	return strings.HasPrefix(name, "add") && len(name) > len("add") ||
		slices.ContainsFunc(registerWords, func(w string) bool { return strings.Contains(name, w) })
}

// infer finds the package variables that functions of this package write under a parameter, and the
// functions that read them.
func (r *Result) infer() {
	for fn, d := range r.funcs {
		if Registers(fn.Name()) {
			r.inferWriter(fn, d)
		}
	}
	for v, writers := range r.Maps {
		if r.otherNames(v, writers) {
			r.open[r.registryOf(v).ID] = true
		}
	}
	for fn, d := range r.funcs {
		r.inferReader(fn, d)
	}
}

func (r *Result) inferWriter(fn *types.Func, d *ast.FuncDecl) {
	st := &student{Result: r, decl: d, params: r.paramsOf(d), out: &Summary{}}
	add := func(v *types.Var, key, value ast.Expr) {
		param, via, ok := st.parameter(key)
		if !ok || !IsString(r.pass.TypesInfo.Types[key].Type) {
			return
		}
		role := Role{Registry: r.registryOf(v), Param: param, Via: via, Value: -1}
		if p, direct, ok := st.parameter(value); ok && direct == "" {
			role.Value = p
		}
		role.Registry.Panics = endsProgram(r.pass.TypesInfo, d)
		role.Registry.Anytime = !isMap(v.Type()) || Locks(d)
		r.directives[fn] = append(r.directives[fn], role)
		if !slices.Contains(r.Maps[v], d) {
			r.Maps[v] = append(r.Maps[v], d)
		}
	}
	ast.Inspect(d.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if v, index := r.writtenMap(n); v != nil {
				add(v, index.Index, n.Rhs[0])
			}
		case *ast.CallExpr:
			if v := r.storedMap(n); v != nil {
				add(v, n.Args[0], n.Args[1])
			}
		}
		return true
	})
}

// writtenMap is the package's map that an assignment writes one value to, nil if it does not. A map in that
// map has names of its own under each name, and making it gives none of them away.
func (r *Result) writtenMap(n *ast.AssignStmt) (*types.Var, *ast.IndexExpr) {
	if len(n.Lhs) != 1 || len(n.Rhs) != 1 || n.Tok != token.ASSIGN {
		return nil, nil
	}
	index, ok := n.Lhs[0].(*ast.IndexExpr)
	if !ok {
		return nil, nil
	}
	if call, isCall := n.Rhs[0].(*ast.CallExpr); isCall && isBuiltin(r.pass.TypesInfo, call, "append") {
		return nil, nil // several values under one name
	}
	if _, inner := ast.Unparen(index.X).(*ast.IndexExpr); inner || r.isEmptyContainer(n.Rhs[0]) {
		return nil, nil
	}
	v := r.PackageVar(index.X)
	if v == nil || !isMap(v.Type()) {
		return nil, nil
	}
	return v, index
}

// isEmptyContainer reports whether an expression makes a map, a slice or a channel with nothing in it.
func (r *Result) isEmptyContainer(e ast.Expr) bool {
	switch r.pass.TypesInfo.TypeOf(e).Underlying().(type) {
	case *types.Map, *types.Slice, *types.Chan:
	default:
		return false
	}
	switch e := ast.Unparen(e).(type) {
	case *ast.CompositeLit:
		return len(e.Elts) == 0
	case *ast.CallExpr:
		return isBuiltin(r.pass.TypesInfo, e, "make")
	}
	return false
}

// storedMap is the package's sync.Map that a call stores a value in, nil if it does not.
func (r *Result) storedMap(n *ast.CallExpr) *types.Var {
	callee := typeutil.StaticCallee(r.pass.TypesInfo, n)
	sel, ok := n.Fun.(*ast.SelectorExpr)
	if callee == nil || !ok || len(n.Args) != 2 {
		return nil
	}
	if name := callee.FullName(); name != "(*sync.Map).Store" && name != "(*sync.Map).LoadOrStore" {
		return nil
	}
	return r.PackageVar(sel.X)
}

// Locks reports whether a function takes a lock itself.
func Locks(d *ast.FuncDecl) bool {
	found := false
	ast.Inspect(d.Body, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && (sel.Sel.Name == "Lock" || sel.Sel.Name == "CompareAndSwap") {
			found = true
		}
		return !found
	})
	return found
}

// otherNames reports whether names get into the map in other ways than by the functions that register.
func (r *Result) otherNames(v *types.Var, writers []*ast.FuncDecl) bool {
	if lit, ok := ast.Unparen(r.initial[v]).(*ast.CompositeLit); ok && len(lit.Elts) > 0 {
		return true
	}
	for _, d := range r.funcs {
		found := false
		ast.Inspect(d.Body, func(n ast.Node) bool {
			assign, ok := n.(*ast.AssignStmt)
			if !ok {
				return !found
			}
			for _, lhs := range assign.Lhs {
				if index, ok := lhs.(*ast.IndexExpr); ok && r.PackageVar(index.X) == v {
					found = true
				}
			}
			return !found
		})
		if found && !slices.Contains(writers, d) {
			return true
		}
	}
	return false
}

// inferReader finds a function that looks a name up in an inferred registry and has no way to say that
// it is not there but an error or a panic.
func (r *Result) inferReader(fn *types.Func, d *ast.FuncDecl) {
	results := fn.Signature().Results()
	failing := false
	for result := range results.Variables() {
		if types.Identical(result.Type(), types.Universe.Lookup("error").Type()) {
			failing = true
		}
	}
	if !failing && (!strings.HasPrefix(fn.Name(), "Must") || !endsProgram(r.pass.TypesInfo, d)) {
		return
	}
	st := &student{Result: r, decl: d, params: r.paramsOf(d), out: &Summary{}}
	ast.Inspect(d.Body, func(n ast.Node) bool {
		assign, ok := n.(*ast.AssignStmt)
		if !ok || len(assign.Rhs) != 1 || len(assign.Lhs) != 2 {
			return true
		}
		index, ok := assign.Rhs[0].(*ast.IndexExpr)
		if !ok {
			return true
		}
		v := r.PackageVar(index.X)
		if v == nil || len(r.Maps[v]) == 0 || slices.Contains(r.Maps[v], d) {
			return true
		}
		if param, via, ok := st.parameter(index.Index); ok && via == "" {
			r.directives[fn] = append(r.directives[fn], Role{
				Registry: r.registryOf(v), Lookup: true, Param: param, Value: -1,
			})
		}
		return true
	})
}

func (r *Result) registryOf(v *types.Var) Registry {
	return Registry{ID: v.Pkg().Path() + "." + v.Name(), Inferred: true}
}

// PackageVar is the variable of this package that an expression is, or is in: m of m[x][y] and of m.f.
func (r *Result) PackageVar(e ast.Expr) *types.Var {
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			if r.pass.TypesInfo.Selections[x] == nil {
				return nil // a variable of another package
			}
			e = x.X
		case *ast.Ident:
			v, ok := r.pass.TypesInfo.Uses[x].(*types.Var)
			if ok && v.Pkg() == r.pass.Pkg && v.Parent() == r.pass.Pkg.Scope() {
				return v
			}
			return nil
		default:
			return nil
		}
	}
}

func isMap(t types.Type) bool {
	_, ok := t.Underlying().(*types.Map)
	return ok
}

// IsString reports whether a type is string, or is made of it.
func IsString(t types.Type) bool {
	if t == nil {
		return false
	}
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsString != 0
}

func isBuiltin(info *types.Info, call *ast.CallExpr, name string) bool {
	id, ok := call.Fun.(*ast.Ident)
	if !ok {
		return false
	}
	b, ok := info.Uses[id].(*types.Builtin)
	return ok && b.Name() == name
}

// endsProgram reports whether a function panics or exits somewhere.
func endsProgram(info *types.Info, d *ast.FuncDecl) bool {
	w := &walker{info: info}
	found := false
	ast.Inspect(d.Body, func(n ast.Node) bool {
		if b, ok := n.(*ast.BlockStmt); ok && w.ends(b.List) {
			found = true
		}
		return !found
	})
	return found
}

// rolesOf is what a called function does with a registry: one that is known, one that is read off the
// code, or the package variable that a method of a registry type is called on.
func (st *student) rolesOf(n *ast.CallExpr, fn *types.Func) []Role {
	if st.isAccessor(fn) {
		return nil
	}
	name := fn.FullName()
	if roles := knownRoles[name]; roles != nil {
		return roles
	}
	if m, ok := knownMethods[name]; ok {
		sel, isSel := ast.Unparen(n.Fun).(*ast.SelectorExpr)
		if !isSel {
			return nil
		}
		registry, ok := st.receiver(sel.X)
		if !ok {
			return nil
		}
		if registry.Inferred {
			registry.Panics = m.panics
			registry.Anytime = !strings.HasPrefix(name, "(*"+rosterPath+".Registry[T])")
		}
		return []Role{{Registry: registry, Lookup: m.lookup, Param: m.param, Value: m.value}}
	}
	if s := st.of(fn); s != nil {
		return s.Roles
	}
	return nil
}

// isAccessor keeps the code of a known function from being taken for a use of it.
func (st *student) isAccessor(fn *types.Func) bool {
	return st.decl != nil && st.pass.TypesInfo.Defs[st.decl.Name] == fn
}

// receiver is the registry in the package variable that an expression is.
func (st *student) receiver(e ast.Expr) (Registry, bool) {
	var id *ast.Ident
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		id = e
	case *ast.SelectorExpr:
		id = e.Sel
	default:
		return Registry{}, false
	}
	v, ok := st.pass.TypesInfo.Uses[id].(*types.Var)
	if !ok || v.Pkg() == nil || v.Parent() != v.Pkg().Scope() {
		return Registry{}, false
	}
	name := v.Pkg().Path() + "." + v.Name()
	if known, ok := sameRegistry[name]; ok {
		return known, true
	}
	return Registry{ID: name, Inferred: true}, true
}
