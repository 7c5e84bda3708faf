package initorder

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// deepest is how many calls within a package are followed from an init function.
const deepest = 5

// calls finds the calls of known functions that run while a package initialises: from
// init functions and initialisers of variables, and from functions of the package that
// those call.
func (s *sources) calls(c *checkedPackage) []Registration {
	w := &walk{sources: s, checkedPackage: c}
	for _, file := range c.files {
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" && d.Body != nil {
					w.visit(d.Body, nil, 0, false)
				}
			case *ast.GenDecl:
				if d.Tok == token.VAR {
					w.visit(d, nil, 0, false)
				}
			}
		}
	}
	return w.found
}

type walk struct {
	*sources
	*checkedPackage

	found []Registration
	steps int
}

// bound are the names that parameters and loop variables stand for.
type bound map[types.Object][]string

// visit looks at everything in node that runs at once.
func (w *walk) visit(node ast.Node, names bound, depth int, guarded bool) {
	const most = 1 << 20 // nodes, whatever calls whatever
	ast.Inspect(node, func(n ast.Node) bool {
		w.steps++
		if w.steps > most {
			return false
		}
		switch n := n.(type) {
		case *ast.FuncLit: // it may run later
			return false
		case *ast.IfStmt:
			w.visitIf(n, names, depth, guarded)
			return false
		case *ast.RangeStmt:
			names = w.bindRange(n, names)
		case *ast.CallExpr:
			w.call(n, names, depth, guarded)
		}
		return true
	})
}

// visitIf looks at both branches. A condition that calls something may ask the registry.
func (w *walk) visitIf(n *ast.IfStmt, names bound, depth int, guarded bool) {
	asks := false
	ast.Inspect(n.Cond, func(n ast.Node) bool {
		_, call := n.(*ast.CallExpr)
		asks = asks || call
		return true
	})
	if n.Init != nil {
		w.visit(n.Init, names, depth, guarded)
		asks = true
	}
	w.visit(n.Cond, names, depth, guarded)
	w.visit(n.Body, names, depth, guarded || asks)
	if n.Else != nil {
		w.visit(n.Else, names, depth, guarded || asks)
	}
}

func (w *walk) call(call *ast.CallExpr, names bound, depth int, guarded bool) {
	if literal, ok := ast.Unparen(call.Fun).(*ast.FuncLit); ok { // it runs now
		w.visit(literal.Body, names, depth, guarded)
		return
	}
	f := w.callee(call)
	if f == nil {
		return
	}
	if r, ok := w.known[keyOf(f)]; ok {
		w.register(call, r, names, guarded)
		return
	}
	if decl := w.decls[f]; decl != nil && depth < deepest {
		w.visit(decl.Body, w.bindParameters(decl, call, names), depth+1, guarded)
	}
}

func (w *walk) register(call *ast.CallExpr, r register, names bound, guarded bool) {
	at := w.fset.Position(call.Pos())
	importPath, _, _ := strings.Cut(w.ImportPath, " ")
	found := w.namesOf(call, r, names)
	if len(found) == 0 {
		found = []string{""}
	}
	for _, name := range found {
		w.found = append(w.found, Registration{
			Registry: w.registryOf(call, r), Name: name, Package: importPath, Module: w.Module.String(),
			At:      fmt.Sprintf("%s:%d", path.Join(importPath, filepath.Base(at.Filename)), at.Line),
			File:    fmt.Sprintf("%s:%d", at.Filename, at.Line),
			Several: r.several, Guarded: guarded,
		})
	}
}

// namesOf are the names that a call registers, as far as they are constant.
func (w *walk) namesOf(call *ast.CallExpr, r register, names bound) []string {
	if r.name == byType && len(call.Args) > 0 {
		if t := w.info.TypeOf(call.Args[0]); t != nil {
			return []string{types.TypeString(t, (*types.Package).Path)}
		}
	}
	for _, arg := range call.Args {
		if found := w.texts(arg, names); len(found) > 0 {
			return found
		}
		if basic, ok := underlying(w.info.TypeOf(arg)).(*types.Basic); ok && basic.Info()&types.IsString != 0 {
			return nil // it is the name, and not constant
		}
	}
	if name := w.metric(call); name != "" {
		return []string{name}
	}
	var found []string
	for _, arg := range call.Args {
		if name := w.named(arg); name != "" {
			found = append(found, name)
			if !call.Ellipsis.IsValid() && w.variadic(call) {
				continue
			}
			break
		}
	}
	return found
}

// variadic reports whether a call takes any number of values, each with a name.
func (w *walk) variadic(call *ast.CallExpr) bool {
	signature, ok := w.info.TypeOf(call.Fun).(*types.Signature)
	return ok && signature.Variadic() && signature.Params().Len() == 1
}

func underlying(t types.Type) types.Type {
	if t == nil {
		return nil
	}
	return t.Underlying()
}

// texts are the constant texts that an expression may have.
func (w *walk) texts(e ast.Expr, names bound) []string {
	if v := w.info.Types[e].Value; v != nil && v.Kind() == constant.String {
		return []string{constant.StringVal(v)}
	}
	id, ok := ast.Unparen(e).(*ast.Ident)
	if !ok {
		return nil
	}
	object := w.info.Uses[id]
	if found := names[object]; found != nil {
		return found
	}
	// What a variable of the package begins as.
	if v := w.info.Types[w.values[object]].Value; v != nil && v.Kind() == constant.String {
		return []string{constant.StringVal(v)}
	}
	return nil
}

// named is the name that a value says it has: the field ID or Name of a struct, or what a
// method of its type returns.
func (w *walk) named(e ast.Expr) string {
	e = ast.Unparen(e)
	if address, ok := e.(*ast.UnaryExpr); ok {
		e = ast.Unparen(address.X)
	}
	if literal, ok := e.(*ast.CompositeLit); ok {
		if name := w.fieldOf(literal); name != "" {
			return name
		}
	}
	if id, ok := e.(*ast.Ident); ok {
		if name := w.metric(w.values[w.info.Uses[id]]); name != "" {
			return name
		}
	}
	for _, method := range []string{"Name", "Scheme", "CaddyModule"} {
		t := w.info.TypeOf(e)
		if t == nil {
			return ""
		}
		object, _, _ := types.LookupFieldOrMethod(t, true, nil, method)
		f, ok := object.(*types.Func)
		if !ok || w.decls[f.Origin()] == nil {
			continue
		}
		name := ""
		ast.Inspect(w.decls[f.Origin()].Body, func(n ast.Node) bool {
			if result, ok := n.(*ast.ReturnStmt); ok && len(result.Results) == 1 && name == "" {
				if found := w.texts(result.Results[0], nil); len(found) == 1 {
					name = found[0]
				} else if literal, ok := result.Results[0].(*ast.CompositeLit); ok {
					name = w.fieldOf(literal)
				}
			}
			return true
		})
		if name != "" {
			return name
		}
	}
	return ""
}

func (w *walk) fieldOf(literal *ast.CompositeLit) string {
	for _, element := range literal.Elts {
		field, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if key, ok := field.Key.(*ast.Ident); ok && slices.Contains([]string{"ID", "Name"}, key.Name) {
			if found := w.texts(field.Value, nil); len(found) == 1 {
				return found[0]
			}
		}
	}
	return ""
}

// metric is the name of a collector that a function made from options.
func (w *walk) metric(made ast.Expr) string {
	call, ok := made.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return ""
	}
	options, ok := ast.Unparen(call.Args[0]).(*ast.CompositeLit)
	if !ok {
		return ""
	}
	parts := map[string]string{}
	for _, element := range options.Elts {
		field, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if key, ok := field.Key.(*ast.Ident); ok {
			if found := w.texts(field.Value, nil); len(found) == 1 {
				parts[key.Name] = found[0]
			} else if slices.Contains([]string{"Namespace", "Subsystem", "Name"}, key.Name) {
				return "" // it is not constant
			}
		}
	}
	if parts["Name"] == "" {
		return ""
	}
	all := []string{parts["Namespace"], parts["Subsystem"], parts["Name"]}
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), "_")
}

// bindRange notes what the variable of a loop over constant texts stands for.
func (w *walk) bindRange(n *ast.RangeStmt, names bound) bound {
	id, ok := n.Value.(*ast.Ident)
	literal, isList := ast.Unparen(n.X).(*ast.CompositeLit)
	if !ok || !isList {
		return names
	}
	var found []string
	for _, element := range literal.Elts {
		texts := w.texts(element, names)
		if len(texts) == 0 {
			return names
		}
		found = append(found, texts...)
	}
	return names.with(w.info.Defs[id], found)
}

// bindParameters notes which constant texts a call gives to a function's parameters.
func (w *walk) bindParameters(decl *ast.FuncDecl, call *ast.CallExpr, names bound) bound {
	inner := bound(nil)
	i := 0
	for _, field := range decl.Type.Params.List {
		for _, id := range field.Names {
			if i < len(call.Args) {
				if found := w.texts(call.Args[i], names); len(found) > 0 {
					inner = inner.with(w.info.Defs[id], found)
				}
			}
			i++
		}
	}
	return inner
}

func (b bound) with(object types.Object, names []string) bound {
	next := bound{object: names}
	for o, n := range b {
		if o != object {
			next[o] = n
		}
	}
	return next
}

// addForwarders adds the functions of a package that hand a parameter on as the name: to a
// known function, or as the key of a map that is a variable of the package.
func (s *sources) addForwarders(c *checkedPackage) {
	for object, decl := range c.decls {
		f, ok := object.(*types.Func)
		if !ok || decl.Recv != nil || !ast.IsExported(f.Name()) {
			continue
		}
		if _, ok := s.known[keyOf(f)]; ok {
			continue
		}
		if registry := s.forwards(c, decl); registry != "" {
			s.known[keyOf(f)] = register{registry: registry}
			s.owners[c.ImportPath] = true
		}
	}
}

// forwards is the registry that a function registers its first string parameter in.
func (s *sources) forwards(c *checkedPackage, decl *ast.FuncDecl) string {
	name := c.firstString(decl)
	if name == nil {
		return ""
	}
	registry := ""
	ast.Inspect(decl.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			f := c.callee(n)
			if f == nil {
				return true
			}
			if r, ok := s.known[keyOf(f)]; ok && slices.ContainsFunc(n.Args, func(arg ast.Expr) bool { return c.is(arg, name) }) {
				registry = c.registryOf(n, r)
			}
		case *ast.AssignStmt:
			for _, to := range n.Lhs {
				index, ok := to.(*ast.IndexExpr)
				if !ok || !c.is(index.Index, name) {
					continue
				}
				if id, ok := ast.Unparen(index.X).(*ast.Ident); ok {
					if v, ok := c.info.Uses[id].(*types.Var); ok && v.Parent() == v.Pkg().Scope() {
						registry = v.Pkg().Path() + "." + v.Name()
					}
				}
			}
		}
		return true
	})
	return registry
}

func (c *checkedPackage) firstString(decl *ast.FuncDecl) types.Object {
	for _, field := range decl.Type.Params.List {
		for _, id := range field.Names {
			if object := c.info.Defs[id]; object != nil {
				if basic, ok := object.Type().Underlying().(*types.Basic); ok && basic.Kind() == types.String {
					return object
				}
			}
		}
	}
	return nil
}

func (c *checkedPackage) is(e ast.Expr, object types.Object) bool {
	id, ok := ast.Unparen(e).(*ast.Ident)
	return ok && c.info.Uses[id] == object
}
